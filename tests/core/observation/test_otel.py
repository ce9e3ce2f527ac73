"""Steps and units of work as spans of OpenTelemetry, with its real SDK."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from contextlib import nullcontext
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

import headrace
from headrace import FlowContext, StepInfo, integration
from headrace._tracing import active_span
from headrace.backends import OTelBackend
from tests.core.otel_kit import (
    TRACE_ID,
    Spans,
    charge,
    charge_async,
    current,
    id_of,
    name_of,
    parent_of,
    receive,
    refund,
    shop,
    trace_id,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator


# --- Steps and units as spans ---------------------------------------------------------------------


def test_a_step_is_a_span_with_its_names(spans: Spans) -> None:
    """The span has the step's name, and flow, step and correlation ID as attributes."""
    with headrace.open_context(TRACE_ID):
        charge()
    span = spans["charge"]
    assert dict(span.attributes or {}) == {
        "headrace.flow": "otel",
        "headrace.step": "charge",
        "headrace.correlation_id": TRACE_ID,
    }
    assert span.kind is SpanKind.INTERNAL
    assert span.status.status_code is StatusCode.UNSET
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == "headrace"


def test_the_steps_of_a_unit_share_its_trace(spans: Spans) -> None:
    """The unit's span is the root, the correlation ID its trace ID, and steps nest below it."""
    with headrace.open_context() as context:
        receive()
        charge_id = id_of(spans["charge"])
        asyncio.run(charge_async())
    assert spans.traces == {context.correlation_id}
    assert parent_of(spans["manual"]) is None
    assert parent_of(spans["receive"]) == id_of(spans["manual"])
    assert parent_of(spans["charge"]) == id_of(spans["receive"])
    assert parent_of(spans["charge_async"]) == id_of(spans["manual"])
    assert charge_id == id_of(spans["charge"])
    assert not current().get_span_context().is_valid


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("http", SpanKind.SERVER),
        ("websocket", SpanKind.SERVER),
        ("task", SpanKind.CONSUMER),
        ("command", SpanKind.INTERNAL),
        ("flow", SpanKind.INTERNAL),
    ],
)
def test_a_unit_s_span_has_the_kind_of_its_work(
    kind: str, expected: SpanKind, spans: Spans
) -> None:
    """Requests are SERVER, tasks CONSUMER; the unit's name is the span's."""
    with integration.Unit(integration.transport_context(kind, "the name")):
        pass
    span = spans["the name"]
    assert span.kind is expected
    assert ("headrace.flow" in (span.attributes or {})) is (kind == "flow")


def test_a_unit_s_span_takes_the_name_that_the_unit_has_at_its_end(spans: Spans) -> None:
    """A route that is known only after the request began names the span."""
    context = integration.transport_context("http", "/orders/17")
    with integration.Unit(context):
        context.name = "/orders/{id}"
    assert spans.names == ["/orders/{id}"]


@pytest.mark.parametrize(
    ("correlation_id", "expected"),
    [
        (TRACE_ID, TRACE_ID),
        (TRACE_ID.upper(), TRACE_ID),
        ("order-17", None),
        ("0" * 32, None),
        ("_".join(["0af76519"] * 3) + "_00000", None),  # int() would read it, underscores and all
        ("f" * 31, None),
        ("f" * 33, None),
    ],
)
def test_a_valid_correlation_id_is_the_trace_id(
    correlation_id: str, expected: str | None, spans: Spans
) -> None:
    """32 hex digits, not all zero, become the trace ID; with others the steps share one too."""
    with headrace.open_context(correlation_id):
        receive()
    [shared] = spans.traces
    assert int(shared, 16) != 0
    assert (shared == correlation_id.lower()) is (expected is not None)
    assert (spans["charge"].attributes or {})["headrace.correlation_id"] == correlation_id


def test_two_units_have_two_traces(spans: Spans) -> None:
    """One after the other, and at the same time in threads and tasks, each has its own."""

    def work() -> None:
        with headrace.open_context():
            charge()

    async def work_async() -> None:
        with headrace.open_context():
            await charge_async()

    async def main() -> None:
        await asyncio.gather(*(work_async() for _ in range(10)))

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    asyncio.run(main())
    for thread in threads:
        thread.join()
    finished = spans.exporter.get_finished_spans()
    assert len(finished) == 40
    assert len(spans.traces) == 20
    for span in finished:
        assert (span.attributes or {})["headrace.correlation_id"] == trace_id(span)


