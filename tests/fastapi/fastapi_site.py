"""The site of `tests.sites`, built with FastAPI."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, Request, Response, WebSocket
from fastapi.responses import PlainTextResponse, RedirectResponse, StreamingResponse

from headrace_fastapi import FlowId, FlowMiddleware, init_app
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

CONSTANT = PlainTextResponse()
del CONSTANT.headers["content-length"]

router = APIRouter(default_response_class=PlainTextResponse)


@router.api_route("/id", methods=["GET", "HEAD"])
def show() -> str:
    note("handler")
    return shown()


@router.get("/async/id")
async def show_async() -> str:
    note("handler")
    return shown()


@router.post("/body")
async def measure(request: Request, cid: FlowId) -> str:
    body = await request.body()
    return f"{cid} {len(body)}"


@router.get("/slow")
async def wait(cid: FlowId) -> str:
    await asyncio.sleep(0.02)
    return f"{cid} {shown()}"


@router.get("/error/handled")
async def refuse() -> str:
    raise RefusedError


@router.get("/error/unhandled")
async def fail() -> str:
    raise BrokenError


@router.get("/redirect")
async def redirect() -> Response:
    return RedirectResponse("/id", status_code=302)


@router.get("/stream")
async def stream() -> Response:
    return StreamingResponse(pieces())


@router.get("/async/stream")
async def stream_async() -> Response:
    return StreamingResponse(async_pieces())


@router.get("/endless")
async def stream_endless() -> Response:
    return StreamingResponse(endless())


@router.get("/async/endless")
async def stream_async_endless() -> Response:
    return StreamingResponse(async_endless())


@router.get("/events")
async def send_events() -> Response:
    return StreamingResponse(events(), media_type="text/event-stream")


@router.get("/background")
async def start_work(tasks: BackgroundTasks) -> str:
    tasks.add_task(note, "background")
    return shown()


@router.get("/thread")
def look_in_threads() -> str:
    return in_thread()


@router.get("/own-header")
async def set_own_header(response: Response) -> str:
    for name, value in OWN_HEADERS:
        response.headers[name] = value
    return shown()


@router.get("/constant")
async def answer_constant() -> Response:
    CONSTANT.body = shown().encode()
    return CONSTANT


@router.get("/headers")
async def show_headers(request: Request) -> str:
    return headers_seen(request.headers.items())


@router.get("/next")
async def send_on() -> str:
    return sent_on()


@router.get("/deadline")
async def show_deadline() -> str:
    return time_left()


def written() -> None:
    """A plain dependency: FastAPI calls it in a thread, in a copy of the context."""
    write_metadata()


@router.get("/metadata")
async def show_metadata(nothing: Annotated[None, Depends(written)]) -> str:
    return read_metadata()


@router.websocket("/socket")
async def talk(socket: WebSocket, cid: FlowId) -> None:
    await socket.accept()
    note("socket")
    await socket.send_text(cid)
    await socket.receive_text()
    await socket.send_text(shown())
    await socket.close()


async def answer_refusal(request: Request, exc: Exception) -> Response:
    note("error handler")
    return PlainTextResponse(shown(), status_code=409)


def make_app(options: Mapping[str, Any], *, twice: bool = False) -> FastAPI:
    """Build the site."""
    app, nested = FastAPI(), FastAPI(default_response_class=PlainTextResponse)
    init_app(app, **options)
    if twice:
        app.add_middleware(FlowMiddleware, **options)
    app.include_router(router)
    app.add_exception_handler(RefusedError, answer_refusal)
    nested.get("/id")(show)
    app.mount("/nested", nested)
    return app


class FastApiSite:
    """FastAPI under the contract."""

    name = "fastapi"
    lacks: Mapping[str, str] = LACKS

    def serve(
        self, options: Mapping[str, Any], *, twice: bool
    ) -> AbstractContextManager[AsgiClient]:
        return serve_asgi(make_app(options, twice=twice))
