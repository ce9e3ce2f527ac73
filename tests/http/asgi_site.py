"""The site of `tests.sites` as a plain ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from headrace.asgi import FlowMiddleware
from tests import sites
from tests.asgi_client import AsgiClient, serve_asgi

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    View = Callable[[Scope, Receive, Send], Awaitable[None]]

TEXT = (b"content-type", b"text/plain; charset=utf-8")
CONSTANT = [TEXT]


async def answer(
    send: Send, text: str = "", status: int = 200, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    """Send a whole response."""
    headers = [TEXT] if headers is None else headers
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


async def show(scope: Scope, receive: Receive, send: Send) -> None:
    sites.note("handler")
    if scope["method"] == "DELETE":
        await answer(send, status=405)
    else:
        await answer(send, "" if scope["method"] == "HEAD" else sites.shown())


async def measure(scope: Scope, receive: Receive, send: Send) -> None:
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message["body"])
        more = message.get("more_body", False)
    await answer(send, f"{sites.shown()} {size}")


async def wait(scope: Scope, receive: Receive, send: Send) -> None:
    before = sites.shown()
    await asyncio.sleep(0.02)
    await answer(send, f"{before} {sites.shown()}")


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    try:
        raise sites.RefusedError
    except sites.RefusedError:
        sites.note("error handler")
        await answer(send, sites.shown(), 409)


async def fail(scope: Scope, receive: Receive, send: Send) -> None:
    try:
        raise sites.BrokenError
    finally:
        await answer(send, status=500)


async def redirect(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, status=302, headers=[TEXT, (b"location", b"/id")])


async def start_work(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, sites.shown())
    sites.note("background")


async def look_in_threads(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, await asyncio.to_thread(sites.in_thread))


async def set_own_header(scope: Scope, receive: Receive, send: Send) -> None:
    own = [(name.encode(), value.encode()) for name, value in sites.OWN_HEADERS]
    await answer(send, sites.shown(), headers=[TEXT, *own])


async def answer_constant(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, sites.shown(), headers=CONSTANT)


async def show_headers(scope: Scope, receive: Receive, send: Send) -> None:
    pairs = [(name.decode(), value.decode("latin-1")) for name, value in scope["headers"]]
    await answer(send, sites.headers_seen(pairs))


async def send_on(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, sites.sent_on())


async def show_deadline(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, sites.time_left())


async def show_metadata(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.to_thread(sites.write_metadata)
    await answer(send, sites.read_metadata())


async def talk(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    sites.note("socket")
    await send({"type": "websocket.send", "text": sites.shown()})
    await receive()
    await send({"type": "websocket.send", "text": sites.shown()})
    await send({"type": "websocket.close"})


def stream(body: Callable[[], Iterator[bytes]]) -> View:
    """Return a view that streams `body`, which blocks, and stops when the client has gone."""

    async def paced() -> AsyncIterator[bytes]:
        pieces = body()
        try:
            for piece in pieces:
                yield piece
                await asyncio.sleep(0)
        finally:
            pieces.close()  # type: ignore[attr-defined]

    return async_stream(paced)


def async_stream(body: Callable[[], AsyncIterator[bytes]]) -> View:
    """Return a view that streams `body`, and stops when the client has gone."""

    async def view(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        gone = asyncio.ensure_future(receive())
        await send({"type": "http.response.start", "status": 200, "headers": [TEXT]})
        pieces = body()
        try:
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                if gone.done():
                    return
        finally:
            gone.cancel()
            await pieces.aclose()  # type: ignore[attr-defined]
        await send({"type": "http.response.body", "body": b""})

    return view


VIEWS: dict[str, View] = {
    "/id": show,
    "/async/id": show,
    "/nested/id": show,
    "/body": measure,
    "/slow": wait,
    "/error/handled": refuse,
    "/error/unhandled": fail,
    "/redirect": redirect,
    "/stream": stream(sites.pieces),
    "/async/stream": async_stream(sites.async_pieces),
    "/endless": stream(sites.endless),
    "/async/endless": async_stream(sites.async_endless),
    "/events": stream(sites.events),
    "/background": start_work,
    "/thread": look_in_threads,
    "/own-header": set_own_header,
    "/constant": answer_constant,
    "/headers": show_headers,
    "/next": send_on,
    "/deadline": show_deadline,
    "/metadata": show_metadata,
    "/socket": talk,
}


async def site(scope: Scope, receive: Receive, send: Send) -> None:
    """Call the view of the path."""
    view = VIEWS.get(scope["path"])
    if view is None:
        await answer(send, status=404)
    else:
        await view(scope, receive, send)


def make_app(options: Mapping[str, Any], *, twice: bool = False) -> ASGIApp:
    """Build the site."""
    app: ASGIApp = FlowMiddleware(site, **options)
    return FlowMiddleware(app, **options) if twice else app


class AsgiSite:
    """Plain ASGI under the contract."""

    name = "ASGI"
    lacks: Mapping[str, str] = {}

    def serve(
        self, options: Mapping[str, Any], *, twice: bool
    ) -> AbstractContextManager[AsgiClient]:
        return serve_asgi(make_app(options, twice=twice))
