"""The spans of runs: parents, links and attributes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

import headrace
from headrace import extract
from headrace.integration import Unit, transport_context
from tests.celery.conftest import run_in_worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from celery import Celery

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"

Publish = "Callable[[Callable[[], Any]], None]"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Keep the spans, with headrace reporting to OpenTelemetry."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    headrace.configure("otel")
    yield kept
    headrace.configure()


def span_of_run(spans: InMemorySpanExporter) -> Any:
    [span] = [one for one in spans.get_finished_spans() if one.name == "run"]
    assert span.kind is SpanKind.CONSUMER
    return span


def nothing() -> None:
    """Do nothing, as a task."""


def inside(kind: str) -> Callable[[Callable[[], Any]], None]:
    def publish(delay: Callable[[], Any]) -> None:
        with Unit(transport_context(kind, "publisher")):
            delay()

    return publish


def in_a_command(delay: Callable[[], Any]) -> None:
    inside("command")(delay)


def in_a_websocket(delay: Callable[[], Any]) -> None:
    inside("websocket")(delay)


def after_the_unit(delay: Callable[[], Any]) -> None:
    with headrace.open_context():
        later = headrace.bind(delay)
    later()


def in_an_old_unit(delay: Callable[[], Any]) -> None:
    with headrace.open_context():
        delay()


def in_an_old_span(delay: Callable[[], Any]) -> None:
    with trace.get_tracer("app").start_as_current_span("poll"), headrace.open_context():
        delay()


@pytest.mark.guarantee(64)
@pytest.mark.parametrize("publish", [inside("http"), inside("task"), inside("manual")])
def test_a_run_is_a_child_of_its_publisher(publish: Any, spans: Any, app: Celery) -> None:
    """Published by a request, a task or a short unit, the run is in the publisher's trace."""
    task = app.task(name="run")(nothing)
    run_in_worker(app, lambda: publish(task.delay))
    run = span_of_run(spans)
    [publisher] = [one for one in spans.get_finished_spans() if one is not run]
    assert run.parent.span_id == publisher.context.span_id
    assert run.parent.is_remote
    assert run.context.trace_id == publisher.context.trace_id
    assert run.links == ()


