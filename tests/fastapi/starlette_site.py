"""The site of `tests.sites`, built with Starlette."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from headrace_fastapi import FlowMiddleware, init_app
from tests.asgi_client import LACKS, AsgiClient, serve_asgi
from tests.sites import (
    OWN_HEADERS,
    BrokenError,
    RefusedError,
    async_endless,
    async_pieces,
    endless,
    events,
    headers_seen,
    in_thread,
    note,
    pieces,
    read_metadata,
    sent_on,
    shown,
    time_left,
    write_metadata,
)

# It sends one and the same list of headers each time.
CONSTANT = PlainTextResponse()
del CONSTANT.headers["content-length"]


class Text(PlainTextResponse):
    """The ID, or `text`."""

    def __init__(self, text: str | None = None, **more: Any) -> None:
        super().__init__(shown() if text is None else text, **more)


def show(request: Request) -> Response:
    note("handler")
    return Text()


async def show_async(request: Request) -> Response:
    note("handler")
    return Text()


async def measure(request: Request) -> Response:
    body = await request.body()
    return Text(f"{shown()} {len(body)}")


async def wait(request: Request) -> Response:
    before = shown()
    await asyncio.sleep(0.02)
    return Text(f"{before} {shown()}")


async def refuse(request: Request) -> Response:
    raise RefusedError


async def fail(request: Request) -> Response:
    raise BrokenError


async def answer_refusal(request: Request, exc: Exception) -> Response:
    note("error handler")
    return Text(status_code=409)


async def redirect(request: Request) -> Response:
    return RedirectResponse("/id", status_code=302)


async def stream(request: Request) -> Response:
    return StreamingResponse(pieces())


async def stream_async(request: Request) -> Response:
    return StreamingResponse(async_pieces())


async def stream_endless(request: Request) -> Response:
    return StreamingResponse(endless())


async def stream_async_endless(request: Request) -> Response:
    return StreamingResponse(async_endless())


async def send_events(request: Request) -> Response:
    return StreamingResponse(events(), media_type="text/event-stream")


async def start_work(request: Request) -> Response:
    return Text(background=BackgroundTask(note, "background"))


def look_in_threads(request: Request) -> Response:
    return Text(in_thread())


async def set_own_header(request: Request) -> Response:
    response = Text()
    response.raw_headers += [(n.lower().encode(), v.encode()) for n, v in OWN_HEADERS]
    return response


async def answer_constant(request: Request) -> Response:
    CONSTANT.body = shown().encode()
    return CONSTANT


async def show_headers(request: Request) -> Response:
    return Text(headers_seen(request.headers.items()))


async def send_on(request: Request) -> Response:
    return Text(sent_on())


async def show_deadline(request: Request) -> Response:
    return Text(time_left())


def show_metadata(request: Request) -> Response:
    write_metadata()
    return Text(read_metadata())


async def talk(socket: WebSocket) -> None:
    await socket.accept()
    note("socket")
    await socket.send_text(shown())
    await socket.receive_text()
    await socket.send_text(shown())
    await socket.close()


ROUTES: list[BaseRoute] = [
    Route("/id", show, methods=["GET", "HEAD"]),
    Route("/async/id", show_async),
    Route("/body", measure, methods=["POST"]),
    Route("/slow", wait),
    Route("/error/handled", refuse),
    Route("/error/unhandled", fail),
    Route("/redirect", redirect),
    Route("/stream", stream),
    Route("/async/stream", stream_async),
    Route("/endless", stream_endless),
    Route("/async/endless", stream_async_endless),
    Route("/events", send_events),
    Route("/background", start_work),
    Route("/thread", look_in_threads),
    Route("/own-header", set_own_header),
    Route("/constant", answer_constant),
    Route("/headers", show_headers),
    Route("/next", send_on),
    Route("/deadline", show_deadline),
    Route("/metadata", show_metadata),
    WebSocketRoute("/socket", talk),
]


def make_app(options: Mapping[str, Any], *, twice: bool = False) -> Starlette:
    """Build the site."""
    app = Starlette(
        routes=[*ROUTES, Mount("/nested", Starlette(routes=[Route("/id", show)]))],
        middleware=[Middleware(FlowMiddleware, **options)] if twice else [],
        exception_handlers={RefusedError: answer_refusal},
    )
    init_app(app, **options)
    return app


class StarletteSite:
    """Starlette under the contract."""

    name = "starlette"
    lacks: Mapping[str, str] = LACKS

    def serve(
        self, options: Mapping[str, Any], *, twice: bool
    ) -> AbstractContextManager[AsgiClient]:
        return serve_asgi(make_app(options, twice=twice))