def test_a_nested_unit_of_the_same_operation_stays_in_its_span(spans: Spans) -> None:
    """A unit inside a unit adds no span, whatever the ID looks like; its steps are in the trace."""
    for correlation_id in (TRACE_ID, "order-17"):
        spans.exporter.clear()
        with headrace.open_context(correlation_id) as context:
            with headrace.open_context():
                charge()
            with context.fork():
                receive()
        assert sorted(spans.names) == ["charge", "charge", "manual", "receive"]
        assert len(spans.traces) == 1


def test_a_new_unit_inside_another_has_a_trace_of_its_own(spans: Spans) -> None:
    """`entrypoint(new=True)` begins another operation, and with it another trace."""
    with headrace.open_context() as outer:
        inner_id = refund()
    assert trace_id(spans["refund"]) == inner_id != outer.correlation_id
    assert parent_of(spans["otel"]) is None
    assert trace_id(spans["manual"]) == outer.correlation_id


def test_a_step_whose_unit_began_unobserved_is_in_the_unit_s_trace(spans: Spans) -> None:
    """Where the unit has no span, the steps' own root spans take its ID all the same."""
    headrace.configure("none")
    with headrace.open_context(TRACE_ID):
        headrace.configure("otel")
        charge()
        receive()
    assert spans.names == ["charge", "charge", "receive"]
    assert spans.traces == {TRACE_ID}


# --- Errors ---------------------------------------------------------------------------------------


def test_an_error_is_recorded_on_step_and_unit(spans: Spans) -> None:
    """Status ERROR with type and message, and the exception as an event."""
    with pytest.raises(ValueError, match="no funds"):
        receive(ValueError("no funds"))
    for name in ("charge", "receive", "otel"):
        span = spans[name]
        assert span.status.status_code is StatusCode.ERROR
        assert span.status.description == "ValueError: no funds"
        [event] = span.events
        assert event.name == "exception"
        assert (event.attributes or {})["exception.type"] == "ValueError"
        assert "in charge" in str((event.attributes or {})["exception.stacktrace"])


def test_cancelled_is_no_error(spans: Spans) -> None:
    """As with OpenTelemetry's own context managers the status stays unset; an attribute tells."""
    with pytest.raises(asyncio.CancelledError):
        receive(asyncio.CancelledError())
    for name in ("charge", "otel"):
        span = spans[name]
        assert span.status.status_code is StatusCode.UNSET
        assert span.events == ()
        assert (span.attributes or {})["headrace.outcome"] == "cancelled"


@pytest.mark.parametrize("raised", [GeneratorExit(), SystemExit(0)])
def test_what_is_no_failure_leaves_the_span_as_it_is(raised: BaseException, spans: Spans) -> None:
    """A generator that was closed, a program that ends with status 0: neither error nor outcome."""
    with pytest.raises(type(raised)), headrace.open_context():
        charge(raised)
    span = spans["charge"]
    assert span.status.status_code is StatusCode.UNSET
    assert "headrace.outcome" not in (span.attributes or {})


