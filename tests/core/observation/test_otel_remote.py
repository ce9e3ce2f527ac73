"""Inbound traces: their span is the remote parent of the unit's span."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import propagate, trace
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import SpanKind

import headrace
from headrace import asgi, wsgi
from tests.core.otel_kit import (
    SPAN_ID,
    TRACE_ID,
    Spans,
    attached,
    charge,
    id_of,
    parent_of,
    receive,
    trace_id,
)

if TYPE_CHECKING:
    from collections.abc import Callable

INBOUND = f"00-{TRACE_ID}-{SPAN_ID:016x}-01"
UNSAMPLED = f"00-{TRACE_ID}-{SPAN_ID:016x}-00"


def by_hand(headers: dict[str, str], handler: Callable[[], Any], **options: Any) -> None:
    """Open a unit for a message, as a consumer without an integration does."""
    remote = headrace.extract(headers) if options.get("trust_inbound", True) else None
    with headrace.open_context(remote=remote):
        handler()


def by_asgi(headers: dict[str, str], handler: Callable[[], Any], **options: Any) -> None:
    """Serve a request with the ASGI middleware."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        handler()

    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": raw}
    serving = asgi.FlowMiddleware(app, **options)(scope, None, None)  # type: ignore[arg-type]
    with pytest.raises(StopIteration):  # nothing waits, and a loop may already run
        serving.send(None)  # type: ignore[attr-defined]


def by_wsgi(headers: dict[str, str], handler: Callable[[], Any], **options: Any) -> None:
    """Serve a request with the WSGI middleware; the handler runs while the body is made."""

    def app(environ: Any, start_response: Any) -> Any:
        yield handler() or b""

    environ = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
    environ |= {"REQUEST_METHOD": "GET", "PATH_INFO": "/"}
    body = wsgi.FlowMiddleware(app, **options)(environ, None)  # type: ignore[arg-type]
    list(body)
    body.close()  # type: ignore[attr-defined]


each = pytest.mark.parametrize("serve", [by_hand, by_asgi, by_wsgi])
web = pytest.mark.parametrize("serve", [by_asgi, by_wsgi])


def unit_span(spans: Spans) -> Any:
    [span] = [each for each in spans.exporter.get_finished_spans() if each.name in {"/", "manual"}]
    return span


@each
@pytest.mark.guarantee(62)
@pytest.mark.parametrize("correlation", [None, "order-17", "f" * 32])
def test_an_inbound_span_is_the_parent(serve: Any, correlation: str | None, spans: Spans) -> None:
    """The unit's span is a child of the inbound one, whatever the correlation ID is."""
    headers = {"traceparent": INBOUND, "tracestate": "foo=1,a@@b=2"}
    if correlation is not None:
        headers["X-Correlation-ID"] = correlation
    seen = []
    serve(headers, lambda: seen.append((headrace.current_flow_id(), receive())))
    span = unit_span(spans)
    assert parent_of(span) == SPAN_ID
    assert span.parent.is_remote
    assert spans.traces == {TRACE_ID}
    assert span.context.trace_state.to_header() == "foo=1,a@@b=2"
    assert parent_of(spans["receive"]) == id_of(span)
    assert seen[0][0] == (correlation or TRACE_ID)
    if serve is not by_hand:
        assert span.kind is SpanKind.SERVER


@each
@pytest.mark.guarantee(62)
@pytest.mark.parametrize("backend", ["otel", "none"])
def test_an_unsampled_trace_stays_unsampled(
    serve: Any, backend: str, install: Callable[..., Spans]
) -> None:
    """Nothing is recorded, and outgoing headers are unsampled, with OpenTelemetry or without."""
    headrace.configure(backend)
    spans = install(sampler=ParentBased(ALWAYS_ON)) if backend == "otel" else None
    carrier: dict[str, str] = {}

    def handler() -> None:
        receive()
        headrace.inject(carrier)

    serve({"traceparent": UNSAMPLED, "X-Correlation-ID": "order-17"}, handler)
    assert spans is None or spans.names == []
    assert carrier["traceparent"].startswith(f"00-{TRACE_ID}-")
    assert carrier["traceparent"].endswith("-00")


@web
@pytest.mark.guarantee(61)
@pytest.mark.parametrize("trust", [False, lambda source: False])
def test_an_untrusted_trace_that_another_library_continues_gives_no_id(
    serve: Any, trust: Any, spans: Spans
) -> None:
    """An outer instrumentor accepts an untrusted trace; the correlation ID is a fresh one."""
    tracer = trace.get_tracer("theirs")
    remote = propagate.extract({"traceparent": INBOUND})
    seen: list[str | None] = []
    with (
        attached(remote),
        tracer.start_as_current_span("server", kind=SpanKind.SERVER),
        tracer.start_as_current_span("inner"),
    ):
        serve({}, lambda: seen.append(headrace.current_flow_id()), trust_inbound=trust)
    assert seen[0] not in {None, TRACE_ID}


