"""The response of an ASGI application to a request whose correlation ID is rejected."""

from __future__ import annotations

from .asgi_messages import App, Receive, Scope, Send
from .responses import REFUSAL, REFUSAL_STATUS, REFUSED_KEY, refusal_headers


class RefusalMiddleware:
    """Responds to the requests that an outer `FlowMiddleware` refuses and delegates.

    Args:
        app: the ASGI application.
    """

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on."""
        app = refuse if scope.get(REFUSED_KEY) else self.app
        await app(scope, receive, send)


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Send a 400 response; to a WebSocket, only if the server supports that."""
    kind = "http.response"
    if scope["type"] == "websocket":
        kind = "websocket.http.response"
        if kind not in (scope.get("extensions") or ()):
            # The server itself responds with 403.
            await send({"type": "websocket.close", "code": 1008})
            return
    headers = [(name.encode(), value.encode()) for name, value in refusal_headers()]
    await send({"type": f"{kind}.start", "status": REFUSAL_STATUS, "headers": headers})
    await send({"type": f"{kind}.body", "body": REFUSAL.encode()})
