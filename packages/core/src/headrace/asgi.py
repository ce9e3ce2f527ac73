"""ASGI middleware, for Starlette, FastAPI and every other ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from time import perf_counter
from typing import Any, Unpack

from . import _runtime
from ._active_trace import adopt_span
from ._context import FlowContext, add_facts, step_var, unit_var
from ._guarded_logger import log
from ._http import (
    SCOPE_KEY,
    HttpPolicy,
    is_under_way,
)
from ._http_options import HttpKeywords, http_options
from ._marks import mark
from ._responses import REFUSAL, REFUSAL_STATUS, log_access, make_put, refusal_headers
from ._runtime import units_are_watched

__all__ = ["FlowMiddleware"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# Looked up once: this is the hot path.
_get_unit, _set_unit, _reset_unit = unit_var.get, unit_var.set, unit_var.reset
_get_step, _set_step = step_var.get, step_var.set

# What FastAPI's own spans and those of Starlette's middleware leave in the scope. Both start a
# SERVER span even where one is active.
_INSTRUMENTED = ("fastapi.telemetry", "starlette.opentelemetry")
_KINDS = frozenset({"http", "websocket"})
_RESPONSE_STARTS = frozenset({
    "http.response.start",
    "websocket.accept",
    "websocket.http.response.start",
})


class FlowMiddleware:
    """Opens a unit of work for each HTTP request and each WebSocket connection.

    The response carries the correlation ID in exactly one header. Lifespan events pass untouched,
    and a second middleware of this kind in the same stack does nothing.

    Args:
        app: the ASGI application.
        options: see `headrace.integration.HttpOptions`.

    Raises:
        TypeError: an unknown option, or one of a wrong type.
        ValueError: an option with an impossible value.
    """

    def __init__(self, app: App, **options: Unpack[HttpKeywords]) -> None:
        self.app = app
        _announce(app)
        self._policy = policy = HttpPolicy(http_options("FlowMiddleware", options))
        self._admit = policy.admit
        self._excludes = policy.excludes if policy.excludes_any else None
        self._logs = policy.options.access_log
        self._route_of: Callable[[Scope], str | None] | None = None
        policy.follow_configuration(self._take_headers)

    def _take_headers(self) -> None:
        policy = self._policy
        policy.resolve()
        self._wanted = {name.encode(): name for name in policy.wanted}
        self._put = make_put(policy, _name, str.encode)
        self._rewrite = policy.request_header().put_in_scope if policy.writes else None

    def name_by(self, route_of: Callable[[Scope], str | None]) -> None:
        """Have `route_of` asked for the name of each unit when its response starts.

        Args:
            route_of: takes the scope, and returns the route, or None to leave the path as name.
        """
        self._route_of = route_of

    async def __call__(  # noqa: C901, PLR0912, PLR0915 - one frame, for speed
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Run the application inside a unit of work."""
        kind = scope["type"]
        if (
            kind not in _KINDS
            or (SCOPE_KEY in scope and is_under_way(scope[SCOPE_KEY]))
            or (self._excludes is not None and self._excludes(scope["path"]))
        ):
            await self.app(scope, receive, send)
            return
        try:
            wanted = self._wanted
            found: list[tuple[str, str]] = []
            for name, value in scope["headers"]:
                if name in wanted:
                    found.append((wanted[name], value.decode("latin-1")))
            context, reject = self._admit(kind, scope["path"], found, scope)
            scope[SCOPE_KEY] = context
            if self._rewrite is not None:
                self._rewrite(scope, context.correlation_id)
            app = _refuse if reject else self.app
            if self._logs:
                app = partial(self._run_logged, app)
        except Exception:
            log.exception("a request is served without a unit of work")
            await self.app(scope, receive, send)
            return

        # A coroutine function, as servers' are: asgiref's async_to_sync warns of anything else.
        async def send_with_header(message: Message) -> None:
            if message["type"] in _RESPONSE_STARTS:
                message = self._with_header(message, scope, context)
            await send(message)

        # `Unit` in this very frame: the calls to one would be a fifth of what all of this costs.
        outer, outer_step = _get_unit(), _get_step()
        token = _set_unit(context)
        watch = None
        try:
            if outer_step is not None:
                _set_step(None)
            observer = _runtime.observer
            if observer is not None and observer.watches_units:
                add_facts(context, method=scope.get("method", "GET"), path=scope["path"])
                watch = observer.begin_unit(context)
            await app(scope, receive, send_with_header)
        except BaseException as exc:
            mark(exc, context.correlation_id, outer)
            if watch is not None:
                watch.end(exc)
            raise
        else:
            if watch is not None:
                watch.end(None)
        finally:
            try:
                _reset_unit(token)
            except ValueError:  # closed by another task, in whose context others are current
                if _get_unit() is context:
                    _set_unit(outer)
            if _get_step() is not outer_step and _get_unit() is outer:
                _set_step(outer_step)
            context._ended = True  # noqa: SLF001 - what `Unit` does by a call

    def _with_header(self, message: Message, scope: Scope, context: FlowContext) -> Message:
        try:
            # A new message: the application may send a constant one.
            changed = {**message}
            changed["headers"] = self._put(message.get("headers", ()), context.correlation_id)
            route = None if self._route_of is None else self._route_of(scope)
            if route is not None:
                context.name = route
            if units_are_watched():
                add_facts(context, status=message.get("status", 101), route=route)
                for key in _INSTRUMENTED:
                    if key in scope:
                        adopt_span(context, getattr(scope[key], "span", None))
        except Exception:
            log.exception("a response may lack its correlation ID")
            return message
        return changed

    async def _run_logged(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        status: int | None = None

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        start = perf_counter()
        try:
            await app(scope, receive, note_status)
        finally:
            if scope["type"] == "http":
                log_access(scope["method"], scope["path"], status, perf_counter() - start)


def _announce(app: Any) -> None:
    """Have Starlette's OpenTelemetry middleware in the stack `app` tell of its spans.

    Its mark in the scope is gone where an error page is sent outside of it.
    """
    layer = app
    while layer is not None and type(layer).__module__ != "starlette.middleware.opentelemetry":
        layer = getattr(layer, "app", None)
    if layer is not None:
        layer.app = partial(_adopting, layer.app)


async def _adopting(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    adopt_span(scope.get(SCOPE_KEY))
    await app(scope, receive, send)


def _name(header: str) -> bytes:
    return header.lower().encode()


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    kind = "http.response"
    if scope["type"] == "websocket":
        kind = "websocket.http.response"
        if kind not in (scope.get("extensions") or ()):
            # The server answers 403 of its own accord.
            await send({"type": "websocket.close", "code": 1008})
            return
    headers = [(name.encode(), value.encode()) for name, value in refusal_headers()]
    await send({"type": f"{kind}.start", "status": REFUSAL_STATUS, "headers": headers})
    await send({"type": f"{kind}.body", "body": REFUSAL.encode()})