def test_an_exception_that_cannot_be_shown_still_ends_the_span(
    spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    """A `__str__` that raises costs the event; status and end are there, and the context is."""

    class UnspeakableError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    with pytest.raises(UnspeakableError):
        receive(UnspeakableError())
    assert spans.names == ["charge", "receive", "otel"]
    assert spans["charge"].status.description == "UnspeakableError"
    assert not current().get_span_context().is_valid


def test_a_processor_that_raises_breaks_nothing(
    install: Callable[..., Spans], caplog: pytest.LogCaptureFixture
) -> None:
    """Whether it fails at the start or at the end of spans, functions run once and all is left."""

    class Broken(SpanProcessor):
        def __init__(self, where: str) -> None:
            self.where = where

        def on_start(self, span: Any, parent_context: Any = None) -> None:
            if self.where == "start":
                raise RuntimeError("broken")

        def on_end(self, span: ReadableSpan) -> None:
            if self.where == "end":
                raise RuntimeError("broken")

    for where in ("start", "end"):
        caplog.clear()
        install().provider.add_span_processor(Broken(where))
        headrace.configure("otel")
        calls: list[int] = []

        @shop.step(name="counts")
        def counts(calls: list[int] = calls) -> None:
            calls.append(1)

        with headrace.open_context():
            counts()
            counts()
        assert calls == [1, 1]
        assert not current().get_span_context().is_valid
        assert len([each for each in caplog.records if each.name == "headrace"]) == 1


# --- Generators and other contexts ----------------------------------------------------------------


@shop.step
def items() -> Iterator[tuple[str, trace.Span]]:
    """Yield the current span, with a step between."""
    yield "first", current()
    charge()
    yield "second", current()


@shop.step
async def items_async() -> AsyncIterator[tuple[str, trace.Span]]:
    """Yield the current span, with a step between."""
    yield "first", current()
    await charge_async()
    yield "second", current()


@pytest.mark.guarantee(4)
def test_a_generator_s_span_is_never_its_consumer_s(spans: Spans) -> None:
    """Between the items the consumer's own span is current, and inside the body the step's."""
    with headrace.open_context(), spans.app.start_as_current_span("consumer") as consumer:
        for _, inside in items():
            assert name_of(inside) == "items"
            assert current() is consumer
            with spans.app.start_as_current_span("between"):
                pass
        assert current() is consumer
    betweens = [each for each in spans.exporter.get_finished_spans() if each.name == "between"]
    assert [parent_of(each) for each in betweens] == [id_of(spans["consumer"])] * 2
    assert parent_of(spans["charge"]) == id_of(spans["items"])
    assert parent_of(spans["items"]) == id_of(spans["consumer"])


@pytest.mark.guarantee(4)
def test_an_async_generator_s_span_is_never_its_consumer_s(spans: Spans) -> None:
    """The same, while the event loop is at work between the items."""

    async def consume() -> None:
        with headrace.open_context(), spans.app.start_as_current_span("consumer") as consumer:
            async for _, inside in items_async():
                assert name_of(inside) == "items_async"
                assert current() is consumer
                await asyncio.sleep(0)
                assert current() is consumer
            assert current() is consumer

    asyncio.run(consume())
    assert parent_of(spans["charge_async"]) == id_of(spans["items_async"])
    assert parent_of(spans["items_async"]) == id_of(spans["consumer"])


@pytest.mark.guarantee(4)
def test_what_the_body_makes_current_is_kept_for_its_next_item(spans: Spans) -> None:
    """A span that the body opens around a `yield` is current in it again, and nowhere else."""

    @shop.step(name="opens")
    def opens() -> Iterator[str]:
        with spans.app.start_as_current_span("inner"):
            yield name_of(current())
            yield name_of(current())
        yield name_of(current())

    with headrace.open_context():
        seen = [(item, name_of(current())) for item in opens()]
    assert seen == [("inner", "manual"), ("inner", "manual"), ("opens", "manual")]


@pytest.mark.guarantee(4)
@pytest.mark.parametrize("how", ["close", "throw", "elsewhere"])
def test_a_generator_that_is_left_early_leaves_no_span(
    how: str, spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    """Closed, thrown into, or closed from another context: ended once, without noise."""
    with headrace.open_context(), spans.app.start_as_current_span("consumer") as consumer:
        running: Any = items()
        next(running)
        if how == "close":
            running.close()
        elif how == "throw":
            with pytest.raises(ValueError, match="enough"):
                running.throw(ValueError("enough"))
        else:
            contextvars.copy_context().run(running.close)
        assert current() is consumer
    expected = StatusCode.ERROR if how == "throw" else StatusCode.UNSET
    assert spans["items"].status.status_code is expected
    assert caplog.records == []


@pytest.mark.guarantee(4)
def test_generators_in_turns_keep_their_spans_apart(spans: Spans) -> None:
    """Two generators that are consumed in turns each see their own span."""
    with headrace.open_context():
        first, second = items(), items()
        seen = [next(first)[1], next(second)[1], next(first)[1], next(second)[1]]
        first.close()  # type: ignore[attr-defined]
        second.close()  # type: ignore[attr-defined]
        assert name_of(current()) == "manual"
    assert seen[0] is seen[2] is not seen[1]
    assert seen[1] is seen[3]


@pytest.mark.guarantee(3)
def test_a_unit_that_ends_in_another_context_ends_without_noise(
    spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    """Entered in one context and left in another, as sync dependencies are: no error is logged."""
    unit = headrace.open_context()
    entered = contextvars.copy_context()
    entered.run(unit.__enter__)
    contextvars.copy_context().run(unit.__exit__, None, None, None)
    assert spans.names == ["manual"]
    assert caplog.records == []
    assert not current().get_span_context().is_valid


@pytest.mark.guarantee(3)
@pytest.mark.parametrize("before", [True, False])
def test_a_context_that_was_carried_over_is_restored(
    before: bool, spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    """Where a hop has carried the values to another context, the unit takes its span off there."""
    entered = contextvars.copy_context()
    unit = headrace.open_context()

    def hop() -> trace.Span:
        for variable, value in entered.items():  # what asgiref does after a thread has run
            variable.set(value)
        inside = current()
        unit.__exit__(None, None, None)
        assert headrace.get_flow_context() is None
        return inside

    with spans.app.start_as_current_span("outer") if before else nullcontext():
        entered = contextvars.copy_context()
        entered.run(unit.__enter__)
        outside = current()

        def check() -> None:
            hop()
            assert current().get_span_context() == outside.get_span_context()

        contextvars.copy_context().run(check)
    assert caplog.records == []


def test_a_runtime_context_of_the_user_s(spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    """`OTEL_PYTHON_CONTEXT` may name one whose tokens are its own: it is asked to detach them."""

    class Stack(otel_context._RuntimeContext):
        def __init__(self) -> None:
            self.stack = [otel_context.Context()]

        def attach(self, context: Any) -> Any:
            self.stack.append(context)
            return len(self.stack)

        def get_current(self) -> Any:
            return self.stack[-1]

        def detach(self, token: Any) -> None:
            del self.stack[token - 1 :]

    runtime = Stack()
    monkeypatch.setattr(otel_context, "_RUNTIME_CONTEXT", runtime)
    monkeypatch.setattr(active_span, "current", active_span._first_lookup)
    receive()
    with spans.app.start_as_current_span("job") as span, headrace.open_context() as context:
        charge()
    assert context.correlation_id == f"{span.get_span_context().trace_id:032x}"
    assert len(runtime.stack) == 1
    assert spans.names == ["charge", "receive", "otel", "charge", "job"]


# --- The backend by hand --------------------------------------------------------------------------


def test_another_tracername_of(spans: Spans) -> None:
    """`OTelBackend(tracer_name=...)` names the instrumentation scope."""
    headrace.configure(OTelBackend(tracer_name="shop"))
    receive()
    scope = spans["receive"].instrumentation_scope
    assert scope is not None
    assert scope.name == "shop"


def test_the_backend_as_an_ordinary_backend(spans: Spans) -> None:
    """Called through the public protocol it does the same."""
    backend, info, context = OTelBackend(), StepInfo("pay", "shop"), FlowContext(TRACE_ID)
    with backend.span(info, context):
        assert name_of(current()) == "pay"
    with (
        pytest.raises(ValueError, match="no funds"),
        backend.unit(context),
        backend.span(info, context),
    ):
        raise ValueError("no funds")
    assert spans.names == ["pay", "pay", "manual"]
    assert [each.status.status_code.name for each in spans.exporter.get_finished_spans()] == [
        "UNSET",
        "ERROR",
        "ERROR",
    ]


def test_a_subclass_s_span_is_asked(spans: Spans) -> None:
    """A subclass that overrides `span` is called through it."""

    class Prefixed(OTelBackend):
        def span(self, step: StepInfo, context: FlowContext) -> Any:
            return super().span(StepInfo(f"shop.{step.name}", step.flow), context)

    headrace.configure(Prefixed())
    receive()
    assert spans.names == ["shop.charge", "shop.receive", "otel"]


def test_the_backend_waits_for_a_provider(install: Callable[..., Spans]) -> None:
    """Configured before the application has set one, it is disabled, and works from then on."""
    headrace.configure("otel")
    backend = OTelBackend()
    assert not backend.enabled()
    with backend.unit(FlowContext()), backend.span(StepInfo("pay", "shop"), FlowContext()):
        assert not current().get_span_context().is_valid
    receive()
    spans = install()
    assert backend.enabled()
    receive()
    assert spans.names == ["charge", "receive", "otel"]


def test_headrace_need_not_be_installed_to_be_traced(
    spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run from a copy of its sources it has no version, and its spans are there all the same."""

    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    receive()
    assert spans.names == ["charge", "receive", "otel"]
    scope = spans["receive"].instrumentation_scope
    assert scope is not None
    assert not scope.version
