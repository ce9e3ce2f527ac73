"""Redelivered messages: the same operation, another unit."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest
from celery import signals
from celery.app.trace import build_tracer

import headrace
from tests.celery.conftest import Recorder, current, looking, raw_messages, run_in_worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

PUBLISHES_NONE = "_dispatch_callbacks_and_chain" not in inspect.getsource(build_tracer)
HEADER = {"v": 1, "id": "redelivered-id", "cause": "00000000000000aa", "at": 1}


@pytest.fixture
def deduplicating(make_app: Callable[..., Celery]) -> Celery:
    """An app that does not run again what has already succeeded."""
    return make_app(task_acks_late=True, worker_deduplicate_successful_tasks=True)


def redeliver(app: Celery, task: Any, **request: Any) -> Any:
    """Run a redelivered message of `task`, as a child process does, through our tracer."""
    task.__trace__ = build_tracer(task.name, task, app.loader, "host", app=app)
    with current(app):
        signals.worker_process_init.send(sender="host")
        delivery = {"redelivered": True, "priority": None}
        fields = {"headrace": HEADER, "delivery_info": delivery, **request}
        return task.__trace__(request["id"], (), {}, fields)


@pytest.mark.guarantee(26)
def test_redelivered_task_keeps_its_id_and_cause(app: Celery) -> None:
    """Two deliveries of one message are two units of one operation, with the same cause."""
    task, seen = looking(app)
    for _ in range(2):
        task.apply_async(headers={"headrace": HEADER}, task_id="task-1")
        run_in_worker(app)
    assert {context.correlation_id for context in seen} == {HEADER["id"]}
    assert {context.causation_id for context in seen} == {HEADER["cause"]}
    assert len({context.unit_id for context in seen}) == 2


@pytest.mark.guarantee(29)
@pytest.mark.skipif(PUBLISHES_NONE, reason="before 5.7 Celery published no callbacks here")
def test_callbacks_of_a_deduplicated_redelivery_keep_the_id(deduplicating: Celery) -> None:
    """The callbacks that Celery publishes instead of running the task again carry its ID."""
    task, seen = looking(deduplicating)
    callback, _ = looking(deduplicating, "callback")
    deduplicating.backend.store_result("done-1", None, "SUCCESS")
    redeliver(deduplicating, task, id="done-1", callbacks=[callback.si()])
    (message,) = raw_messages(deduplicating)
    assert seen == []
    assert message["headers"]["headrace"]["id"] == HEADER["id"]
    assert headrace.get_flow_context() is None


@pytest.mark.guarantee(29)
def test_redelivery_that_runs_has_one_unit(deduplicating: Celery, recorder: Recorder) -> None:
    """A redelivered task that has not succeeded yet runs in one unit, which has its outcome."""

    def fail() -> None:
        raise LookupError

    task = deduplicating.task(name="fail", throws=(LookupError,))(fail)
    redeliver(deduplicating, task, id="fails-1")
    ((context, exc),) = recorder.units
    assert (context.correlation_id, context.causation_id) == (HEADER["id"], HEADER["cause"])
    assert isinstance(exc, LookupError)
    assert headrace.get_flow_context() is None


def test_first_delivery_is_left_to_celery(deduplicating: Celery, recorder: Recorder) -> None:
    """What is not redelivered runs in one unit as well."""
    task, seen = looking(deduplicating)
    delivery = {"redelivered": False, "priority": None}
    redeliver(deduplicating, task, id="first-1", delivery_info=delivery)
    assert [context for context, _ in recorder.units] == seen


def test_tracers_are_wrapped_in_this_process_too(deduplicating: Celery) -> None:
    """If tasks run in the worker's own process, a redelivered message has its tracer wrapped."""
    task, _ = looking(deduplicating)
    task.__trace__ = tracer = build_tracer(task.name, task, app=deduplicating)
    request = {"request": _Request(deduplicating, task, redelivered=False)}
    signals.task_received.send(sender=self_consumer, **request)
    assert task.__trace__ is tracer
    request = {"request": _Request(deduplicating, task, redelivered=True)}
    signals.task_received.send(sender=self_consumer, **request)
    signals.task_received.send(sender=self_consumer, **request)
    assert task.__trace__ is not tracer
    assert task.__trace__._tracer is tracer


def self_consumer() -> None:
    """Stand for the consumer that sends the signal."""


class _Request:
    def __init__(self, app: Celery, task: Any, *, redelivered: bool) -> None:
        self.app = app
        self.task = task
        self.delivery_info = {"redelivered": redelivered}
        self.request_dict: dict[str, Any] = {}


@pytest.mark.guarantee(29)
def test_malformed_header_of_a_redelivery_is_reported(
    deduplicating: Celery, caplog: pytest.LogCaptureFixture
) -> None:
    """A redelivered task with a header that cannot be read runs in one unit with a fresh ID."""
    task, seen = looking(deduplicating)
    redeliver(deduplicating, task, id="broken-1", headrace={"v": 99, "id": HEADER["id"]})
    [context] = seen
    assert context.correlation_id != HEADER["id"]
    [line] = [one.getMessage() for one in caplog.records if one.name == "headrace"]
    assert line.startswith("ignored the headrace header of task look[broken-1]: its version")
