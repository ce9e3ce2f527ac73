"""The ASGI site of the audit: ``tests.serving.audit_asgi:app``."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from headrace_fastapi import init_app
from tests.serving.audit_kit import LANES, cut, log_to

_log = logging.getLogger("audit")
# One object per client, which sends its requests one by one.
_constants = [ValueError() for _ in range(LANES)]


def note(place: str, marker: str) -> None:
    _log.info("%s %s", place, marker)


async def work(request: Request) -> Response:
    marker = request.path_params["marker"]
    note("handler", marker)
    await asyncio.sleep(0)
    await run_in_threadpool(note, "thread", marker)
    return PlainTextResponse(marker)


async def body(request: Request) -> Response:
    content = b""
    async for piece in request.stream():
        content += piece
        note("piece", request.path_params["marker"])
    marker = content.decode().strip()
    note("body", marker)
    return PlainTextResponse(marker)


async def background(request: Request) -> Response:
    marker = request.path_params["marker"]

    async def afterwards() -> None:
        for _ in range(3):
            await asyncio.sleep(0.002)
            note("background", marker)
        await run_in_threadpool(note, "background thread", marker)
        if "error" in request.url.path:
            raise RuntimeError(marker)

    return PlainTextResponse(marker, background=BackgroundTask(afterwards))


async def task(request: Request) -> Response:
    """Start a task that outlives the request and fails."""
    marker = request.path_params["marker"]

    async def later() -> None:
        await asyncio.sleep(0.01)
        try:
            fail(request)
        except ValueError:
            _log.exception("task %s", marker)

    running.add(started := asyncio.create_task(later()))
    started.add_done_callback(running.discard)
    return PlainTextResponse(marker)


running: set[asyncio.Task[None]] = set()


def fail(request: Request) -> None:
    """Raise an error object that other requests have raised before."""
    constant = _constants[request.path_params["lane"]]
    constant.args = (request.path_params["marker"],)
    cut(constant)
    raise constant


async def error(request: Request) -> Response:
    raise RuntimeError(request.path_params["marker"])


async def constant_error(request: Request) -> Response:
    fail(request)
    raise AssertionError


def stream(request: Request) -> Response:
    def pieces() -> Iterator[str]:
        for _ in range(3):
            note("piece", request.path_params["marker"])
            yield "piece\n"

    return StreamingResponse(pieces())


async def endless(request: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        try:
            for _ in range(100):
                note("piece", request.path_params["marker"])
                yield b"p" * 1000
                await asyncio.sleep(0.005)
        finally:
            note("closed", request.path_params["marker"])

    return StreamingResponse(pieces())


async def talk(websocket: WebSocket) -> None:
    marker = websocket.path_params["marker"]
    note("connecting", marker)
    await websocket.accept()
    try:
        note("received", await websocket.receive_text())
        await websocket.send_text(marker)
        if "error" in websocket.url.path:
            raise RuntimeError(marker)
        if "abort" in websocket.url.path:
            await websocket.receive_text()
        await websocket.close()
    except WebSocketDisconnect:
        note("gone", marker)


PATHS = {
    "work": work,
    "anonymous": work,
    "body": body,
    "background": background,
    "background-error": background,
    "task": task,
    "error": error,
    "constant-error": constant_error,
    "stream": stream,
    "abort": endless,
    "health": work,
    "health-error": error,
    "health-constant": constant_error,
}
SOCKETS = ("socket", "socket-abort", "socket-error")
KINDS = [*PATHS, *SOCKETS]

app = Starlette(
    routes=[
        *(
            Route(f"/{kind}/{{lane:int}}/{{marker}}", end, methods=["GET", "POST"])
            for kind, end in PATHS.items()
        ),
        *(WebSocketRoute(f"/{kind}/{{lane:int}}/{{marker}}", talk) for kind in SOCKETS),
    ]
)
init_app(app, exclude_paths=["/health/*", "/health-error/*", "/health-constant/*"])
if "HEADRACE_SITE_LOG" in os.environ:
    log_to(os.environ["HEADRACE_SITE_LOG"])
