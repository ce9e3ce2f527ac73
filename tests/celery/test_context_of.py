"""`context_of`: the context of a message, for code that runs several messages at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import headrace
import headrace_celery
from headrace import RemoteContext
from headrace_celery import context_of
from tests.celery.conftest import raw_messages, run_in_worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

HEADER = {"v": 1, "id": "an-id", "cause": "b7ad6b7169203331", "at": 5, "meta": {"tenant": "acme"}}


class BatchedRequest:
    """The request that celery-batches makes of a worker's: it can be pickled, and names no app."""

    def __init__(self, request_dict: Any) -> None:
        self.id = "1"
        self.name = "batched"
        self.request_dict = request_dict


REQUESTS: dict[str, Callable[[Any], Any]] = {
    "celery-batches": lambda header: BatchedRequest({"headrace": header}),
    "celery-batches, nested": lambda header: BatchedRequest({"headers": {"headrace": header}}),
    "a running task": lambda header: SimpleNamespace(headers={"headrace": header}),
    "a running task, copied": lambda header: SimpleNamespace(headrace=header, headers=None),
    "a message": lambda header: SimpleNamespace(headers={"headrace": header}, body=b""),
    "headers": lambda header: {"headrace": header},
}


@pytest.mark.guarantee(113)
@pytest.mark.parametrize("kind", REQUESTS)
def test_envelope_of_a_request_is_read(kind: str) -> None:
    """Every kind of request gives the publisher's ID, its unit and its metadata."""
    headrace.configure(propagate_metadata=["tenant"])
    remote = context_of(REQUESTS[kind](HEADER))
    assert (remote.correlation_id, remote.causation_id) == ("an-id", HEADER["cause"])
    assert remote.metadata.keys() == {"tenant", "celery.queue_ms"}
    with headrace.open_context(remote=remote) as context:
        assert (context.correlation_id, context.causation_id) == ("an-id", HEADER["cause"])
        assert context.get_value("tenant") == "acme"


@pytest.mark.guarantee(113)
def test_batch_runs_each_message_in_its_own_operation(app: Celery) -> None:
    """A task that gets several messages at once continues the operation of each."""
    seen: list[tuple[str | None, str | None]] = []

    @app.task(name="batched")
    def batched() -> None: ...

    for number in (1, 2):
        with headrace.open_context(f"order-{number}"):
            batched.delay()
    with headrace.open_context("batch"):
        for message in raw_messages(app):
            remote = context_of(BatchedRequest(message["headers"]))
            with headrace.open_context(remote=remote) as one:
                seen.append((one.correlation_id, headrace.current_flow_id()))
    assert seen == [("order-1", "order-1"), ("order-2", "order-2")]


@pytest.mark.guarantee(113)
def test_running_task_can_read_its_own_message(app: Celery) -> None:
    """A task's request and the worker's request give the same context as the run has."""
    seen: list[Any] = []

    @app.task(name="look", bind=True)
    def look(self: Any) -> None:
        seen.append((context_of(self.request), headrace.get_flow_context()))

    with headrace.open_context("an-id"):
        run_in_worker(app, look.delay)
    ((remote, context),) = seen
    assert (remote.correlation_id, remote.causation_id) == ("an-id", context.causation_id)


class Hostile:
    """An object whose attributes raise."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


@pytest.mark.guarantee(113)
@pytest.mark.parametrize(
    "request_",
    [
        None,
        7,
        object(),
        {},
        BatchedRequest(None),
        BatchedRequest({}),
        BatchedRequest({"headrace": "text"}),
        BatchedRequest({"headrace": {**HEADER, "id": "a\nb"}}),
        SimpleNamespace(headers=7),
    ],
)
def test_nothing_readable_is_an_empty_context(request_: Any) -> None:
    """A missing header, a broken one, or an object that is not a request never raises."""
    assert context_of(request_) == RemoteContext()


@pytest.mark.guarantee(113)
def test_request_that_raises_is_an_empty_context() -> None:
    """It does not raise even for an object whose attributes raise."""
    assert context_of(Hostile()) == RemoteContext()


@pytest.mark.parametrize("accepts", [True, False])
def test_deadline_is_told_only_where_the_app_accepts_it(
    make_app: Callable[..., Celery], accepts: bool
) -> None:
    """As for a run, the deadline of a message counts only with `accept_deadline=True`."""
    app = make_app(accept_deadline=accepts)
    with headrace.open_context(), headrace.deadline(30):
        app.send_task("any")
    (message,) = raw_messages(app)
    remote = context_of(SimpleNamespace(app=app, request_dict=message["headers"]))
    assert (remote.deadline is not None) is accepts


def test_trace_of_a_message_is_told() -> None:
    """The W3C Trace Context of a message is read with and without our header."""
    traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    for header in ({"headrace": HEADER}, {}):
        remote = context_of(BatchedRequest({"traceparent": traceparent, **header}))
        assert remote.trace is not None
        assert remote.trace.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"


def test_it_is_public() -> None:
    """The package exports it."""
    assert "context_of" in headrace_celery.__all__


def test_header_without_a_time_of_publishing_is_read() -> None:
    """Another publisher may leave out what it does not know: the context has no queue time."""
    header = {key: value for key, value in HEADER.items() if key != "at"}
    remote = context_of({"headrace": header})
    assert remote.correlation_id == "an-id"
    assert "celery.queue_ms" not in remote.metadata
