"""The OpenTelemetry backend: a span for each step, and for each unit of work without one.

It needs only OpenTelemetry's API; the application provides the SDK.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext, suppress
from contextvars import Token
from functools import partial
from importlib import metadata
from time import time_ns
from typing import TYPE_CHECKING, Any

from headrace._context.attachments import facts_of
from headrace._context.spans import AWAITED, get_span, set_span
from headrace._messages.extras import missing_extra
from headrace._observation.outcomes import describe, outcome_of
from headrace._tracing.active_span import CORRELATION_ID, OURS

from .semantics import ERROR_TYPE, at_end, at_start, error_type

try:
    from opentelemetry import context as otel_context
    from opentelemetry import trace
    from opentelemetry.context import Context
    from opentelemetry.trace import SpanKind, Status, StatusCode

    from .late_span import LateSpan, is_traced_inside
    from .parents import links_of, parent_of, serves, trace_id_of_unit
except ModuleNotFoundError as _error:
    raise missing_extra("OTelBackend", "OpenTelemetry", '"headrace[otel]"', _error) from _error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from types import TracebackType

    from headrace._context.model import FlowContext
    from headrace._step_info import StepInfo

FLOW = "headrace.flow"
STEP = "headrace.step"
OUTCOME = "headrace.outcome"

_GENERATOR = "id_generator"
_KINDS = {"http": SpanKind.SERVER, "websocket": SpanKind.SERVER, "task": SpanKind.CONSUMER}

# A current span: the span, the context it is current in, and the token to detach it.
_Active = tuple[trace.Span, Context, Any]


class OTelBackend:
    """Reports steps and units of work as OpenTelemetry spans.

    A step's span has the step's name and the attributes ``headrace.flow``, ``headrace.step`` and
    ``headrace.correlation_id``.

    A unit of work gets a span if none is active. The ``traceparent`` of an inbound message is its
    remote parent. Without one, a correlation ID that is a valid trace ID (32 hex digits, not all
    zero) becomes the span's trace ID, so that all steps of a request share one trace. If a span is
    already active, such as that of an instrumented web framework, the unit adds none and sets its
    correlation ID on that span.

    An error is recorded on the span and sets its status to ERROR. The status of a cancelled step
    stays unset, as with OpenTelemetry's own context managers, and ``headrace.outcome`` is
    ``cancelled``.

    Without a tracer provider (the API alone), the backend is disabled until one is set.

    Args:
        tracer_name: the name of the tracer, which is the instrumentation scope of the spans.
    """

    _headrace_direct = True

    def __init__(self, tracer_name: str = "headrace") -> None:
        self._tracer_name = tracer_name
        self._provider: trace.TracerProvider | None = None
        self._tracer: trace.Tracer | None = None
        self._start: Any = None

    def enabled(self) -> bool:
        """Return whether the tracer provider creates spans."""
        provider = trace.get_tracer_provider()
        if provider is not self._provider:
            self._tracer = tracer = real_tracer(provider, self._tracer_name)
            self._start = None if tracer is None else tracer.start_span
            self._provider = provider
        return self._tracer is not None

    def span(self, step: StepInfo, context: FlowContext) -> AbstractContextManager[None]:
        """Return a context manager that makes the span of `step` the current one."""
        return self._span(step, context) if self.enabled() else nullcontext()

    def unit(self, context: FlowContext) -> AbstractContextManager[None]:
        """Return a context manager for the unit's span, or for the active span that it uses."""
        if not self.enabled():
            return nullcontext()
        if get_span(context) is AWAITED:
            return _stamped(context.correlation_id)
        current = trace.get_current_span()
        if serves(current, context):
            _stamp(current, context.correlation_id)
            return _ServedUnit(current, context)
        unit = _LateUnitSpan if is_traced_inside(context) else _UnitSpan
        return unit(self._start, parent_of(current, context), context)

    @contextmanager
    def _span(self, step: StepInfo, context: FlowContext) -> Iterator[None]:
        state = self._begin(step, context)
        try:
            yield
        except BaseException as exc:
            self._end(state, exc)
            raise
        self._end(state, None)

    def _begin(self, step: StepInfo, context: FlowContext) -> _Active:
        correlation_id = context.correlation_id
        attributes = {FLOW: step.flow, STEP: step.name, CORRELATION_ID: correlation_id}
        span = self._start(step.name, None, SpanKind.INTERNAL, attributes)
        return _activate(span, correlation_id)

    def _end(self, state: _Active, exc: BaseException | None) -> None:
        _finish(state, exc)


class _ServedUnit:
    """A unit of work inside a span that it did not start, as a context manager.

    The span remains the parent within the unit even after its instrumentation has detached it, for
    example for the chunks of a streamed body.
    """

    __slots__ = ("_context", "_span", "_state")

    def __init__(self, span: trace.Span, context: FlowContext) -> None:
        self._span = span
        self._context = context

    def __enter__(self) -> None:
        set_span(self._context, self._span)
        active = trace.set_span_in_context(self._span)
        self._state = active, otel_context.attach(active)

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _restore(*self._state)


