"""OpenTelemetry's active span, in which a unit of work opens.

This module does not import OpenTelemetry: if a span is active, it is already imported.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

_modules = sys.modules

CORRELATION_ID = "headrace.correlation_id"
"""The span attribute that holds the correlation ID, to find an operation's spans."""

OURS = "_headrace_correlation_id"
"""The attribute that marks a span started by headrace."""


def trace_id() -> str | None:
    """Return the trace ID (32 hex digits) of the active span, unless headrace started it.

    A span that is not recording does not count, since its trace is not stored anywhere.
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
    """Return whether headrace has started the active span."""
    span = sys.modules["opentelemetry.trace"].get_current_span()
    return getattr(span, OURS, None) is not None


def without_ours() -> dict[ContextVar[Any], Any] | None:
    """Return the context variable and the value that hide an active span of headrace.

    The result is None if the span is another library's, or if OpenTelemetry stores it elsewhere.
    """
    variable = getattr(current, "__self__", None)
    if not isinstance(variable, ContextVar) or not is_ours():
        return None
    trace = sys.modules["opentelemetry.trace"]
    return {variable: trace.set_span_in_context(trace.INVALID_SPAN)}


def write_headers(carrier: MutableMapping[str, str]) -> bool:
    """Let OpenTelemetry write its headers if a span is active; return whether it did."""
    try:
        if not sys.modules["opentelemetry.trace"].get_current_span().get_span_context().is_valid:
            return False
        from opentelemetry.propagate import inject

        inject(carrier)
    except Exception:  # another thread is importing it at this moment, or a faulty propagator
        return False
    return True


def _first_lookup(default: Any) -> Any:
    """Return OpenTelemetry's current context, and make later lookups fast."""
    global current  # noqa: PLW0603 - replaced once
    try:
        otel_context = sys.modules["opentelemetry.context"]
        token = otel_context.attach(otel_context.get_current())
        otel_context.detach(token)
    except Exception:  # another thread is importing it at this moment
        return default
    known = isinstance(token, Token)  # a custom runtime context may return something else
    current = token.var.get if known else lambda _: otel_context.get_current()
    return current(default)


current: Callable[[Any], Any] = _first_lookup
"""Return OpenTelemetry's current context, which is falsy if nothing is active."""


def trace_is_active() -> bool:
    """Return whether OpenTelemetry may have an active span."""
    return "opentelemetry.trace" in _modules and bool(current(None))
