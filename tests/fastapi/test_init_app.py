"""`init_app`: around the whole stack, once, without changing the application's type."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

import headrace
from headrace.integration import REFUSAL
from headrace_fastapi import FlowMiddleware, init_app

HEADER = "X-Correlation-ID"


async def show_id(request: Any) -> JSONResponse:
    return JSONResponse(headrace.current_flow_id())


async def fail(request: Any) -> None:
    raise RuntimeError("on purpose")


ROUTES = [Route("/", show_id), Route("/fail", fail)]


def client(app: Any) -> TestClient:
    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize("kind", [FastAPI, Starlette])
def test_each_request_has_its_own_id(kind: type[Starlette]) -> None:
    """The handler sees an ID, the response carries the same one, and two requests have two."""
    app = kind(routes=ROUTES)
    init_app(app)
    first, second = client(app).get("/"), client(app).get("/")
    assert first.headers[HEADER] == first.json()
    assert second.headers[HEADER] == second.json()
    assert first.json() != second.json()


@pytest.mark.guarantee(9)
@pytest.mark.parametrize("kind", [FastAPI, Starlette])
def test_the_page_of_an_unhandled_error_carries_the_id(kind: type[Starlette]) -> None:
    """The 500 that the framework makes outside its middleware carries the request's ID."""
    app = kind(routes=ROUTES)
    init_app(app)
    response = client(app).get("/fail", headers={HEADER: "abc"})
    assert (response.status_code, response.headers[HEADER]) == (500, "abc")


@pytest.mark.guarantee(9)
@pytest.mark.parametrize("kind", [FastAPI, Starlette])
def test_the_application_keeps_its_type(kind: type[Starlette]) -> None:
    """`init_app` returns nothing, and the application is the object that it was."""
    app = kind(routes=ROUTES)
    assert init_app(app) is None  # type: ignore[func-returns-value]
    assert type(app) is kind


@pytest.mark.parametrize("late", [False, True])
def test_middleware_added_before_or_after_is_inside(late: bool) -> None:
    """Whichever comes first, `add_middleware` or `init_app`, the other middleware sees the ID."""
    seen = []

    class Look:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            seen.append(headrace.current_flow_id())
            await self.app(scope, receive, send)

    app = Starlette(routes=ROUTES)
    if late:
        init_app(app)
    app.add_middleware(Look)
    app.add_middleware(GZipMiddleware)
    if not late:
        init_app(app)
    response = client(app).get("/")
    assert seen == [response.headers[HEADER]]


def test_a_response_made_by_another_middleware_carries_the_id() -> None:
    """A CORS preflight never reaches the application, and its response has the header."""
    app = Starlette(routes=ROUTES)
    init_app(app)
    app.add_middleware(CORSMiddleware, allow_origins=["*"])
    preflight = {"Origin": "https://a.test", "Access-Control-Request-Method": "GET"}
    response = client(app).options("/", headers=preflight)
    assert response.status_code == 200
    assert len(response.headers[HEADER]) == 32


def test_a_second_call_with_the_same_options_does_nothing() -> None:
    """Calling twice opens one unit, as calling once does."""
    app = Starlette(routes=ROUTES)
    init_app(app, trust_inbound=False)
    once = app.build_middleware_stack
    init_app(app, trust_inbound=False)
    assert app.build_middleware_stack is once


def test_a_second_call_with_other_options_is_an_error() -> None:
    """Options are neither merged nor silently dropped."""
    app = Starlette()
    init_app(app)
    with pytest.raises(RuntimeError, match="with different options"):
        init_app(app, trust_inbound=False)


def test_a_started_application_is_refused() -> None:
    """Once the stack is built, `init_app` says that it came too late."""
    app = Starlette(routes=ROUTES)
    client(app).get("/")
    with pytest.raises(RuntimeError, match="too late"):
        init_app(app)
    assert HEADER not in client(app).get("/").headers


def test_anything_else_than_an_application_is_refused() -> None:
    """An ASGI callable is not wrapped in place; the message names the middleware for it."""
    with pytest.raises(TypeError, match=r"headrace\.asgi\.FlowMiddleware"):
        init_app(FlowMiddleware(Starlette()))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"trust_inbund": True}, TypeError),
        ({"trust_inbound": "yes"}, TypeError),
        ({"on_invalid": "drop"}, ValueError),
        ({"exclude_paths": ["health"]}, ValueError),
        ({"response_header": "X Y"}, ValueError),
    ],
)
def test_a_wrong_option_raises_at_once(options: dict[str, Any], error: type[Exception]) -> None:
    """A wrong option raises in `init_app`, not at the first request, and leaves the app alone."""
    app = Starlette(routes=ROUTES)
    with pytest.raises(error):
        init_app(app, **options)
    assert HEADER not in client(app).get("/").headers


