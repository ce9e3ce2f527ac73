"""Spans that FastAPI and Starlette themselves start for the requests of an application."""

from __future__ import annotations

from functools import partial
from typing import Any

from headrace._context.model import FlowContext
from headrace._context.spans import adopt_span

from .asgi_messages import App, Receive, Scope, Send
from .nesting import SCOPE_KEY

# Scope keys that FastAPI's own spans and Starlette's middleware set. Both start a SERVER span even
# if one is active.
_INSTRUMENTED = ("fastapi.telemetry", "starlette.opentelemetry")


def announce_spans(app: Any) -> None:
    """Make Starlette's OpenTelemetry middleware in the stack `app` announce its spans.

    It has removed its key from the scope by the time an error page is sent outside it.
    """
    layer = app
    while layer is not None and type(layer).__module__ != "starlette.middleware.opentelemetry":
        layer = getattr(layer, "app", None)
    if layer is not None:
        layer.app = partial(_adopting, layer.app)


def adopt_spans(scope: Scope, context: FlowContext) -> None:
    """Let the unit `context` adopt the span that the framework has started for its request."""
    for key in _INSTRUMENTED:
        if key in scope:
            adopt_span(context, getattr(scope[key], "span", None))


async def _adopting(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    decision = scope.get(SCOPE_KEY)
    if isinstance(decision, FlowContext):
        adopt_span(decision)
    await app(scope, receive, send)
