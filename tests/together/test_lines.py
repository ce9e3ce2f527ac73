"""Each request writes exactly one line, whichever applications are mounted in one another."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from asgiref.wsgi import WsgiToAsgi
from django.core.handlers.asgi import ASGIHandler
from fastapi import FastAPI, WebSocket
from flask import Flask
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from headrace.asgi import FlowMiddleware
from headrace_fastapi import init_app
from headrace_flask import Headrace
from tests.asgi_client import _ask, http_scope
from tests.django.frameworks import settings_for


def fastapi_app() -> FastAPI:
    """Return an application with a plain route, a stream and a WebSocket."""
    app = FastAPI()
    init_app(app)

    @app.get("/")
    async def root() -> str:
        return "ok"

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def pieces() -> AsyncIterator[str]:
            for piece in "abc":
                yield piece
                await asyncio.sleep(0)

        return StreamingResponse(pieces())

    @app.get("/endless")
    async def endless() -> StreamingResponse:
        async def pieces() -> AsyncIterator[str]:
            while True:
                yield "a"
                await asyncio.sleep(0)

        return StreamingResponse(pieces())

    @app.get("/slow")
    async def slow() -> None:
        app.state.started.set()
        await asyncio.Event().wait()

    @app.websocket("/socket")
    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(await socket.receive_text())
        await socket.close()

    return app


def starlette_app() -> Any:
    """Return an application of Starlette, inside the core's middleware."""
    return FlowMiddleware(Starlette(routes=[Route("/", lambda _: PlainTextResponse("ok"))]))


def flask_app() -> Any:
    """Return an application of Flask, as ASGI."""
    app = Flask("inner")
    Headrace(app)
    app.add_url_rule("/", view_func=lambda: "ok")
    return WsgiToAsgi(app)


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[logging.LogRecord]]]:
    """A function that returns the lines of the ends of units."""
    with caplog.at_level(logging.INFO, "headrace"):
        yield lambda: [one for one in caplog.records if getattr(one, "event", "") == "unit.end"]


Lines = Callable[[], list[logging.LogRecord]]


@pytest.mark.parametrize("make", [fastapi_app, starlette_app, flask_app])
def test_mounted_applications_write_one_line(lines: Lines, make: Callable[[], Any]) -> None:
    """A request to a mounted application with an integration of its own is one unit, one line."""
    outer = fastapi_app()
    outer.mount("/inner", make())
    client = TestClient(outer)
    assert client.get("/inner/").status_code == 200
    assert client.get("/").status_code == 200
    inner, root = lines()
    assert [one.kind for one in (inner, root)] == ["http", "http"]  # type: ignore[attr-defined]
    assert inner.path == "/inner/"  # type: ignore[attr-defined]
    assert inner.correlation_id != root.correlation_id  # type: ignore[attr-defined]


def test_django_in_fastapi_writes_one_line(lines: Lines) -> None:
    """Django with its middleware, mounted in FastAPI with its own, is in the outer unit."""
    outer = fastapi_app()
    with settings_for({}, "tests.django.test_middleware"):
        outer.mount("/django", ASGIHandler())
        assert TestClient(outer).get("/django/id").status_code == 200
    assert len(lines()) == 1


def test_a_stream_writes_one_line_after_its_last_piece(lines: Lines) -> None:
    """The line comes once, with the outcome of the whole body."""
    assert TestClient(fastapi_app()).get("/stream").text == "abc"
    (line,) = lines()
    assert (line.outcome, line.status) == ("ok", 200)  # type: ignore[attr-defined]


def test_a_websocket_writes_one_line(lines: Lines) -> None:
    """A conversation is one unit, from the handshake to the close."""
    with TestClient(fastapi_app()).websocket_connect("/socket") as socket:
        socket.send_text("hello")
        assert socket.receive_text() == "hello"
    (line,) = lines()
    assert (line.kind, line.outcome) == ("websocket", "ok")  # type: ignore[attr-defined]


def test_a_client_that_leaves_a_stream_leaves_one_line(lines: Lines) -> None:
    """A client that disconnects in the middle of a body ends the unit once."""
    asyncio.run(_ask(fastapi_app(), "/endless", (), leave=True))
    (line,) = lines()
    assert (line.kind, line.path) == ("http", "/endless")  # type: ignore[attr-defined]


def test_a_cancelled_request_writes_one_line(lines: Lines) -> None:
    """Where a server cancels a request, as some do on a disconnect, the outcome says so."""

    async def cancel() -> None:
        async def nothing(*_: object) -> Any:
            await asyncio.Event().wait()

        app = fastapi_app()
        app.state.started = asyncio.Event()
        task = asyncio.create_task(app(http_scope("/slow"), nothing, nothing))
        await app.state.started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    (line,) = lines()
    assert line.outcome == "cancelled"  # type: ignore[attr-defined]