def test_an_unknown_option_is_told_with_those_that_there_are() -> None:
    """The message names `init_app`, and where another function has the option, that one."""
    options: Any = {"header": "X"}
    with pytest.raises(TypeError) as caught:
        init_app(Starlette(), **options)
    assert str(caught.value).startswith(
        "init_app() has no option 'header'; it is an option of headrace.configure(); this call "
    )


def test_log_records_capture_the_context(caplog: pytest.LogCaptureFixture) -> None:
    """After `init_app`, a handler with the filter shows the ID of the request that logged."""

    async def log(request: Any) -> PlainTextResponse:
        logging.getLogger("shop").warning("order %s", 1)
        return PlainTextResponse("")

    app = Starlette(routes=[Route("/", log)])
    init_app(app)
    client(app).get("/", headers={HEADER: "abc"})
    (record,) = [each for each in caplog.records if each.name == "shop"]
    headrace.logging.FlowFilter().filter(record)
    assert record.flow_id == "abc"


def test_the_middleware_can_be_listed_instead() -> None:
    """`Middleware(FlowMiddleware)` opens the unit where it stands in the list."""
    app = Starlette(routes=ROUTES, middleware=[Middleware(FlowMiddleware, trust_inbound=False)])
    response = client(app).get("/", headers={HEADER: "abc"})
    assert response.headers[HEADER] == response.json() != "abc"


def test_init_app_and_the_middleware_together_open_one_unit() -> None:
    """Where both are set up by mistake, the outer one counts: one header, one ID."""
    app = Starlette(routes=ROUTES, middleware=[Middleware(FlowMiddleware)])
    init_app(app)
    response = client(app).get("/")
    assert response.headers.get_list(HEADER) == [response.json()]


def test_mounted_applications_share_the_unit_of_the_outer_one() -> None:
    """An application with `init_app` inside another one with it runs under one ID."""
    inner, outer = FastAPI(routes=ROUTES), FastAPI()
    init_app(inner)
    init_app(outer)
    outer.mount("/inner", inner)
    response = client(outer).get("/inner/")
    assert response.headers.get_list(HEADER) == [response.json()]


ORIGIN = {"Origin": "https://shop.example"}


@pytest.mark.guarantee(56)
@pytest.mark.parametrize("late", [False, True])
def test_a_refusal_is_made_inside_the_cors_middleware(late: bool) -> None:
    """A browser can read it; middleware behind the CORS middleware, and the handler, do not run."""
    reached: list[str] = []

    class Inner:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            reached.append(scope["path"])
            await self.app(scope, receive, send)

    app = FastAPI()
    if late:
        init_app(app, on_invalid="reject")
    app.add_middleware(Inner)
    app.add_middleware(CORSMiddleware, allow_origins=["*"], expose_headers=["X-Correlation-ID"])
    if not late:
        init_app(app, on_invalid="reject")
    listed = list(app.user_middleware)
    browser = TestClient(app)
    response = browser.get("/", headers={"X-Correlation-ID": "not valid", **ORIGIN})
    assert (response.status_code, response.text) == (400, REFUSAL)
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["x-correlation-id"]
    assert reached == []
    assert app.user_middleware == listed
    assert browser.get("/", headers=ORIGIN).status_code == 404
    assert reached == ["/"]


@pytest.mark.guarantee(56)
def test_a_refusal_is_made_inside_a_cors_middleware_in_the_documented_order() -> None:
    """With `Middleware(...)`, the CORS middleware comes before ours."""
    middleware = [
        Middleware(CORSMiddleware, allow_origins=["*"]),
        Middleware(FlowMiddleware, on_invalid="reject"),
    ]
    browser = TestClient(Starlette(middleware=middleware))
    response = browser.get("/", headers={"X-Correlation-ID": "not valid", **ORIGIN})
    assert (response.status_code, response.text) == (400, REFUSAL)
    assert response.headers["access-control-allow-origin"] == "*"


@pytest.mark.guarantee(51)
def test_excluded_paths_are_those_of_a_mounted_application() -> None:
    """Excluded paths contain neither the mount's prefix nor the server's `root_path`."""
    inner = Starlette(routes=[Route("/health", show_id)])
    init_app(inner, exclude_paths=["/health"])
    outer = Starlette(routes=[Mount("/inner", inner)])
    browser = TestClient(outer, root_path="/api")
    assert browser.get("/api/inner/health").json() is None
