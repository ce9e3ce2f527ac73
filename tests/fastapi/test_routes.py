"""Units of work are named for their routes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from a2wsgi import ASGIMiddleware
from fastapi import APIRouter, FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client, TestResponse

from headrace import asgi, wsgi
from headrace.backends import facts_of
from headrace_fastapi import FlowMiddleware, init_app
from tests.units import watched_units


def answer(number: int) -> int:
    if number == 0:
        raise LookupError("on purpose")
    return number


async def talk(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


async def answer_request(request: Any) -> PlainTextResponse:
    return PlainTextResponse("")


def make_fastapi() -> FastAPI:
    app, mounted = FastAPI(), FastAPI()
    init_app(app)
    inner, outer = APIRouter(prefix="/inner/{tenant}"), APIRouter(prefix="/outer")
    for each in (app, inner, mounted):
        each.get("/orders/{number}")(answer)
    inner.websocket("/socket/{number}")(talk)
    for each in (app, inner, mounted):
        each.add_route("/plain/{number}", answer_request)
    inner.mount("/site", Starlette(routes=[Route("/orders/{number}", answer_request)]))
    outer.include_router(inner)
    app.include_router(outer)
    app.mount("/shop", mounted)
    return app


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/orders/7", "/orders/{number}"),
        ("/orders/0", "/orders/{number}"),
        ("/orders/x", "/orders/{number}"),
        ("/outer/inner/a/orders/7", "/outer/inner/{tenant}/orders/{number}"),
        ("/shop/orders/7", "/shop/orders/{number}"),
        ("/plain/7", "/plain/{number}"),
        ("/shop/plain/7", "/shop/plain/{number}"),
        ("/outer/plain/7", "/outer/plain/{number}"),
        ("/outer/site/orders/7", "/outer/site/orders/{number}"),
        ("/outer/site/nowhere", "/outer/site/nowhere"),
        ("/docs", "/docs"),
        ("/nowhere/7", "/nowhere/7"),
        ("/shop/nowhere", "/shop/nowhere"),
    ],
)
def test_a_unit_of_fastapi_has_the_name_of_its_route(path: str, name: str) -> None:
    """The template of the path, prefixes included; the path itself where there is no route."""
    with watched_units() as units:
        answer = TestClient(make_fastapi(), raise_server_exceptions=False).get(path)
    # Old versions of FastAPI do not take a router's plain routes over with its prefix.
    expected = path if answer.status_code == 404 else name
    assert [unit.context.name for unit in units] == [expected]


def test_the_unit_of_a_websocket_has_the_name_of_its_route() -> None:
    """Connections are named as requests are."""
    client = TestClient(make_fastapi())
    with watched_units() as units, client.websocket_connect("/outer/inner/a/socket/7"):
        pass
    assert [unit.context.name for unit in units] == ["/outer/inner/{tenant}/socket/{number}"]


def test_a_unit_of_starlette_has_the_name_of_its_route() -> None:
    """With the middleware in the list, too; an older Starlette does not tell the route."""
    routes = [
        Route("/orders/{number}", answer_request),
        Mount("/shop", routes=[Route("/orders/{number}", answer_request)]),
    ]
    app = Starlette(routes=routes, middleware=[Middleware(FlowMiddleware)])
    with watched_units() as units:
        for path in ("/orders/7", "/shop/orders/7", "/shop/nowhere"):
            TestClient(app).get(path)
    names = [unit.context.name for unit in units]
    assert names in (
        ["/orders/{number}", "/shop/orders/{number}", "/shop/nowhere"],
        ["/orders/7", "/shop/orders/7", "/shop/nowhere"],
    )


def inside_core(app: Any) -> Any:
    return asgi.FlowMiddleware(app)


def mounted_inside_core(app: Any) -> Any:
    return asgi.FlowMiddleware(Starlette(routes=[Mount("/shop", app)]))


def inside_wsgi(app: Any) -> Any:
    return wsgi.FlowMiddleware(DispatcherMiddleware(missing, {"/shop": ASGIMiddleware(app)}))


def missing(environ: Any, start_response: Any) -> list[bytes]:
    start_response("404 Not Found", [])
    return []


def send(app: Any, path: str) -> None:
    if isinstance(app, wsgi.FlowMiddleware):
        response: TestResponse = Client(app).get(path)
        with contextlib.closing(response):
            response.get_data()
    else:
        TestClient(app).get(path)


@pytest.mark.guarantee(66)
@pytest.mark.parametrize("make", [FastAPI, Starlette])
@pytest.mark.parametrize(
    ("around", "mount"),
    [(inside_core, ""), (mounted_inside_core, "/shop"), (inside_wsgi, "/shop")],
)
def test_the_unit_of_a_middleware_further_out_is_named_too(
    make: Callable[[], Any], around: Callable[[Any], Any], mount: str
) -> None:
    """After the mount prefix and the inner route; without a route, after the path."""
    inner = make()
    init_app(inner)
    inner.add_route("/orders/{number}", answer_request)
    app = around(inner)
    with watched_units() as units:
        send(app, f"{mount}/orders/7")
        send(app, f"{mount}/nowhere")
    named, unknown = (unit.context for unit in units)
    assert named.name == facts_of(named)["route"] == f"{mount}/orders/{{number}}"
    assert (unknown.name, facts_of(unknown).get("route")) == (f"{mount}/nowhere", None)


def test_routes_that_share_an_endpoint_are_told_apart() -> None:
    """One function under two paths: the unit has the template that matches."""
    app = FastAPI()
    init_app(app)
    for path in ("/orders/{number}", "/parcels/{number}"):
        app.add_route(path, answer_request)
    with watched_units() as units:
        for path in ("/orders/7", "/parcels/7"):
            TestClient(app).get(path)
    assert [unit.context.name for unit in units] == ["/orders/{number}", "/parcels/{number}"]