class _UnitSpan:
    """The span of one unit of work, as a context manager."""

    __slots__ = ("_context", "_name", "_parent", "_start", "_state")

    def __init__(self, start: Any, parent: Context | None, context: FlowContext) -> None:
        self._start = start
        self._parent = parent
        self._context = context
        self._name = context.name or context.kind

    def __enter__(self) -> None:
        context = self._context
        attributes = {CORRELATION_ID: context.correlation_id}
        if context.kind == "flow":
            attributes[FLOW] = self._name
        attributes.update(at_start(context.kind, facts_of(context)))
        kind = _KINDS.get(context.kind, SpanKind.INTERNAL)
        self._open(kind, attributes, links_of(context))

    def _open(self, *about: Any) -> None:
        span = self._start(self._name, self._parent, *about)
        set_span(self._context, span)
        self._state = _activate(span, self._context.correlation_id)

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        span, context = self._state[0], self._context
        try:
            self._complete(span, context)
        finally:
            _finish(self._state, exc)

    def _complete(self, span: Any, context: FlowContext) -> None:
        if context.name and context.name != self._name:  # the route became known later
            span.update_name(context.name)
        attributes = at_end(facts_of(context))
        if attributes:
            span.set_attributes(attributes)
        if ERROR_TYPE in attributes:
            span.set_status(Status(StatusCode.ERROR))


class _LateUnitSpan(_UnitSpan):
    """A unit's span that starts only if no instrumentation starts one inside it."""

    __slots__ = ()

    def _open(self, *about: Any) -> None:
        parent = otel_context.get_current() if self._parent is None else self._parent
        start = partial(self._start, self._name, parent, *about, time_ns())
        span = LateSpan(start, self._context)
        set_span(self._context, span)
        self._state = _activate(span, self._context.correlation_id)

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        span: Any = self._state[0]
        if get_span(self._context) is span or span.has_started:
            super().__exit__(exc_type, exc, traceback)
        else:
            _restore(*self._state[1:])


def real_tracer(provider: trace.TracerProvider, name: str) -> trace.Tracer | None:
    """Return the tracer of headrace's spans, or None if spans would be discarded.

    Spans are discarded with the API alone, and with a disabled SDK.
    """
    tracer = provider.get_tracer(name, _version())
    if isinstance(tracer, trace.ProxyTracer | trace.NoOpTracer):
        return None
    # The only way to choose the trace ID of a root span: an invented parent would leave an orphan
    # in the trace and bypass the root sampler. The tracer belongs to this scope alone. Another SDK
    # may have no such generator; its traces then have their own IDs.
    generator = getattr(tracer, _GENERATOR, None)
    if generator is not None and not isinstance(generator, _UnitIds):
        setattr(tracer, _GENERATOR, _UnitIds(generator))
    return tracer


class _UnitIds:
    """An ID generator for the SDK that makes a unit's correlation ID its trace ID.

    Args:
        wrapped: the generator for spans outside any unit.
    """

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped

    def generate_trace_id(self) -> int:
        chosen = trace_id_of_unit()
        made: int = self._wrapped.generate_trace_id() if chosen is None else chosen
        return made

    def generate_span_id(self) -> int:
        made: int = self._wrapped.generate_span_id()
        return made

    def is_trace_id_random(self) -> bool:
        # W3C Trace Context, level 2, forbids the random flag for an ID from elsewhere.
        return trace_id_of_unit() is None and bool(self._wrapped.is_trace_id_random())


def _stamp(span: trace.Span, correlation_id: str) -> None:
    if span.is_recording() and CORRELATION_ID not in (getattr(span, "attributes", None) or ()):
        span.set_attribute(CORRELATION_ID, correlation_id)


@contextmanager
def _stamped(correlation_id: str) -> Iterator[None]:
    try:
        yield
    finally:
        _stamp(trace.get_current_span(), correlation_id)


def _activate(span: trace.Span, correlation_id: str) -> _Active:
    if span is not trace.INVALID_SPAN:
        with suppress(AttributeError):  # a span class with __slots__
            setattr(span, OURS, correlation_id)
    active = trace.set_span_in_context(span)
    return span, active, otel_context.attach(active)


def _finish(state: _Active, exc: BaseException | None) -> None:
    span, active, token = state
    try:
        _restore(active, token)
    finally:
        try:
            if exc is not None:
                _record(span, exc)
        finally:
            span.end()


def _restore(active: Context, token: Any) -> None:
    if not isinstance(token, Token):  # a custom runtime context
        otel_context.detach(token)
        return
    try:
        token.var.reset(token)
    except ValueError:
        # Ended in a different context, where OpenTelemetry's detach() would log an error.
        if otel_context.get_current() is active:
            previous = token.old_value
            otel_context.attach(Context() if previous is Token.MISSING else previous)


def _record(span: trace.Span, exc: BaseException) -> None:
    outcome = outcome_of(exc)
    if outcome == "error":
        span.set_status(Status(StatusCode.ERROR, describe(exc)))
        span.set_attribute(ERROR_TYPE, error_type(exc))
        span.record_exception(exc)
    elif outcome != "ok":
        span.set_attribute(OUTCOME, outcome)


def _version() -> str | None:
    try:
        return metadata.version("headrace")
    except metadata.PackageNotFoundError:
        return None
