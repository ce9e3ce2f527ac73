"""OpenTelemetry: a span for each step, and for each unit of work where none is active.

Only OpenTelemetry's API is needed here; the SDK comes with the application.
"""

from __future__ import annotations

import re
from contextlib import contextmanager, nullcontext, suppress
from contextvars import Token
from importlib import metadata
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)

from ._active_trace import OURS
from ._context import get_trace, set_span, unit_var
from .backends import describe, outcome_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from types import TracebackType

    from ._context import FlowContext
    from ._step_info import StepInfo
    from ._trace_context import TraceContext

CORRELATION_ID = "headrace.correlation_id"
FLOW = "headrace.flow"
STEP = "headrace.step"
OUTCOME = "headrace.outcome"

_GENERATOR = "id_generator"
_KINDS = {"http": SpanKind.SERVER, "websocket": SpanKind.SERVER, "task": SpanKind.CONSUMER}
_REQUESTS = frozenset({"http", "websocket"})
_is_trace_id = re.compile(r"(?!0{32})[0-9A-Fa-f]{32}").fullmatch

# A span that has been made the current one: itself, the context it is current in, the way back.
_Active = tuple[trace.Span, Context, Any]


class OTelBackend:
    """Reports steps and units of work as spans of OpenTelemetry.

    A step's span has its name and the attributes ``headrace.flow``, ``headrace.step`` and
    ``headrace.correlation_id``. A unit of work gets a span where none is active, and where the
    unit's message names no trace and its correlation ID is a valid trace ID (32 hex digits, not all
    zero) that is the span's trace ID, so that all steps of a request share one trace. A
    ``traceparent`` that came with the message is the span's remote parent. Where a span is active
    already, such as that of an instrumented web framework, the unit adds none and stamps its
    correlation ID on that one.

    An error is recorded on the span, whose status becomes ERROR. A cancelled step's status stays
    unset, as OpenTelemetry's own context managers leave it, and ``headrace.outcome`` says
    ``cancelled``.

    Without a tracer provider (the API alone) the backend is disabled; it begins to work when one
    is set.

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
        """Tell whether there is a tracer provider that makes spans."""
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
        """Return a context manager for the unit's span, if it is to have one of its own."""
        if not self.enabled():
            return nullcontext()
        current = trace.get_current_span()
        if _serves(current, context):
            _stamp(current, context.correlation_id)
            return _ServedUnit(current, context)
        return _UnitSpan(self._start, _parent(current, context), context)

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

    The span stays the parent of what runs in the unit after the instrumentation that started it
    has let go of it: the pieces of a streamed body.
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
        kind = _KINDS.get(context.kind, SpanKind.INTERNAL)
        span = self._start(self._name, self._parent, kind, attributes, _links(context))
        set_span(context, span)
        self._state = _activate(span, context.correlation_id)

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        name = self._context.name
        if name and name != self._name:  # a route is known only after its request has begun
            self._state[0].update_name(name)
        _finish(self._state, exc)


def real_tracer(provider: trace.TracerProvider, name: str) -> trace.Tracer | None:
    """Return the tracer of headrace's spans, or None where spans would be swallowed.

    That is the case with the API alone, and with an SDK that is disabled.
    """
    tracer = provider.get_tracer(name, _version())
    if isinstance(tracer, trace.ProxyTracer | trace.NoOpTracer):
        return None
    # A root span with a trace ID of one's own has no other way: a parent that does not exist would
    # leave an orphan in the trace, and would take the decision away from the root sampler. The
    # tracer is of this scope alone. An SDK of another make may have no such generator; its traces
    # then have IDs of their own.
    generator = getattr(tracer, _GENERATOR, None)
    if generator is not None and not isinstance(generator, _UnitIds):
        setattr(tracer, _GENERATOR, _UnitIds(generator))
    return tracer


class _UnitIds:
    """An ID generator of the SDK, by whose trace IDs a unit's root span is found.

    Args:
        wrapped: the generator for whatever is outside any unit.
    """

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped

    def generate_trace_id(self) -> int:
        chosen = _trace_id_of_unit()
        made: int = self._wrapped.generate_trace_id() if chosen is None else chosen
        return made

    def generate_span_id(self) -> int:
        made: int = self._wrapped.generate_span_id()
        return made

    def is_trace_id_random(self) -> bool:
        # W3C Trace Context, level 2: a promise that cannot be given for an ID from elsewhere.
        return _trace_id_of_unit() is None and bool(self._wrapped.is_trace_id_random())