@web
@pytest.mark.guarantee(62)
def test_an_untrusted_trace_is_not_continued(serve: Any, spans: Spans) -> None:
    """With `trust_inbound=False` the request's span is the root of a new trace."""
    serve({"traceparent": UNSAMPLED}, receive, trust_inbound=False)
    span = unit_span(spans)
    assert span.parent is None
    assert trace_id(span) != TRACE_ID


@web
@pytest.mark.guarantee(62)
@pytest.mark.parametrize("correlation", ["order-17", None])
def test_a_call_to_the_next_service_is_one_trace(
    serve: Any, correlation: str | None, spans: Spans
) -> None:
    """The callee's SERVER span is below the caller's, in this process or another."""

    def call(inside: bool) -> None:
        carrier: dict[str, str] = {}
        headrace.inject(carrier)
        if inside:
            serve(carrier, charge)
        else:
            thread = threading.Thread(target=serve, args=(carrier, charge))
            thread.start()
            thread.join()

    headers = {} if correlation is None else {"X-Correlation-ID": correlation}
    for inside in (True, False):
        spans.exporter.clear()
        serve(headers, lambda inside=inside: call(inside))
        callee, caller = (each for each in spans.exporter.get_finished_spans() if each.name == "/")
        assert parent_of(callee) == id_of(caller)
        assert caller.parent is None
        assert callee.kind is SpanKind.SERVER
        assert parent_of(spans["charge"]) == id_of(callee)
        assert len(spans.traces) == 1


@web
@pytest.mark.guarantee(62)
def test_a_call_from_a_client_s_span_is_served(serve: Any, spans: Spans) -> None:
    """The client span that sent the request is the parent of its span, not its span."""
    with spans.app.start_as_current_span("GET", kind=SpanKind.CLIENT) as client:
        context = client.get_span_context()
        parent = f"00-{context.trace_id:032x}-{context.span_id:016x}-01"
        serve({"traceparent": parent}, lambda: None)
    assert parent_of(unit_span(spans)) == context.span_id
    assert unit_span(spans).kind is SpanKind.SERVER


@web
def test_another_request_s_span_is_no_parent(serve: Any, spans: Spans) -> None:
    """A second request in the context of an open one continues its own inbound trace."""

    def other() -> None:
        serve({"traceparent": INBOUND, "X-Correlation-ID": "order-18"}, charge)

    serve({"X-Correlation-ID": "order-17"}, other)
    inner, outer = (each for each in spans.exporter.get_finished_spans() if each.name == "/")
    assert parent_of(inner) == SPAN_ID
    assert outer.parent is None
    assert trace_id(outer) != TRACE_ID


@each
def test_a_unit_in_another_thread_stays_below_the_inbound_span(serve: Any, spans: Spans) -> None:
    """A fork without a current OpenTelemetry span is not a second root."""

    def work(forked: headrace.FlowContext) -> None:
        with forked:
            charge()

    def handler() -> None:
        context = headrace.get_flow_context()
        assert context is not None
        thread = threading.Thread(target=work, args=(context.fork(),))
        thread.start()
        thread.join()

    serve({"traceparent": INBOUND}, handler)
    assert {parent_of(each) for each in spans.exporter.get_finished_spans()} >= {SPAN_ID}
    assert None not in {parent_of(each) for each in spans.exporter.get_finished_spans()}


@web
def test_a_span_of_the_request_serves_it(serve: Any, spans: Spans) -> None:
    """An instrumentation's span below the inbound one is the request's only span."""
    remote = trace.SpanContext(int(TRACE_ID, 16), SPAN_ID, True, trace.TraceFlags(1))
    parent = trace.set_span_in_context(trace.NonRecordingSpan(remote))
    with (
        attached(parent),
        spans.app.start_as_current_span("GET /", kind=SpanKind.SERVER) as server,
    ):
        serve({"traceparent": INBOUND}, receive)
    assert spans.names == ["charge", "receive", "GET /"]
    assert parent_of(spans["receive"]) == server.get_span_context().span_id
    assert (spans["GET /"].attributes or {})["headrace.correlation_id"] == TRACE_ID


def test_a_stream_stays_below_a_span_that_is_no_longer_current(spans: Spans) -> None:
    """If an instrumentation detaches its span before the body is made, steps still get it."""

    def app(environ: Any, start_response: Any) -> Any:
        yield b""
        receive()

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/"}
    with spans.app.start_as_current_span("GET /", kind=SpanKind.SERVER) as server:
        body = wsgi.FlowMiddleware(app)(environ, None)  # type: ignore[arg-type]
    list(body)
    body.close()  # type: ignore[attr-defined]
    assert parent_of(spans["receive"]) == server.get_span_context().span_id
    assert trace.get_current_span() is trace.INVALID_SPAN
