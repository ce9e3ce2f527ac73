"""The trace that a unit of work opens in, where OpenTelemetry is in use.

Nothing here imports OpenTelemetry: whoever has started a span has done so.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar, Token
from time import time_ns
from typing import TYPE_CHECKING, Any

from headrace._context.model import get_span, has_ended, set_span

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from headrace._context.model import FlowContext

CORRELATION_ID = "headrace.correlation_id"
"""The span attribute that holds the correlation ID, for finding an operation's spans."""

OURS = "_headrace_correlation_id"
"""The attribute by which a span that headrace has started is known."""


def trace_id() -> str | None:
    """Return the trace ID (32 hex digits) of the active span, unless headrace started it.

    A span that records nothing does not count, for what its trace names cannot be looked up.
    """
    try:
        span = sys.modules["opentelemetry.trace"].get_current_span()
        if not span.is_recording() or getattr(span, OURS, None) is not None:
            return None
        number = span.get_span_context().trace_id
    except Exception:  # another thread is importing it at this moment, or a faulty SDK
        return None
    return f"{number:032x}" if number else None


def is_ours() -> bool:
    """Tell whether headrace has started the active span."""
    span = sys.modules["opentelemetry.trace"].get_current_span()
    return getattr(span, OURS, None) is not None


def without_ours() -> dict[ContextVar[Any], Any] | None:
    """Return the context variable, and its value, by which an active span of headrace is hidden.

    None where another library has started the active span, or keeps it elsewhere.
    """
    variable = getattr(current, "__self__", None)
    if not isinstance(variable, ContextVar) or not is_ours():
        return None
    trace = sys.modules["opentelemetry.trace"]
    return {variable: trace.set_span_in_context(trace.INVALID_SPAN)}


def write_headers(carrier: MutableMapping[str, str]) -> bool:
    """Have OpenTelemetry write its headers, where a span of it is active; tell whether it was."""
    try:
        if not sys.modules["opentelemetry.trace"].get_current_span().get_span_context().is_valid:
            return False
        from opentelemetry.propagate import inject

        inject(carrier)
    except Exception:  # another thread is importing it at this moment, or a faulty propagator
        return False
    return True


AWAITED = object()
"""Placeholder for the span of a unit while another library is about to start one."""


def await_span(context: FlowContext) -> None:
    """Open the unit without a span: OpenTelemetry's instrumentation is about to start one.

    Args:
        context: the unit, before it begins.
    """
    set_span(context, AWAITED)


def adopt_span(context: FlowContext | None, span: Any = None) -> None:
    """Record the span that an instrumentation has started for the request of a unit.

    Some instrumentations start a SERVER span even if one is active. The unit then has no span of
    its own, and theirs gets the correlation ID.

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
    """Tell whether messages of the unit `context` link to its span instead of continuing it.

    They link once the unit has ended or has lived long: a trace that grows for hours, with every
    message ever published in it, can be neither sampled nor read.
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


def _look_first(default: Any) -> Any:
    """Return OpenTelemetry's current context, and see to it that the next look is a quick one."""
    global current  # noqa: PLW0603 - found once
    try:
        otel_context = sys.modules["opentelemetry.context"]
        token = otel_context.attach(otel_context.get_current())
        otel_context.detach(token)
    except Exception:  # another thread is importing it at this moment
        return default
    known = isinstance(token, Token)  # a runtime context of the user's may give something else
    current = token.var.get if known else lambda _: otel_context.get_current()
    return current(default)


current: Callable[[Any], Any] = _look_first
"""Return OpenTelemetry's current context, which is falsy where nothing is active."""
