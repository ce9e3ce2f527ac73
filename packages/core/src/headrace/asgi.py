"""ASGI middleware, for Starlette, FastAPI and every other ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from time import perf_counter
from typing import Any

from ._context import FlowContext
from ._http import REFUSAL, SCOPE_KEY, HttpOptions, HttpPolicy, exposed, log_access
from ._units import Unit

__all__ = ["FlowMiddleware"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
_Headers = list[tuple[bytes, bytes]]

_EXPOSE = b"access-control-expose-headers"
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
        self._wanted = frozenset(name.encode() for name in policy.wanted)
        options = policy.options
        self._header = options.response_header.lower().encode()
        self._exposed_name = options.response_header if options.expose_header else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application inside a unit of work."""
        kind = scope["type"]
        if kind not in {"http", "websocket"} or SCOPE_KEY in scope or self._excludes(scope):
            await self.app(scope, receive, send)
            return
        wanted = self._wanted
        found = [(n.decode(), v.decode("latin-1")) for n, v in scope["headers"] if n in wanted]
        context, reject = self._policy.admit(kind, scope["path"], found)
        scope[SCOPE_KEY] = context
        send = self._sender(send, context)
        with Unit(context):
            if reject:
                await _refuse(scope, send)
            elif self._policy.options.access_log and kind == "http":
                await self._run_logged(scope, receive, send)
            else:
                await self.app(scope, receive, send)

    def _excludes(self, scope: Scope) -> bool:
        return self._policy.excludes_any and self._policy.excludes(scope["path"])

    def _sender(self, send: Send, context: FlowContext) -> Send:
        ours = (self._header, context.correlation_id.encode("latin-1"))
        own_name = self._header
        exposed_name = self._exposed_name

        def send_with_header(message: Message) -> Awaitable[None]:
            if message["type"] in _RESPONSE_STARTS:
                # A new list in a new message: the application may send a constant one.
                headers = [h for h in message.get("headers") or () if h[0].lower() != own_name]
                headers.append(ours)
                if exposed_name is not None:
                    headers = _exposed(headers, exposed_name)
                message = {**message, "headers": headers}
            return send(message)

        return send_with_header

    async def _run_logged(self, scope: Scope, receive: Receive, send: Send) -> None:
        status: int | None = None

        def note_status(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            return send(message)

        start = perf_counter()
        try:
            await self.app(scope, receive, note_status)
        finally:
            log_access(scope["method"], scope["path"], status, perf_counter() - start)


def _exposed(headers: Iterable[tuple[bytes, bytes]], name: str) -> _Headers:
    kept = [header for header in headers if header[0].lower() != _EXPOSE]
    existing = [value.decode("latin-1") for key, value in headers if key.lower() == _EXPOSE]
    return [*kept, (_EXPOSE, exposed(existing, name).encode("latin-1"))]


async def _refuse(scope: Scope, send: Send) -> None:
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
