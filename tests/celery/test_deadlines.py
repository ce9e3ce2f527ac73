"""Deadlines across the queue: wall time in the message, and only ever shorter."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace.testing import fake_clock
from headrace_celery import _deadlines
from tests.celery.conftest import looking, raw_messages, run_in_worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery


def request_with(app: Celery, left: float, **fields: Any) -> Any:
    """Return a request whose message has `left` seconds, as `on_task_received` gets it."""
    at = int((time.time() + left) * 1000)
    header = {"v": 1, "id": "an-id", "deadline": at}
    task = SimpleNamespace(soft_time_limit=fields.pop("task_soft", None))
    return SimpleNamespace(
        app=app,
        task=task,
        request_dict={"headrace": header},
        **{"expires": None, "time_limits": (None, None), **fields},
    )


@pytest.mark.guarantee(40)
def test_message_carries_the_deadline_as_wall_time(app: Celery) -> None:
    """The header says when the time is up, in milliseconds since the epoch."""
    with headrace.open_context(), headrace.deadline(30):
        app.send_task("any")
    (message,) = raw_messages(app)
    left = message["headers"]["headrace"]["deadline"] / 1000 - time.time()
    assert 20 < left <= 30


def test_deadline_is_not_heeded_by_default(app: Celery) -> None:
    """Without accept_deadline a run has no deadline from its message."""
    task, seen = looking(app)
    with headrace.open_context(), headrace.deadline(30):
        run_in_worker(app, task.delay)
    assert [context.deadline for context in seen] == [None]


def active_deadline() -> float:
    """Return the deadline that is active here, as a reading of the monotonic clock."""
    left = headrace.remaining()
    assert left is not None
    return time.monotonic() + left


@pytest.mark.guarantee(40)
def test_accepted_deadline_is_the_runs_own(make_app: Callable[..., Celery]) -> None:
    """With accept_deadline the run has the time that is left, on its own monotonic clock."""
    app = make_app(accept_deadline=True)
    task, seen = looking(app)
    with headrace.open_context(), headrace.deadline(30):
        ends = active_deadline()
        run_in_worker(app, task.delay)
    assert seen[0].deadline == pytest.approx(ends, abs=9)


@pytest.mark.guarantee(88)
def test_a_fake_clock_governs_the_deadline_of_a_message(
    make_app: Callable[..., Celery],
) -> None:
    """Time that passes on the fake clock between publishing and running shortens the deadline."""
    app = make_app(accept_deadline=True)
    left: list[float | None] = []

    @app.task(name="looks")
    def look() -> None:
        left.append(headrace.remaining())
        left.append(headrace.get_flow_context_value("celery.queue_ms"))

    with fake_clock() as clock, headrace.open_context(), headrace.deadline(3600):
        look.delay()
        clock.advance(1200)
        run_in_worker(app)
    seconds, queued = left
    assert seconds == pytest.approx(2400, abs=60)
    assert queued == pytest.approx(1_200_000, abs=60_000)


@pytest.mark.guarantee(88)
def test_a_message_expires_by_the_fake_clock(make_app: Callable[..., Celery]) -> None:
    """A deadline that has passed on the fake clock revokes the task, without real waiting."""
    app = make_app(accept_deadline=True)
    task, seen = looking(app)
    with fake_clock() as clock, headrace.open_context(), headrace.deadline(3600):
        result = task.delay()
        clock.advance(3601)
        run_in_worker(app)
    assert seen == []
    assert result.state == "REVOKED"


def test_deadline_travels_on(make_app: Callable[..., Celery]) -> None:
    """A task that is published by a run with a deadline has the same one."""
    app = make_app(accept_deadline=True)
    last, seen = looking(app)

    @app.task(name="first")
    def first() -> None:
        last.delay()

    with headrace.open_context(), headrace.deadline(30):
        ends = active_deadline()
        run_in_worker(app, first.delay)
    assert seen[0].deadline == pytest.approx(ends, abs=9)


@pytest.mark.guarantee(40)
def test_passed_deadline_expires_the_task(make_app: Callable[..., Celery]) -> None:
    """A task whose time is up before a worker has it is revoked as expired, and does not run."""
    app = make_app(accept_deadline=True)
    task, seen = looking(app)
    with headrace.open_context(), headrace.deadline(0.01):
        result = task.delay()
    time.sleep(0.02)
    run_in_worker(app)
    assert seen == []
    assert result.state == "REVOKED"


def test_each_call_decides_for_its_own_app(make_app: Callable[..., Celery]) -> None:
    """One app accepts deadlines and another does not, though the signals are the same."""
    accepting, other = make_app(accept_deadline=True), make_app()
    request = request_with(other, 30)
    _deadlines.on_task_received(request)
    assert request.expires is None
    request = request_with(accepting, 30)
    _deadlines.on_task_received(request)
    assert request.expires is not None


@pytest.mark.guarantee(40)
@pytest.mark.parametrize("shorter", [10, 60])
def test_expiry_is_only_shortened(make_app: Callable[..., Celery], shorter: int) -> None:
    """Of the message's own expiry and the deadline the earlier one holds."""
    app = make_app(accept_deadline=True)
    own = datetime.now(UTC) + timedelta(seconds=shorter)
    request = request_with(app, 30, expires=own)
    _deadlines.on_task_received(request)
    left = (request.expires - datetime.now(UTC)).total_seconds()
    assert min(shorter, 30) - 9 < left <= min(shorter, 30)


