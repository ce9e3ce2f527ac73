"""The OpenTelemetry parent span of a unit of work: the current one, a remote one, or none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace import Link, SpanContext, TraceFlags, TraceState

from headrace._context.attachments import get_trace
from headrace._context.variables import get_unit
from headrace._tracing.active_span import OURS

if TYPE_CHECKING:
    from opentelemetry.context import Context

    from headrace._context.model import FlowContext
    from headrace._tracing.w3c import TraceContext

REQUESTS = frozenset({"http", "websocket"})
_is_trace_id = re.compile(r"(?!0{32})[0-9A-Fa-f]{32}").fullmatch


def trace_id_of_unit() -> int | None:
    unit = get_unit()
    if unit is None:
        return None
    linked = get_trace(unit)
    if linked is not None and linked.is_link and linked.trace_id == unit.correlation_id:
        return None  # the unit links to that trace and starts its own
    return _trace_id(unit.correlation_id)


def _trace_id(correlation_id: str) -> int | None:
    return int(correlation_id, 16) if _is_trace_id(correlation_id) else None


def serves(current: trace.Span, context: FlowContext) -> bool:
    """Return whether `current` serves as the span of the unit `context`, which then needs none.

    An instrumentation's span does, unless it is the client span that sent the request from this
    process. A headrace span serves units opened inside its unit, but not a new request or another
    operation, where it is current only because a callback runs in another request's context.
    """
    parent = current.get_span_context()
    if not parent.is_valid or parent.is_remote or _has_ended(current):
        return False
    if getattr(current, OURS, None) is not None:
        return context.kind not in REQUESTS and _is_of(current, context.correlation_id)
    return not _has_sent(parent, get_trace(context))


def parent_of(current: trace.Span, context: FlowContext) -> Context | None:
    """Return the context with the parent of a unit's span, or None for the current context."""
    correlation_id, inbound = context.correlation_id, get_trace(context)
    if context.kind not in REQUESTS and getattr(current, OURS, None) == correlation_id:
        return None
    if inbound is None or inbound.span_id is None:
        parent = current.get_span_context()
        if not parent.is_valid or parent.is_remote or _is_of(current, correlation_id):
            return None
    elif not inbound.is_link:
        if _has_sent(current.get_span_context(), inbound):
            return None
        return trace.set_span_in_context(trace.NonRecordingSpan(_span_context(inbound)))
    # A root span, in a context that keeps the rest, such as baggage.
    return trace.set_span_in_context(trace.INVALID_SPAN)


def _has_sent(span: SpanContext, inbound: TraceContext | None) -> bool:
    """Return whether `inbound` names `span`, which means that this process sent the request."""
    return inbound is not None and inbound.span_id == f"{span.span_id:016x}"


def links_of(context: FlowContext) -> list[Link] | None:
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
    """The members of an inbound ``tracestate``, already checked against the grammar of level 2.

    The API's class implements level 1, and drops any other member with a warning.
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
