"""ASGI middleware, for Starlette, FastAPI and every other ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from time import perf_counter
from typing import Any

from ._context import FlowContext
from ._http import REFUSAL, SCOPE_KEY, HttpOptions, HttpPolicy, exposed, log_access
from ._units import run_asgi

__all__ = ["FlowMiddleware"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
_Headers = list[tuple[bytes, bytes]]

_EXPOSE = b"access-control-expose-headers"
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

    def __init__(self, app: App, **options: Any) -> None:
        self.app = app
        self._policy = policy = HttpPolicy(HttpOptions(**options))
        self._wanted = {name.encode(): name for name in policy.wanted}
        self._header = policy.options.response_header.lower().encode()
        self._inner = self._run_logged if policy.options.access_log else app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application inside a unit of work."""
        kind = scope["type"]
        policy = self._policy
        if (
            kind not in _KINDS
            or SCOPE_KEY in scope
            or (policy.excludes_any and policy.excludes(scope["path"]))
        ):
            await self.app(scope, receive, send)
            return
        wanted = self._wanted
        found: tuple[tuple[str, str], ...] = ()
        for name, value in scope["headers"]:
            if name in wanted:
                found = (*found, (wanted[name], str(value, "latin-1")))
        context, reject = policy.admit(kind, scope["path"], found)
        scope[SCOPE_KEY] = context
        app = _refuse if reject else self._inner
        await run_asgi(context, app, scope, receive, self._sender(send, context))

    def _sender(self, send: Send, context: FlowContext) -> Send:
        own_name = self._header
        options = self._policy.options

        # A coroutine function, as servers' are: asgiref's async_to_sync warns of anything else.
        async def send_with_header(message: Message) -> None:
            if message["type"] in _RESPONSE_STARTS:
                # A new list in a new message: the application may send a constant one.
                headers = [*message.get("headers", ())]
                for name, _ in headers:
                    if name.lower() == own_name:
                        headers = [pair for pair in headers if pair[0].lower() != own_name]
                        break
                headers.append((own_name, context.correlation_id.encode()))
                if options.expose_header:
                    headers = _exposed(headers, options.response_header)
                message = {**message, "headers": headers}
            await send(message)

        return send_with_header

    async def _run_logged(self, scope: Scope, receive: Receive, send: Send) -> None:
        status: int | None = None

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        start = perf_counter()
        try:
            await self.app(scope, receive, note_status)
        finally:
            if scope["type"] == "http":
                log_access(scope["method"], scope["path"], status, perf_counter() - start)


def _exposed(headers: Iterable[tuple[bytes, bytes]], name: str) -> _Headers:
    kept = [header for header in headers if header[0].lower() != _EXPOSE]
    existing = [value.decode("latin-1") for key, value in headers if key.lower() == _EXPOSE]
    return [*kept, (_EXPOSE, exposed(existing, name).encode("latin-1"))]


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    kind = "http.response"
    if scope["type"] == "websocket":
        kind = "websocket.http.response"
        if kind not in (scope.get("extensions") or ()):
            # The server answers 403 of its own accord.
            await send({"type": "websocket.close", "code": 1008})
            return
    body = REFUSAL.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": f"{kind}.start", "status": 400, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