@pytest.mark.guarantee(40)
@pytest.mark.parametrize(
    ("limits", "task_soft", "expected"),
    [
        ((None, None), None, (None, 30)),
        ((None, 10), None, (None, 10)),
        ((50, 60), None, (50, 30)),
        ((None, None), 10, (None, 10)),
        ((None, None), 60, (None, 30)),
    ],
)
def test_soft_time_limit_is_only_shortened(
    make_app: Callable[..., Celery], limits: Any, task_soft: Any, expected: Any
) -> None:
    """Of the soft limit and the time that is left the shorter holds; the hard limit stays."""
    request = request_with(
        make_app(accept_deadline=True), 30, time_limits=limits, task_soft=task_soft
    )
    _deadlines.on_task_received(request)
    hard, soft = request.time_limits
    assert hard == expected[0]
    assert soft == pytest.approx(expected[1], abs=9)


def test_soft_time_limit_is_reckoned_when_the_run_begins(make_app: Callable[..., Celery]) -> None:
    """What a message waits in the worker itself is not given to the run as well."""
    request = request_with(make_app(accept_deadline=True), 30)
    _deadlines.on_task_received(request)
    _, at_once = request.time_limits
    time.sleep(0.02)
    _, later = request.time_limits
    assert later <= at_once - 0.02


@pytest.mark.parametrize("deadline", [10**400, "soon", -1, 2**53])
def test_impossible_deadline_changes_nothing(
    make_app: Callable[..., Celery], deadline: Any
) -> None:
    """A deadline that is none, or beyond all clocks, leaves the request as it is."""
    request = request_with(make_app(accept_deadline=True), 30)
    request.request_dict["headrace"]["deadline"] = deadline
    _deadlines.on_task_received(request)
    assert request.expires is None
    assert request.time_limits == (None, None)


def test_eager_run_inherits_the_callers_deadline(app: Celery) -> None:
    """Inside one process a deadline needs no acceptance."""
    task, seen = looking(app)
    with headrace.open_context(), headrace.deadline(30):
        ends = active_deadline()
        task.apply()
    assert seen[0].deadline == pytest.approx(ends, abs=9)


def test_message_without_a_deadline_changes_nothing(make_app: Callable[..., Celery]) -> None:
    """A request of an app that accepts deadlines keeps its limits if its message has none."""
    request = request_with(make_app(accept_deadline=True), 30)
    limits = request.time_limits
    for headers in ({}, {"headrace": {"v": 1, "id": "an-id"}}):
        request.request_dict = headers
        _deadlines.on_task_received(request)
        assert (request.expires, request.time_limits) == (None, limits)
