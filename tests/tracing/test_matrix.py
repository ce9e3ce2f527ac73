"""Each framework beside OpenTelemetry's instrumentation of it, in each order of set-up.

However the two are combined, a request has one SERVER span, whose parent is the remote one.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.tracing.cells import REQUESTS, printed

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
ASKED = ["remote", "fresh", "stream", "fail", "caller", "callee"]

matrix = pytest.mark.parametrize(("framework", "setup", "backend"), REQUESTS)
pytestmark = pytest.mark.guarantee(63)


def spans_of(cell: tuple[str, str, str], request: str) -> list[Any]:
    spans: list[Any] = printed(*cell)["seen"][request]
    return spans


def server_of(spans: list[Any]) -> Any:
    [server] = [span for span in spans if span["kind"] == "SERVER"]
    return server


@pytest.fixture
def cell(framework: str, setup: str, backend: str) -> tuple[str, str, str]:
    return framework, setup, backend


@matrix
@pytest.mark.parametrize("asked", ASKED)
def test_a_request_has_one_server_span(cell: Any, asked: str) -> None:
    """Exactly one SERVER span, with the remote parent; all other spans are in its trace."""
    spans = spans_of(cell, asked)
    server = server_of(spans)
    expected = None if asked in {"fresh", "caller"} else PARENT
    if asked == "callee":
        expected = server_of(spans_of(cell, "caller"))["id"]
        others = {span["id"] for span in spans_of(cell, "caller")}
        assert server["parent"] in others
    else:
        assert server["parent"] == expected
    assert {span["trace"] for span in spans} == {server["trace"]}
    if asked in {"remote", "stream", "fail"}:
        assert server["trace"] == TRACE


@matrix
@pytest.mark.parametrize("asked", ASKED)
def test_there_is_no_second_root(cell: Any, asked: str) -> None:
    """Each other span has its parent among the request's spans, or the remote one."""
    spans = spans_of(cell, asked)
    known = {span["id"] for span in spans}
    roots = [span for span in spans if span["parent"] not in known]
    assert roots == [server_of(spans)]


@matrix
@pytest.mark.parametrize("asked", ASKED)
def test_the_steps_are_below_the_server_span(cell: Any, asked: str) -> None:
    """From a step the parents lead to the SERVER span; in the body of a stream too."""
    spans = spans_of(cell, asked)
    parents = {span["id"]: span["parent"] for span in spans}
    [step] = [span for span in spans if "headrace.step" in span["attributes"]]
    above = step["id"]
    while above is not None and above != server_of(spans)["id"]:
        above = parents.get(above)
    assert above is not None


@matrix
def test_a_websocket_has_one_server_span(cell: Any) -> None:
    """A WebSocket has one SERVER span, like a request, while it is connected."""
    if cell[0] in {"asgi", "fastapi", "starlette"}:
        spans = spans_of(cell, "socket")
        server = server_of(spans)
        assert server["parent"] == PARENT
        assert {span["trace"] for span in spans} == {TRACE}
        [step] = [span for span in spans if span["name"] == "work"]
        assert step["parent"] in {span["id"] for span in spans}


@matrix
def test_an_unsampled_request_is_not_recorded(cell: Any) -> None:
    """Under the SDK's own sampler no span of the request is recorded, theirs or ours."""
    assert spans_of(cell, "unsampled") == []


@matrix
def test_a_call_to_the_next_service_is_one_trace(cell: Any) -> None:
    """Though the correlation ID is no trace ID, the callee's spans are in the caller's trace."""
    traces = {span["trace"] for name in ("caller", "callee") for span in spans_of(cell, name)}
    assert len(traces) == 1


@matrix
def test_the_correlation_id_is_on_the_spans(cell: Any) -> None:
    """The SERVER span has the correlation ID, or the unit's own span above it."""
    spans = [span for span in spans_of(cell, "remote") if span["name"] != "work"]
    stamped = [s for s in spans if s["attributes"].get("headrace.correlation_id") == "order-17"]
    assert stamped
    assert server_of(spans) in stamped


@matrix
def test_nothing_is_left_and_nothing_complained(cell: Any) -> None:
    """No span or unit is current afterwards, and no instrumentation says that it was skipped."""
    seen = printed(*cell)
    assert seen["after"]
    assert seen["logged"] == []


@matrix
@pytest.mark.guarantee(50)
def test_no_span_of_ours_is_active_on_an_excluded_path(cell: Any) -> None:
    """Not even the span of the enclosing unit, which would become a parent of other spans."""
    found = printed(*cell)
    assert found["excluded"] == {"span": None}
    assert found["after"]
