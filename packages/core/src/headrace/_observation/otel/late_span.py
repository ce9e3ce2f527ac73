"""A span that starts on first use, for a request that may get another SERVER span.

FastAPI's own spans and Starlette's OpenTelemetry middleware start a SERVER span for each request,
even if one is current. Inside a unit, that would be a second SERVER span and usually a second root,
so the unit's span waits. It starts when other code reads the current span, as OpenTelemetry's
instrumentors do, or starts a child span.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from opentelemetry import trace

from headrace._context.variables import reset_unit, set_unit
from headrace._process.locks import make_once

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace._context.model import FlowContext

_MODULES = ("fastapi.telemetry", "starlette.middleware.opentelemetry")
_REQUESTS = frozenset({"http", "websocket"})


def is_traced_inside(context: FlowContext) -> bool:
    """Return whether other code may start a SERVER span inside the unit even if one is current."""
    return context.kind in _REQUESTS and any(name in sys.modules for name in _MODULES)


def _passed_on(name: str) -> Any:
    def method(self: LateSpan, *args: Any, **options: Any) -> Any:
        return getattr(self.started(), name)(*args, **options)

    return method


class LateSpan(trace.Span):
    """Forwards all calls to a span that it starts on first use.

    Args:
        start: starts the span.
        context: the unit of the span.
    """

    _span: trace.Span

    def __init__(self, start: Callable[[], trace.Span], context: FlowContext) -> None:
        self._start = start
        self._context = context

    @property
    def has_started(self) -> bool:
        """Whether the span has started."""
        return "_span" in vars(self)

    def started(self) -> trace.Span:
        """Return the span, started if necessary."""
        make_once(self, "_span", self._begin)
        return self._span

    def _begin(self) -> trace.Span:
        token = set_unit(self._context)  # the trace ID comes from the current unit
        try:
            return self._start()
        finally:
            reset_unit(token)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.started(), name)

    end = _passed_on("end")
    get_span_context = _passed_on("get_span_context")
    set_attributes = _passed_on("set_attributes")
    set_attribute = _passed_on("set_attribute")
    add_event = _passed_on("add_event")
    add_link = _passed_on("add_link")
    update_name = _passed_on("update_name")
    is_recording = _passed_on("is_recording")
    set_status = _passed_on("set_status")
    record_exception = _passed_on("record_exception")
