"""The OpenTelemetry span that a unit of work runs in."""

from __future__ import annotations

import sys
from time import time_ns
from typing import TYPE_CHECKING, Any

from headrace._tracing.active_span import CORRELATION_ID, OURS

from .attachments import has_ended

if TYPE_CHECKING:
    from .model import FlowContext


def set_span(context: FlowContext, span: Any) -> None:
    """Store the OpenTelemetry span that the unit runs in."""
    context._span = span  # noqa: SLF001 - a slot for this module


def get_span(context: FlowContext) -> Any:
    """Return the OpenTelemetry span that the unit runs in, or None."""
    return getattr(context, "_span", None)


AWAITED = object()
"""Placeholder for the span of a unit while another library is about to start one."""


def await_span(context: FlowContext) -> None:
    """Open the unit without a span, because OpenTelemetry's instrumentation will start one.

    Args:
        context: the unit, before it begins.
    """
    set_span(context, AWAITED)


def adopt_span(context: FlowContext | None, span: Any = None) -> None:
    """Record the span that an instrumentation has started for the request of a unit.

    Some instrumentations start a SERVER span even if one is active. The unit then has no span of
    its own, and the instrumentation's span gets the correlation ID.

    Args:
        context: the request's unit; None if it has none.
        span: the span; the current one if not given.
    """
    if context is None or "opentelemetry.trace" not in sys.modules:
        return
    try:
        span = span or sys.modules["opentelemetry.trace"].get_current_span()
        if getattr(span, OURS, None) is None and _may_serve(span):
            set_span(context, span)
            span.set_attribute(CORRELATION_ID, context.correlation_id)
    except Exception:  # a faulty SDK
        return


def _may_serve(span: Any) -> bool:
    kind, context = getattr(span, "kind", None), span.get_span_context()
    # An unsampled span has no kind.
    return context.is_valid and not context.is_remote and (kind is None or kind.name == "SERVER")


_LONG_LIVED = frozenset({"websocket", "command"})


_LONG = 60 * 10**9  # nanoseconds


def should_link(context: FlowContext) -> bool:
    """Return whether messages of the unit `context` link to its span instead of continuing it.

    They link once the unit has ended or has been open for a long time: a trace that grows for hours
    and contains every message ever published can be neither sampled nor read.
    """
    if has_ended(context) or context.kind in _LONG_LIVED:
        return True
    current_span = sys.modules["opentelemetry.trace"].get_current_span()
    return any(_should_link(span) for span in (get_span(context), current_span))


def _should_link(span: Any) -> bool:
    if getattr(span, "end_time", None) is not None:
        return True
    started = getattr(span, "start_time", None)
    return started is not None and time_ns() - started > _LONG
