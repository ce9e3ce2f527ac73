"""Fixtures for the tests of headrace-celery: apps of their own, and Celery as it was before."""

from __future__ import annotations

import itertools
import logging
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery, Task, _state, signals
from celery.concurrency import solo
from celery.exceptions import TaskRevokedError
from celery.worker import state, strategy

import headrace
import headrace_celery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headrace import FlowContext, StepInfo

_numbers = itertools.count()


@pytest.fixture(autouse=True)
def celery_as_before() -> Iterator[None]:
    """Give back Celery's signals, its request class, the log records and the configuration."""
    known = {name: getattr(signals, name) for name in signals.__all__}
    receivers = {name: list(signal.receivers) for name, signal in known.items()}
    request, apply, factory = Task.Request, Task.apply, logging.getLogRecordFactory()
    shared = set(_state._on_app_finalizers)
    yield
    # What one app declares, Celery declares for each later one too.
    _state._on_app_finalizers.intersection_update(shared)
    for name, signal in known.items():
        signal.receivers[:] = receivers[name]
        signal.sender_receivers_cache.clear()
    Task.Request, Task.apply = request, apply
    logging.setLogRecordFactory(factory)
    headrace.configure()


@pytest.fixture
def make_app() -> Callable[..., Celery]:
    """Return a function that makes an app on the memory transport, with its signals connected."""

    def make(*, accept_deadline: bool = False, **conf: Any) -> Celery:
        name = f"app{next(_numbers)}"
        app = Celery(name, broker="memory://", backend="cache+memory://", set_as_current=False)
        app.conf.update(
            broker_transport_options={"polling_interval": 0.01}, task_default_queue=name, **conf
        )
        headrace_celery.init_app(app, accept_deadline=accept_deadline)
        return app

    return make


@pytest.fixture
def app(make_app: Callable[..., Celery]) -> Celery:
    """An app on the memory transport."""
    return make_app()


def looking(app: Celery, name: str = "look", **options: Any) -> tuple[Any, list[FlowContext]]:
    """Return a task of `app` that keeps the context of each of its runs, and what it keeps."""
    seen: list[Any] = []

    def look() -> None:
        seen.append(headrace.get_flow_context())

    return app.task(name=name, **options)(look), seen


def run_in_worker(
    app: Celery, *publish: Callable[[], Any], inside: Callable[[], Any] = headrace.detached
) -> None:
    """Publish in turn; then run what waits in the queue of `app` until it is empty.

    The worker runs in the context manager that `inside` makes, by default without any unit.

    Request, strategy and tracer are Celery's own; its threads, timers and processes are left out.
    """
    for each in publish:
        each()
    consumer = InlineConsumer(app)
    with inside(), current(app), app.connection_for_read() as connection:
        channel = connection.default_channel
        while channel._size(app.conf.task_default_queue):
            consumer.take(app, channel.basic_get(app.conf.task_default_queue))


@contextmanager
def current(app: Celery) -> Iterator[None]:
    """Have `app` as Celery's current app inside the block, as it is in a worker."""
    before = _state._tls.current_app
    app.set_current()
    try:
        yield
    finally:
        _state._set_current_app(before)


class InlineConsumer:
    """What Celery's strategy needs of a consumer, with a pool that runs tasks at once."""

    hostname = "inline"
    connection_errors = ()
    event_dispatcher = None
    disable_rate_limits = True
    controller = SimpleNamespace(state=state)
    timer = SimpleNamespace(call_at=lambda eta, call, args, priority: call(*args))
    qos = SimpleNamespace(increment_eventually=int)
    _limit_task = _limit_post_eta = None

    def __init__(self, app: Celery) -> None:
        self.pool = solo.TaskPool(app=app)
        self.task_buckets: dict[str, Any] = {}

    def take(self, app: Celery, message: Any) -> None:
        """Run the task of `message`, of protocol 2 or 1."""
        task = app.tasks[message.headers.get("task") or message.payload["task"]]
        body = None if "task" in message.headers else message.payload
        handle = strategy.default(task, app, self)
        handle(message, body, message.ack_log_error, message.reject_log_error, [])

    def on_task_request(self, request: Any) -> None:
        """Give the request to the pool."""
        with suppress(TaskRevokedError):
            request.execute_using_pool(self.pool)

    apply_eta_task = on_task_request


def raw_messages(app: Celery) -> list[dict[str, Any]]:
    """Take the messages that wait in the queue of `app`, as the transport keeps them."""
    with app.connection_for_read() as connection:
        channel = connection.default_channel
        queue = app.conf.task_default_queue
        return [channel._get(queue) for _ in range(channel._size(queue))]


class Recorder:
    """A backend that keeps the units and the steps, with the exception that each ended in."""

    def __init__(self) -> None:
        self.units: list[tuple[FlowContext, BaseException | None]] = []
        self.steps: list[tuple[StepInfo, FlowContext, BaseException | None]] = []

    @contextmanager
    def unit(self, context: FlowContext) -> Iterator[None]:
        """Keep the unit when it ends."""
        try:
            yield
        except BaseException as exc:
            self.units.append((context, exc))
            raise
        self.units.append((context, None))

    @contextmanager
    def span(self, step: StepInfo, context: FlowContext) -> Iterator[None]:
        """Keep the step when it ends."""
        try:
            yield
        except BaseException as exc:
            self.steps.append((step, context, exc))
            raise
        self.steps.append((step, context, None))


@pytest.fixture
def recorder() -> Recorder:
    """A backend that is configured for the test."""
    backend = Recorder()
    headrace.configure(backend=backend)
    return backend
