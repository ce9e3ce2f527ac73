"""A step above its route is reported when the application starts."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route
from starlette.testclient import TestClient

from headrace_fastapi import FlowMiddleware, init_app
from headrace_fastapi._registrations import registrations
from tests.core.flow_kit import new_flow


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the core has said."""
    return [record.getMessage() for record in caplog.records if record.name == "headrace"]


@pytest.mark.guarantee(80)
def test_steps_above_their_routes_are_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    """Routes of the application, of included routers and mounted applications, dependencies."""
    app, inner, router, flow = FastAPI(), FastAPI(), APIRouter(prefix="/more"), new_flow()
    init_app(app)

    @flow.entrypoint
    @app.get("/")
    async def root() -> dict[str, Any]:
        return {}

    @flow.entrypoint
    @router.get("/")
    def more() -> dict[str, Any]:
        return {}

    @flow.entrypoint
    @router.websocket("/socket")
    async def socket(websocket: Any) -> None: ...

    @flow.entrypoint
    @inner.get("/")
    def mounted() -> dict[str, Any]:
        return {}

    def dependency() -> None: ...

    @app.get("/fine", dependencies=[Depends(dependency)])
    @flow.entrypoint
    def fine() -> dict[str, Any]:
        return {}

    flow.step(dependency)
    app.include_router(router)
    app.mount("/inner", inner)
    with caplog.at_level(logging.WARNING):
        for path in ("/", "/more/", "/inner/", "/"):
            assert TestClient(app).get(path).status_code == 200
    assert len(lines(caplog)) == 5
    for name in ("root", "more", "socket", "mounted", "dependency"):
        assert sum(f"<locals>.{name} " in line for line in lines(caplog)) == 1


@pytest.mark.guarantee(80)
def test_dependencies_of_the_application_are_reported(caplog: pytest.LogCaptureFixture) -> None:
    """Those that all routes share, and the dependencies of dependencies."""
    flow = new_flow()

    def inner() -> None: ...

    def outer(value: None = Depends(inner)) -> None: ...

    flow.step(inner)
    flow.step(outer)
    app = FastAPI(dependencies=[Depends(outer)])
    app.get("/")(lambda: None)
    init_app(app)
    assert TestClient(app).get("/").status_code == 200
    assert len(lines(caplog)) == 2
    for name in ("inner", "outer"):
        assert sum(f"<locals>.{name} " in line for line in lines(caplog)) == 1


def test_dependency_of_nothing_is_skipped() -> None:
    """`Depends()` in an application's list names no function."""
    app = SimpleNamespace(routes=[], dependencies=[Depends(), Depends(lines)])
    assert [each.function for each in registrations(app)] == [lines]


def test_middleware_around_itself_is_no_endless_loop() -> None:
    """The search for routes gives up on layers that form a cycle."""

    async def app(scope: Any, receive: Any, send: Any) -> None: ...

    app.app = app  # type: ignore[attr-defined]
    assert list(registrations(app)) == []


@pytest.mark.guarantee(80)
@pytest.mark.parametrize("how", ["init_app", "middleware"])
def test_routes_of_starlette_are_looked_at_when_it_starts(
    caplog: pytest.LogCaptureFixture, how: str
) -> None:
    """Functions, methods of endpoints, hosts and mounts, by `init_app` and by the middleware."""
    flow = new_flow()

    async def root(request: Any) -> PlainTextResponse:
        return PlainTextResponse("root")

    class Endpoint(HTTPEndpoint):
        async def get(self, request: Any) -> PlainTextResponse:
            return PlainTextResponse("endpoint")

    flow.step(root)
    flow.step(name="endpoint")(Endpoint.get)
    routes = [
        Route("/", root),
        Mount("/mount", GZipMiddleware(Starlette(routes=[Route("/", Endpoint)]))),
        Host("other.example", Starlette(routes=[Route("/", Endpoint)])),
    ]
    stack = [Middleware(FlowMiddleware)] if how == "middleware" else []
    app = Starlette(routes=routes, middleware=[*stack, Middleware(GZipMiddleware)])
    if how == "init_app":
        init_app(app)
    with caplog.at_level(logging.WARNING), TestClient(app):
        assert len(lines(caplog)) == 2
    for name in ("root", "Endpoint.get"):
        assert sum(f"<locals>.{name} " in line for line in lines(caplog)) == 1


@pytest.mark.guarantee(80)
def test_steps_below_their_routes_are_not_reported(caplog: pytest.LogCaptureFixture) -> None:
    """The right order, and functions that are no steps, leave no line."""
    app, flow = FastAPI(), new_flow()
    init_app(app)

    @app.get("/")
    @flow.entrypoint
    def root() -> dict[str, Any]:
        return {}

    @app.get("/other")
    def other() -> dict[str, Any]:
        return {}

    assert TestClient(app).get("/").json() == {}
    assert lines(caplog) == []
