"""What a worker's parent process says and does about a run that it lost or gave up."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from billiard.einfo import ExceptionInfo
from billiard.exceptions import WorkerLostError
from celery.exceptions import Reject
from celery.worker import state
from celery.worker.request import Request

import headrace
from headrace.logging import FlowFilter
from headrace_celery._request import FlowRequest
from tests.celery.conftest import Recorder, looking, raw_messages

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

HEADER = {"v": 1, "id": "parents-id", "cause": "00000000000000aa", "at": 1}


def request_of(app: Celery, task: Any, **options: Any) -> FlowRequest:
    """Return the request of a message of `task`, as the worker's parent process has it."""
    task.apply_async(headers={"headrace": HEADER}, **options)
    with app.connection_for_read() as connection:
        message = connection.default_channel.basic_get(app.conf.task_default_queue)
        acks = {"on_ack": message.ack_log_error, "on_reject": message.reject_log_error}
        return FlowRequest(message, app=app, task=task, **acks)


def failure(exc: BaseException) -> ExceptionInfo:
    """Return what the pool reports of `exc`."""
    try:
        raise exc
    except BaseException:
        return ExceptionInfo()


def ids_of(records: list[logging.LogRecord], text: str) -> list[str]:
    """Return the IDs of the lines that contain `text`."""
    found = [record for record in records if text in record.getMessage()]
    for record in found:
        FlowFilter().filter(record)
    return [vars(record)["flow_id"] for record in found]


def test_celery_uses_our_request_class(app: Celery) -> None:
    """After `init_app` tasks name our request class, which is Celery's own and a bit more."""
    task, _ = looking(app)
    assert task.Request == "headrace_celery._request:FlowRequest"
    assert issubclass(FlowRequest, Request)


@pytest.mark.guarantee(26)
def test_line_about_a_lost_worker_carries_the_id(
    app: Celery, caplog: pytest.LogCaptureFixture, recorder: Recorder
) -> None:
    """The parent logs the loss under the ID of the message, and reports the unit that was lost."""
    task, _ = looking(app)
    request = request_of(app, task)
    request.on_failure(failure(WorkerLostError("killed")))
    assert ids_of(caplog.records, "Task handler raised error") == [HEADER["id"]]
    ((context, exc),) = recorder.units
    assert (context.correlation_id, context.causation_id) == (HEADER["id"], HEADER["cause"])
    assert isinstance(exc, WorkerLostError)
    assert headrace.get_flow_context() is None


@pytest.mark.guarantee(26)
def test_errback_of_a_lost_task_carries_the_id(app: Celery) -> None:
    """What the parent publishes for a lost run belongs to the run's operation."""
    task, _ = looking(app)

    @app.task(name="errback")
    def errback(failed_id: str) -> None: ...

    request = request_of(app, task, link_error=errback.s())
    request.on_failure(failure(WorkerLostError("killed")))
    (message,) = raw_messages(app)
    assert message["headers"]["task"] == "errback"
    assert message["headers"]["headrace"]["id"] == HEADER["id"]


@pytest.mark.guarantee(26)
@pytest.mark.parametrize(("soft", "text"), [(True, "Soft time limit"), (False, "Hard time limit")])
def test_line_about_a_time_limit_carries_the_id(
    app: Celery, caplog: pytest.LogCaptureFixture, recorder: Recorder, soft: bool, text: str
) -> None:
    """So do the lines about time limits; only beyond the hard one is the unit reported here."""
    task, _ = looking(app)
    request_of(app, task).on_timeout(soft, 1.0)
    assert ids_of(caplog.records, text) == [HEADER["id"]]
    assert len(recorder.units) == (0 if soft else 1)


def test_line_about_a_revoked_task_carries_the_id(
    app: Celery, caplog: pytest.LogCaptureFixture, recorder: Recorder
) -> None:
    """A task that is given up is mentioned under its ID, and is no unit of work."""
    caplog.set_level(logging.INFO, "celery.worker.request")
    task, _ = looking(app)
    request = request_of(app, task)
    assert request.revoked() is False
    state.revoked.add(request.id)
    try:
        assert request.revoked() is True
    finally:
        state.revoked.discard(request.id)
    assert ids_of(caplog.records, "Discarding revoked task") == [HEADER["id"]]
    assert recorder.units == []


def test_failure_that_the_run_has_reported_is_reported_once(
    app: Celery, recorder: Recorder
) -> None:
    """An ordinary failure has ended its unit in the child; the parent adds none."""
    task, _ = looking(app)
    request_of(app, task).on_failure(failure(LookupError("x")), return_ok=True)
    assert recorder.units == []


def test_rejection_belongs_to_the_operation(app: Celery, recorder: Recorder) -> None:
    """What the parent does with a rejected message it does under the message's ID."""
    seen: list[Any] = []
    task, _ = looking(app)
    request = request_of(app, task)
    request.send_event = lambda *_, **__: seen.append(headrace.current_flow_id())
    request.on_failure(failure(Reject("reason", requeue=False)), return_ok=True)
    assert set(seen) == {HEADER["id"]}


def test_parent_joins_no_unit_that_happens_to_be_active(
    app: Celery, caplog: pytest.LogCaptureFixture
) -> None:
    """In a worker that was started inside a unit, a lost run's line carries the run's own ID."""
    task, _ = looking(app)
    request = request_of(app, task)
    with headrace.open_context("active") as outer:
        request.on_failure(failure(WorkerLostError("killed")))
        assert ids_of(caplog.records, "Task handler raised error") == [HEADER["id"]]
        assert headrace.get_flow_context() is outer


def test_poisoned_header_does_not_stop_the_parent(
    make_app: Callable[..., Celery], caplog: pytest.LogCaptureFixture
) -> None:
    """A header that cannot be read costs the line its ID, and nothing else."""
    app = make_app()
    task, _ = looking(app)
    request = request_of(app, task)
    request.request_dict["headrace"] = "poison"
    request.on_failure(failure(WorkerLostError("killed")))
    (flow_id,) = ids_of(caplog.records, "Task handler raised error")
    assert len(flow_id) == 32