@pytest.mark.guarantee(64)
@pytest.mark.parametrize(
    "publish", [in_a_command, in_a_websocket, after_the_unit, in_an_old_unit, in_an_old_span]
)
def test_a_run_is_linked_to_a_publisher_that_lives_long_or_has_ended(
    publish: Any, spans: Any, app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins a trace of its own with a link; the correlation ID ties both together."""
    if "old" in publish.__name__:
        monkeypatch.setattr("headrace._context.spans.time_ns", lambda: time.time_ns() + 61 * 10**9)
    task = app.task(name="run")(nothing)
    run_in_worker(app, lambda: publish(task.delay))
    run = span_of_run(spans)
    [publisher] = [one for one in spans.get_finished_spans() if one is not run]
    [link] = run.links
    assert run.parent is None
    assert link.context.span_id == publisher.context.span_id
    assert run.context.trace_id != publisher.context.trace_id
    key = "headrace.correlation_id"
    assert run.attributes[key] == publisher.attributes[key]


@pytest.mark.guarantee(64)
def test_a_new_operation_is_linked_to_its_publisher(spans: Any, app: Celery) -> None:
    """A task with `headrace_new` begins a trace, whose ID is its correlation ID."""
    task = app.task(name="run", headrace_new=True)(nothing)
    run_in_worker(app, lambda: inside("http")(task.delay))
    run = span_of_run(spans)
    assert run.parent is None
    assert len(run.links) == 1
    assert f"{run.context.trace_id:032x}" == run.attributes["headrace.correlation_id"]


@pytest.mark.guarantee(64)
def test_a_detached_message_brings_no_trace(spans: Any, app: Celery) -> None:
    """Published inside `detached()`, a run has neither parent nor link."""
    task = app.task(name="run")(nothing)

    def publish() -> None:
        with Unit(transport_context("http", "/")), headrace.detached():
            task.apply_async(headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})

    run_in_worker(app, publish)
    run = span_of_run(spans)
    assert run.parent is None
    assert run.links == ()
    assert f"{run.context.trace_id:032x}" != TRACE


@pytest.mark.guarantee(62)
@pytest.mark.parametrize("backend", ["otel", "none"])
@pytest.mark.parametrize("flags", ["00", "01"])
def test_the_flags_go_through_a_queue(
    backend: str, flags: str, app: Celery, request: pytest.FixtureRequest
) -> None:
    """A trace that comes in by HTTP goes out of the task with its flags, and unrecorded at 00."""
    spans = request.getfixturevalue("spans") if backend == "otel" else None
    if spans is None:
        headrace.configure("none")
    sent: dict[str, str] = {}

    @app.task(name="run")
    def task() -> None:
        headrace.inject(sent)

    inbound = extract([("traceparent", f"00-{TRACE}-{PARENT}-{flags}"), ("tracestate", "a=1")])

    def publish() -> None:
        with Unit(transport_context("http", "/", inbound)):
            task.delay()

    run_in_worker(app, publish)
    assert sent["traceparent"].startswith(f"00-{TRACE}-")
    assert sent["traceparent"].endswith(f"-{flags}")
    assert sent["tracestate"].endswith("a=1")
    if spans is not None:
        assert len(spans.get_finished_spans()) == (2 if flags == "01" else 0)


def test_a_retry_is_a_child_of_the_attempt_before(spans: Any, app: Celery) -> None:
    """Each attempt is published by the one before it."""

    @app.task(name="run", bind=True)
    def run(self: Any) -> None:
        if self.request.retries < 2:
            raise self.retry(countdown=0)

    run_in_worker(app, lambda: inside("http")(run.delay))
    first, second, third = (
        one for one in spans.get_finished_spans() if one.kind is SpanKind.CONSUMER
    )
    assert second.parent.span_id == first.context.span_id
    assert third.parent.span_id == second.context.span_id
    assert {one.status.status_code for one in (first, second, third)} == {StatusCode.UNSET}


@pytest.mark.guarantee(66)
def test_a_run_says_what_the_conventions_ask(spans: Any, app: Celery) -> None:
    """System, queue, operation and message ID, by the conventions for messaging."""
    task = app.task(name="run")(nothing)
    result: list[Any] = []
    run_in_worker(app, lambda: result.append(task.delay()))
    run = span_of_run(spans)
    assert run.name == "run"
    assert {key: value for key, value in run.attributes.items() if "messaging" in key} == {
        "messaging.system": "celery",
        "messaging.destination.name": app.conf.task_default_queue,
        "messaging.operation.type": "process",
        "messaging.operation.name": "process",
        "messaging.message.id": result[0].id,
    }


@pytest.mark.guarantee(66)
def test_a_failed_run_names_the_class(spans: Any, app: Celery) -> None:
    """Its status is ERROR, and `error.type` the class of what it raised."""

    @app.task(name="run")
    def run() -> None:
        raise headrace.ValidationFailedError("step", "on purpose")

    run_in_worker(app, run.delay)
    span = span_of_run(spans)
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == "headrace.ValidationFailedError"


def test_span_of_an_instrumentor_that_is_set_up_later_stands_for_the_run(
    spans: Any, app: Celery
) -> None:
    """Each run has one span, OpenTelemetry's, from the first run on."""
    task = app.task(name="run")(nothing)
    instrumentor = CeleryInstrumentor()
    instrumentor.instrument()
    try:
        run_in_worker(app, task.delay, task.delay)
    finally:
        instrumentor.uninstrument()
    runs = [one for one in spans.get_finished_spans() if one.kind is SpanKind.CONSUMER]
    assert [one.name for one in runs] == ["run/run", "run/run"]