def _trace_id_of_unit() -> int | None:
    unit = unit_var.get()
    if unit is None:
        return None
    linked = get_trace(unit)
    if linked is not None and linked.is_link and linked.trace_id == unit.correlation_id:
        return None  # the trace that the unit leaves
    return _trace_id(unit.correlation_id)


def _trace_id(correlation_id: str) -> int | None:
    return int(correlation_id, 16) if _is_trace_id(correlation_id) else None


def _serves(current: trace.Span, context: FlowContext) -> bool:
    """Tell whether `current` is the span of the unit `context`, which then needs no other.

    The span of an instrumentation is, unless it is the one that sent the request, from within
    this process. A span of headrace's serves what is opened inside its unit, but no request of its
    own, and no other operation: it is current only because a callback runs in the context of
    another request.
    """
    parent = current.get_span_context()
    if not parent.is_valid or parent.is_remote or _has_ended(current):
        return False
    if getattr(current, OURS, None) is not None:
        return context.kind not in _REQUESTS and _is_of(current, context.correlation_id)
    return not _has_sent(parent, get_trace(context))


def _parent(current: trace.Span, context: FlowContext) -> Context | None:
    """Return the parent of a unit's span; None for `current`, which does not serve it."""
    correlation_id, inbound = context.correlation_id, get_trace(context)
    if context.kind not in _REQUESTS and getattr(current, OURS, None) == correlation_id:
        return None
    if inbound is None or inbound.span_id is None:
        parent = current.get_span_context()
        if not parent.is_valid or parent.is_remote or _is_of(current, correlation_id):
            return None
    elif not inbound.is_link:
        if _has_sent(current.get_span_context(), inbound):
            return None
        return trace.set_span_in_context(trace.NonRecordingSpan(_span_context(inbound)))
    # Whatever else is in the context, such as baggage, stays.
    return trace.set_span_in_context(trace.INVALID_SPAN)


def _has_sent(span: SpanContext, inbound: TraceContext | None) -> bool:
    """Tell whether `inbound` names `span`, which is then of this process."""
    return inbound is not None and inbound.span_id == f"{span.span_id:016x}"


def _links(context: FlowContext) -> list[Link] | None:
    inbound = get_trace(context)
    if inbound is None or not inbound.is_link or inbound.span_id is None:
        return None
    return [Link(_span_context(inbound))]


def _span_context(inbound: TraceContext) -> SpanContext:
    return SpanContext(
        int(inbound.trace_id, 16),
        int(inbound.span_id or "", 16),
        is_remote=True,
        trace_flags=TraceFlags(int(inbound.flags, 16)),
        trace_state=_TraceState(inbound.members),
    )


class _TraceState(TraceState):
    """The members of an inbound ``tracestate``, checked by the grammar of level 2.

    The class of the API knows that of level 1: it drops what it does not know, with a warning each.
    """

    def __init__(self, members: tuple[str, ...]) -> None:
        super().__init__()
        for member in members:
            key, _, value = member.partition("=")
            self._dict[key] = value


def _is_of(span: trace.Span, correlation_id: str) -> bool:
    if getattr(span, OURS, None) == correlation_id:
        return True
    return span.get_span_context().trace_id == _trace_id(correlation_id)


def _has_ended(span: trace.Span) -> bool:
    return getattr(span, "end_time", None) is not None


def _stamp(span: trace.Span, correlation_id: str) -> None:
    if span.is_recording() and CORRELATION_ID not in (getattr(span, "attributes", None) or ()):
        span.set_attribute(CORRELATION_ID, correlation_id)


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
    if not isinstance(token, Token):  # a runtime context of the user's
        otel_context.detach(token)
        return
    try:
        token.var.reset(token)
    except ValueError:
        # Ended elsewhere than begun, where OpenTelemetry's detach() would log an error.
        if otel_context.get_current() is active:
            previous = token.old_value
            otel_context.attach(Context() if previous is Token.MISSING else previous)


def _record(span: trace.Span, exc: BaseException) -> None:
    outcome = outcome_of(exc)
    if outcome == "error":
        span.set_status(Status(StatusCode.ERROR, describe(exc)))
        span.record_exception(exc)
    elif outcome != "ok":
        span.set_attribute(OUTCOME, outcome)


def _version() -> str | None:
    try:
        return metadata.version("headrace")
    except metadata.PackageNotFoundError:
        return None
