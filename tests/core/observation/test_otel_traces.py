"""Units of work among the spans of others: whose trace, which trace ID, sampled or not."""

from __future__ import annotations

import asyncio
import contextvars
import sys
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import baggage, trace
from opentelemetry import context as otel_context
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

import headrace
from headrace import integration
from headrace._tracing import active_span
from tests.core.otel_kit import (
    SPAN_ID,
    TRACE_ID,
    Spans,
    attached,
    charge,
    current,
    id_of,
    parent_of,
    receive,
    refund,
    shop,
    trace_id,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


# --- Together with the spans of others ------------------------------------------------------------


def test_a_unit_opens_in_the_active_trace(spans: Spans) -> None:
    """With an instrumented framework's span active, its trace ID is the correlation ID."""
    with spans.app.start_as_current_span("GET /orders") as server:
        with integration.Unit(integration.transport_context("http", "orders")) as context:
            charge()
            with headrace.open_context() as nested:
                pass
        expected = f"{server.get_span_context().trace_id:032x}"
        assert context.correlation_id == nested.correlation_id == expected
    assert spans.names == ["charge", "GET /orders"]
    assert parent_of(spans["charge"]) == id_of(spans["GET /orders"])
    assert (spans["GET /orders"].attributes or {})["headrace.correlation_id"] == expected


@shop.entrypoint
def look() -> str | None:
    """Return the ID of the unit that this opens."""
    return headrace.current_flow_id()


@shop.entrypoint
async def look_async() -> str | None:
    """Return the same."""
    return headrace.current_flow_id()


@shop.entrypoint
def look_often() -> Iterator[str | None]:
    """Yield the same."""
    yield headrace.current_flow_id()


@pytest.mark.parametrize("backend", ["otel", "none"])
def test_an_entrypoint_opens_in_the_active_trace(backend: str, spans: Spans) -> None:
    """Entrypoints of all kinds and `Flow.open` take the active trace's ID, observed or not."""
    headrace.configure(backend)
    with spans.app.start_as_current_span("job") as job:
        seen = [look(), asyncio.run(look_async()), *look_often()]
        with shop.open() as context:
            seen.append(context.correlation_id)
    assert seen == [f"{job.get_span_context().trace_id:032x}"] * 4


def test_the_header_comes_before_the_active_trace(spans: Spans) -> None:
    """A valid correlation header wins; the active span is stamped with it."""
    with spans.app.start_as_current_span("GET /orders"):
        remote = headrace.extract({"X-Correlation-ID": "order-17"})
        with integration.Unit(integration.transport_context("http", "orders", remote)) as context:
            charge()
    assert context.correlation_id == "order-17"
    assert (spans["GET /orders"].attributes or {})["headrace.correlation_id"] == "order-17"
    assert spans.names == ["charge", "GET /orders"]


def test_the_active_trace_comes_before_the_factory(spans: Spans) -> None:
    """`id_factory` makes fresh IDs, and there is none to make."""
    headrace.configure("otel", id_factory=lambda: "made")
    with spans.app.start_as_current_span("job") as span:
        with headrace.open_context() as context:
            pass
        with headrace.detached():
            assert refund() == "made"
    assert context.correlation_id == f"{span.get_span_context().trace_id:032x}"
    with headrace.open_context() as fresh:
        assert fresh.correlation_id == "made"


def test_a_new_unit_is_fresh_in_an_active_trace(spans: Spans) -> None:
    """`entrypoint(new=True)` makes an ID of its own, even where the unit would have taken over."""
    with spans.app.start_as_current_span("job") as span:
        assert refund() != f"{span.get_span_context().trace_id:032x}"


def test_the_first_id_that_was_stamped_stays(spans: Spans) -> None:
    """A second operation inside the same foreign span does not overwrite the first one's ID."""
    first, second = headrace.open_context("first"), headrace.open_context("second")
    with spans.app.start_as_current_span("job"), first, second:
        pass
    assert (spans["job"].attributes or {})["headrace.correlation_id"] == "first"


def test_an_ended_span_is_no_active_one(spans: Spans) -> None:
    """A request that runs in the context of one that is over has its own ID and its own trace."""
    with spans.app.start_as_current_span("before", end_on_exit=False) as before:
        before.end()
        with integration.Unit(integration.transport_context("http", "after")) as context:
            charge()
    assert trace_id(spans["after"]) == trace_id(spans["charge"]) == context.correlation_id
    assert trace_id(spans["before"]) != context.correlation_id
    assert parent_of(spans["after"]) is None


@pytest.mark.guarantee(1)
def test_a_span_of_ours_is_nobody_else_s_trace(spans: Spans) -> None:
    """A request that runs in the context of another one's open step joins neither ID nor trace."""

    def leak() -> tuple[str, str]:
        context = integration.transport_context("http", "second")
        with integration.Unit(context):
            receive()
        first = headrace.current_flow_id()
        assert first is not None
        return first, context.correlation_id

    @shop.step(name="leaks")
    def leaks() -> tuple[str, str]:
        return contextvars.copy_context().run(leak)

    with integration.Unit(integration.transport_context("http", "first")):
        baggage_token = otel_context.attach(baggage.set_baggage("tenant", "blue"))
        first, second = leaks()
        otel_context.detach(baggage_token)
    assert first != second
    assert trace_id(spans["leaks"]) == trace_id(spans["first"]) == first
    assert {trace_id(spans[name]) for name in ("second", "receive", "charge")} == {second}
    assert parent_of(spans["second"]) is None


def test_the_rest_of_the_context_stays(spans: Spans) -> None:
    """Where a unit leaves another one's trace, baggage is lost neither inside nor to processors."""
    seen: list[object] = []

    class BaggageProcessor(SpanProcessor):
        def on_start(self, span: Any, parent_context: Any = None) -> None:
            seen.append(baggage.get_baggage("tenant", parent_context))

    spans.provider.add_span_processor(BaggageProcessor())
    with headrace.open_context(), attached(baggage.set_baggage("tenant", "blue")):
        with headrace.open_context("another"):
            assert baggage.get_baggage("tenant") == "blue"
        assert spans.names == ["manual"]
    assert seen == [None, "blue"]


def test_background_work_after_its_request_stays_in_the_trace(spans: Spans) -> None:
    """A unit that is opened after the span of its operation has ended goes on in that trace."""
    with headrace.open_context() as context:
        background = contextvars.copy_context()

    def work() -> None:
        with headrace.open_context():
            charge()

    background.run(work)
    assert spans.traces == {context.correlation_id}
    first, second = [each for each in spans.exporter.get_finished_spans() if each.name == "manual"]
    assert parent_of(second) == id_of(first)


def test_a_remote_parent_gets_the_unit_s_span_as_its_child(spans: Spans) -> None:
    """A context that a propagator has extracted is no span: the unit's is the first one here."""
    remote = NonRecordingSpan(
        SpanContext(int(TRACE_ID, 16), SPAN_ID, is_remote=True, trace_flags=TraceFlags(1))
    )
    with attached(trace.set_span_in_context(remote)), headrace.open_context() as context:
        charge()
    assert parent_of(spans["manual"]) == SPAN_ID
    assert spans.traces == {TRACE_ID}
    assert context.correlation_id != TRACE_ID  # what is not recorded here cannot be looked up


# --- Sampling and trace IDs -----------------------------------------------------------------------


def test_an_unsampled_request_stays_unsampled(install: Callable[..., Spans]) -> None:
    """Where the application's sampler has dropped the request's span, no unit brings it back."""
    spans = install(sampler=ParentBased(ALWAYS_OFF))
    headrace.configure("otel")
    with spans.app.start_as_current_span("GET /orders"), headrace.open_context():
        receive()
    assert spans.names == []


def test_an_unsampled_unit_keeps_its_steps_out_and_its_neighbours_in(
    install: Callable[..., Spans],
) -> None:
    """The root sampler decides on the unit's span; the steps follow, other units do not."""
    sampler = Choosing()
    spans = install(sampler=ParentBased(sampler))
    headrace.configure("otel")
    with headrace.open_context(TRACE_ID):
        receive()
        with integration.Unit(integration.transport_context("http", "other")):
            charge()
    assert spans.names == ["charge", "other"]
    assert sampler.asked[0] == (int(TRACE_ID, 16), "manual", False)


class Choosing(Sampler):
    """Samples root spans whose trace ID is not `TRACE_ID`."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def should_sample(
        self,
        parent_context: Any,
        trace_id: int,
        name: str,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        parent = trace.get_current_span(parent_context).get_span_context()
        self.asked.append((trace_id, name, parent.is_valid))
        sampler = ALWAYS_OFF if trace_id == int(TRACE_ID, 16) else ALWAYS_ON
        return sampler.should_sample(parent_context, trace_id, name, *args, **kwargs)

    def get_description(self) -> str:
        return "Choosing"


class Counting(IdGenerator):
    """An ID generator of the application's."""

    def __init__(self) -> None:
        self.made = 0

    def generate_span_id(self) -> int:
        self.made += 1
        return self.made

    def generate_trace_id(self) -> int:
        return 0xABC

    def is_trace_id_random(self) -> bool:
        return True


def test_the_application_s_id_generator_makes_what_is_not_ours(
    install: Callable[..., Spans],
) -> None:
    """Its tracers are untouched; ours takes span IDs from it, and trace IDs if it has none."""
    generator = Counting()
    spans = install(id_generator=generator)
    headrace.configure("otel")
    with headrace.open_context(TRACE_ID):
        charge()
        with spans.app.start_as_current_span("app", context=otel_context.Context()):
            pass
    with headrace.open_context("order-17"):
        receive()
    assert spans.app.id_generator is generator  # type: ignore[attr-defined]
    assert trace_id(spans["app"]) == f"{0xABC:032x}"
    assert trace_id(spans["receive"]) == f"{0xABC:032x}"
    assert {id_of(each) for each in spans.exporter.get_finished_spans()} == {1, 2, 3, 4, 5, 6}


def test_a_chosen_trace_id_is_not_called_random(install: Callable[..., Spans]) -> None:
    """The W3C flag for random trace IDs is set for generated ones alone."""
    spans = install(id_generator=Counting())
    headrace.configure("otel")
    flags = []
    for correlation_id in (TRACE_ID, "order-17"):
        with headrace.open_context(correlation_id):
            flags.append(int(current().get_span_context().trace_flags))
    chosen, generated = flags
    assert chosen == TraceFlags.SAMPLED
    with spans.app.start_as_current_span("app"):
        assert int(current().get_span_context().trace_flags) == generated


def test_an_sdk_without_an_id_generator(install: Callable[..., Spans]) -> None:
    """Another make's tracer is left as it is: one trace for the unit, with an ID of its own."""

    class Tracer(trace.Tracer):
        __slots__ = ("sdk",)

        def __init__(self, sdk: trace.Tracer) -> None:
            self.sdk = sdk

        def start_span(self, *args: Any, **kwargs: Any) -> trace.Span:
            return self.sdk.start_span(*args, **kwargs)

        def start_as_current_span(self, *args: Any, **kwargs: Any) -> Any:
            return self.sdk.start_as_current_span(*args, **kwargs)

    class Provider(TracerProvider):
        def get_tracer(self, *args: Any, **kwargs: Any) -> Any:
            return Tracer(super().get_tracer(*args, **kwargs))

    spans = install(Provider(shutdown_on_exit=False))
    headrace.configure("otel")
    with headrace.open_context(TRACE_ID):
        receive()
    [shared] = spans.traces
    assert shared != TRACE_ID
    assert (spans["receive"].attributes or {})["headrace.correlation_id"] == TRACE_ID


def test_a_tracer_that_makes_nothing_marks_nobody(install: Callable[..., Spans]) -> None:
    """The invalid span is one object for the whole process: it is never marked as ours."""

    class Silent(trace.Tracer):
        def start_span(self, *args: Any, **kwargs: Any) -> trace.Span:
            return trace.INVALID_SPAN

        def start_as_current_span(self, *args: Any, **kwargs: Any) -> Any:
            raise NotImplementedError

    class Provider(TracerProvider):
        def get_tracer(self, *args: Any, **kwargs: Any) -> Any:
            return Silent()

    install(Provider(shutdown_on_exit=False))
    headrace.configure("otel")
    receive()
    assert not hasattr(trace.INVALID_SPAN, active_span.OURS)


def test_a_span_class_that_takes_no_mark(install: Callable[..., Spans]) -> None:
    """A span with `__slots__` cannot be marked as ours, and works all the same."""

    class Slotted(trace.Span):
        __slots__ = ("ended",)

        def __init__(self) -> None:
            self.ended = False

        def end(self, end_time: int | None = None) -> None:
            self.ended = True

        def get_span_context(self) -> SpanContext:
            return SpanContext(int(TRACE_ID, 16), SPAN_ID, is_remote=False)

        def is_recording(self) -> bool:
            return True

        def _nothing(self, *args: Any, **kwargs: Any) -> None:
            pass

        set_attributes = set_attribute = add_event = update_name = set_status = _nothing
        record_exception = _nothing

    made: list[Slotted] = []

    class OtherTracer(trace.Tracer):
        def start_span(self, *args: Any, **kwargs: Any) -> trace.Span:
            made.append(Slotted())
            return made[-1]

        def start_as_current_span(self, *args: Any, **kwargs: Any) -> Any:
            raise NotImplementedError

    class Provider(TracerProvider):
        def get_tracer(self, *args: Any, **kwargs: Any) -> Any:
            return OtherTracer()

    install(Provider(shutdown_on_exit=False))
    headrace.configure("otel")
    with pytest.raises(ValueError, match="no funds"):
        receive(ValueError("no funds"))
    assert [each.ended for each in made] == [True, True, True]
    assert not current().get_span_context().is_valid


# --- A trace that cannot be read ------------------------------------------------------------------


@pytest.mark.parametrize("broken", ["get_span_context", "is_recording"])
def test_a_span_that_raises_is_no_trace(broken: str, spans: Spans) -> None:
    """A unit opens with a fresh ID where the active span of a faulty SDK cannot be read."""

    class Faulty(NonRecordingSpan):
        def is_recording(self) -> bool:
            if broken == "is_recording":
                raise RuntimeError("faulty")
            return True

        def get_span_context(self) -> SpanContext:
            raise RuntimeError("faulty")

    headrace.configure("none")
    context = trace.set_span_in_context(Faulty(trace.INVALID_SPAN_CONTEXT))
    with attached(context), headrace.open_context() as opened:
        assert len(opened.correlation_id) == 32


def test_an_opentelemetry_that_is_being_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit that opens while another thread imports OpenTelemetry has a fresh ID."""
    monkeypatch.setattr(active_span, "current", active_span._first_lookup)
    monkeypatch.setitem(sys.modules, "opentelemetry.context", type(sys)("half"))
    with headrace.open_context() as context:
        assert len(context.correlation_id) == 32
    assert active_span.current is active_span._first_lookup


def test_an_invalid_span_has_no_trace(spans: Spans) -> None:
    """A span that claims to record under a trace ID of zeros is no trace."""

    class Zero(NonRecordingSpan):
        def is_recording(self) -> bool:
            return True

    headrace.configure("none")
    otel = trace.set_span_in_context(Zero(trace.INVALID_SPAN_CONTEXT))
    with attached(otel), headrace.open_context() as context:
        assert int(context.correlation_id, 16) != 0
