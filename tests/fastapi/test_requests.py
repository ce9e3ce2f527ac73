"""What is particular to Starlette and FastAPI: other middleware, dependencies, cancellation."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, Response
from fastapi.responses import StreamingResponse
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.testclient import TestClient

import headrace
from headrace_fastapi import FlowId, FlowMiddleware, init_app
from tests.asgi_client import LikeAServer, http_scope, serve_asgi
from tests.fastapi.fastapi_site import make_app
from tests.sites import memory_log, note, shown
from tests.units import watched_units

HEADER = "X-Correlation-ID"


async def passes_on(request: Any, call_next: Callable[..., Any]) -> Any:
    note("middleware")
    return await call_next(request)


@pytest.mark.guarantee(10)
@pytest.mark.parametrize("path", ["/id", "/async/id"])
def test_base_http_middleware_inside_and_outside(path: str) -> None:
    """`BaseHTTPMiddleware` on both sides of the unit harms neither header nor handler.

    The outer one is outside of the unit, and so its line has no ID.
    """
    app = make_app({})
    app.add_middleware(BaseHTTPMiddleware, dispatch=passes_on)
    with serve_asgi(BaseHTTPMiddleware(app, dispatch=passes_on)) as client:
        seen = client.request("GET", path, [(HEADER, "abc")])
    assert seen.header(HEADER) == ["abc"]
    assert [line.flow_id for line in seen.notes("middleware")] == ["-", "abc"]
    assert [line.flow_id for line in seen.notes("handler")] == ["abc"]


@pytest.mark.guarantee(10)
@pytest.mark.parametrize("path", ["/stream", "/async/stream", "/background"])
def test_streams_and_background_work_below_base_http_middleware(path: str) -> None:
    """Streams and background tasks keep the ID with `BaseHTTPMiddleware` on both sides."""
    app = make_app({})
    app.add_middleware(BaseHTTPMiddleware, dispatch=passes_on)
    with serve_asgi(BaseHTTPMiddleware(app, dispatch=passes_on)) as client:
        seen = client.request("GET", path, [(HEADER, "abc")])
    place = "background" if path == "/background" else "closed"
    assert [line.flow_id for line in seen.notes(place)] == ["abc"]
    assert {line.flow_id for line in seen.lines if line.message == "piece"} <= {"abc"}


def provided() -> str:
    """Stands for the dependency under test."""
    raise NotImplementedError


def yields_app(dependency: Callable[[], Any]) -> FastAPI:
    app = FastAPI()
    init_app(app)
    app.dependency_overrides[provided] = dependency

    @app.get("/")
    async def view(value: Annotated[str, Depends(provided)]) -> str:
        return value

    @app.get("/stream")
    async def stream(value: Annotated[str, Depends(provided)]) -> Response:
        return StreamingResponse(iter([value.encode()]))

    return app


def plain() -> Iterator[str]:
    with headrace.flow("deps").open():
        note("entered")
        yield shown()
    note("left")


async def asynchronous() -> AsyncIterator[str]:
    with headrace.flow("deps").open():
        note("entered")
        yield shown()
    note("left")


@pytest.mark.guarantee(12)
@pytest.mark.parametrize("path", ["/", "/stream"])
@pytest.mark.parametrize("dependency", [plain, asynchronous])
def test_a_dependency_with_yield_is_left_without_an_error(
    dependency: Callable[[], Any], path: str
) -> None:
    """A block around a dependency's `yield` is entered and left in different contexts.

    That is done without an error, which would come after the response, and within the unit.
    """
    with serve_asgi(yields_app(dependency)) as client:
        seen = client.request("GET", path, [(HEADER, "abc")])
    assert "abc" in seen.text
    assert [line.flow_id for line in seen.notes("entered")] == ["abc"]
    assert [line.flow_id for line in seen.notes("left")] == ["abc"]
    assert [line for line in seen.lines if line.error or line.logger == "asyncio"] == []


@pytest.mark.guarantee(14)
def test_the_lifespan_is_no_request() -> None:
    """Start and end of the application run outside of any unit, and its state arrives."""
    seen: list[Any] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        seen.append(headrace.current_flow_id())
        yield {"key": "value"}
        seen.append(headrace.current_flow_id())

    app = FastAPI(lifespan=lifespan)
    init_app(app)
    with watched_units() as units, TestClient(app):
        pass
    assert seen == [None, None]
    assert units == []


@pytest.mark.guarantee(15)
def test_a_cancelled_request_ends_as_cancelled() -> None:
    """The backends see the outcome `cancelled`, the error goes on, and no context is left."""
    app = FastAPI()
    init_app(app)
    begun = asyncio.Event()

    @app.get("/")
    async def hang() -> None:
        begun.set()
        await asyncio.sleep(60)

    async def nothing(*args: Any) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"type": "http.request"}

    async def main() -> None:
        task = asyncio.ensure_future(app(http_scope("/"), nothing, nothing))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with watched_units() as units:
        asyncio.run(main())
    assert [unit.outcome for unit in units] == ["cancelled"]


def test_each_request_is_one_unit_of_its_kind() -> None:
    """A backend is told of one unit for each request, with its outcome."""
    with watched_units() as units:
        client = TestClient(make_app({}), raise_server_exceptions=False)
        client.get("/id")
        client.get("/error/unhandled")
        client.get("/error/handled")
        with client.websocket_connect("/socket") as socket:
            socket.receive_text()
            socket.send_text("")
            socket.receive_text()
    kinds = [(unit.context.kind, unit.outcome) for unit in units]
    assert kinds == [("http", "ok"), ("http", "error"), ("http", "ok"), ("websocket", "ok")]


def test_asyncio_tasks_of_a_handler_share_its_unit() -> None:
    """What a handler gathers or starts as tasks runs under its ID, concurrently."""
    app = FastAPI()
    init_app(app)

    async def look() -> str | None:
        await asyncio.sleep(0.001)
        return headrace.current_flow_id()

    @app.get("/")
    async def view(cid: FlowId) -> bool:
        return {*await asyncio.gather(*(look() for _ in range(10)))} == {cid}

    assert TestClient(app).get("/").json() is True


def test_another_asgi_application_below_works_too() -> None:
    """`FlowMiddleware` around any ASGI callable behaves as `init_app` does."""
    with serve_asgi(FlowMiddleware(make_app({}), expose_header=True)) as client:
        seen = client.request("GET", "/error/unhandled", [(HEADER, "abc")])
    assert (seen.status, seen.header(HEADER)) == (500, ["abc"])
    assert {line.flow_id for line in seen.lines if line.error} == {"abc"}


def test_logs_of_other_loggers_carry_the_id() -> None:
    """A third-party logger's line, logged from a handler in a thread, has the ID."""
    app = FastAPI()
    init_app(app)

    @app.get("/")
    def view() -> None:
        logging.getLogger("third.party").warning("hello")

    with serve_asgi(app) as client:
        seen = client.request("GET", "/", [(HEADER, "abc")])
    assert [line.flow_id for line in seen.lines if line.logger == "third.party"] == ["abc"]


@pytest.mark.guarantee(54)
@pytest.mark.parametrize("fails", [False, True])
def test_background_work_is_none_of_the_response(fails: bool) -> None:
    """Its line has the ID, follows the unit's line, and changes no outcome."""
    app = FastAPI()

    def work() -> None:
        note("background")
        if fails:
            raise LookupError("on purpose")

    @app.get("/")
    def start(tasks: BackgroundTasks) -> str:
        tasks.add_task(work)
        return "x"

    init_app(app)
    with watched_units() as units, memory_log() as log:
        client = TestClient(LikeAServer(app), raise_server_exceptions=False)
        client.get("/", headers={"X-Correlation-ID": "abc"})
    lines = [(line.logger, line.flow_id, line.error) for line in log.lines()]
    ours = [line[:2] for line in lines if line[0] in {"headrace", "site"}]
    assert ours == [("headrace", "abc"), ("site", "abc")]
    assert [line for line in lines if line[2]] == [("server", "abc", "LookupError")] * fails
    assert [unit.outcome for unit in units] == ["ok"]
