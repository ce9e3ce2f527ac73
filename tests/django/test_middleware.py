"""The middleware, beyond the contract that it shares with the other frameworks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from a2wsgi import ASGIMiddleware, WSGIMiddleware
from asgiref.sync import SyncToAsync, iscoroutinefunction
from asgiref.testing import ApplicationCommunicator
from asgiref.wsgi import WsgiToAsgi
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.test import AsyncClient, AsyncRequestFactory, Client, RequestFactory, override_settings
from django.urls import path
from django.utils.decorators import sync_and_async_middleware
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

import headrace
import headrace.asgi
import headrace.wsgi
import headrace_django
from headrace.backends import facts_of
from headrace.integration import REFUSAL, HttpPolicy
from headrace_django.middleware import FlowMiddleware
from tests.django.frameworks import FLOW_MIDDLEWARE, settings_for
from tests.sites import MemoryLog
from tests.units import WatchedUnit, watched_units

HEADER = "X-Correlation-ID"
HERE = "tests.django.test_middleware"
waiting = asyncio.Event()


def show(request: HttpRequest, *args: Any) -> HttpResponse:
    """Show what a template would show."""
    flow_id: str | None = vars(request)["flow_id"]
    return HttpResponse(f"{flow_id} {headrace.current_flow_id()}")


async def show_thread(request: HttpRequest) -> HttpResponse:
    """Show in which thread the view runs."""
    return HttpResponse(f"{threading.get_ident()} {headrace.current_flow_id()}")


def own(request: HttpRequest) -> HttpResponse:
    """Answer with headers and cookies of our own."""
    response = HttpResponse("\u00fc" * 100, status=201, headers={"X-Own": "yes", "Vary": "Accept"})
    response.set_cookie("name", "value", httponly=True)
    return response


def missing(request: HttpRequest) -> HttpResponse:
    """Find nothing."""
    raise Http404


def broken(request: HttpRequest) -> HttpResponse:
    """Fail."""
    raise LookupError("broken")


async def never(request: HttpRequest) -> HttpResponse:
    """Wait for ever."""
    waiting.set()
    await asyncio.Event().wait()
    raise AssertionError


def handler500(request: HttpRequest) -> HttpResponse:
    """Show the ID on the page of an unhandled error, where there is one."""
    flow_id = vars(request).get("flow_id", "")
    return HttpResponse(f"error {flow_id}" if flow_id == "abc" else "error", status=500)


urlpatterns = [
    path("id", show),
    path("orders/<int:number>", show),
    path("thread", show_thread),
    path("own", own),
    path("missing", missing),
    path("broken", broken),
    path("never", never),
]


class RedirectMissing:
    """Stands around ours and makes a redirect of a 404, as LocaleMiddleware does."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Redirect."""
        response = self.get_response(request)
        return HttpResponseRedirect("/id") if response.status_code == 404 else response


@sync_and_async_middleware
def async_cors_middleware(get_response: Any) -> Any:
    """Let browsers read each response, in an async stack."""

    async def middleware(request: HttpRequest) -> HttpResponse:
        response: HttpResponse = await get_response(request)
        response["Access-Control-Allow-Origin"] = "*"
        return response

    return middleware


class CorsMiddleware:
    """Lets browsers read each response, as that of django-cors-headers does."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add the header."""
        response = self.get_response(request)
        response["Access-Control-Allow-Origin"] = "*"
        return response


class Untouchable:
    """Fails whoever looks at it."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f".{name} was touched")

    def __bool__(self) -> bool:
        raise AssertionError("it was touched")


class ForbidUserAndSession:
    """Stands inside ours and leaves a user and a session that must not be touched."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Set them."""
        vars(request).update(user=Untouchable(), session=Untouchable())
        return self.get_response(request)


def get(path: str, **options: Any) -> Any:
    """Send a request over WSGI."""
    with settings_for(options.pop("settings", {}), HERE):
        return Client(raise_request_exception=False).get(path, **options)


def asgi_get(path: str) -> Any:
    """Send a request over ASGI."""
    with settings_for({}, HERE):
        return asyncio.run(AsyncClient(raise_request_exception=False).get(path))


def test_package_exports_the_middleware_lazily() -> None:
    """The package exports the middleware, and importing the package does not import it."""
    assert headrace_django.FlowMiddleware is FlowMiddleware
    with pytest.raises(AttributeError, match="no attribute 'Other'"):
        _ = headrace_django.Other
    code = "import sys, headrace_django; sys.exit('headrace_django.middleware' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_middleware_is_sync_and_async() -> None:
    """One class serves both: what it is given decides, and Django is told so."""

    async def get_response(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    assert FlowMiddleware.sync_capable
    assert FlowMiddleware.async_capable
    assert iscoroutinefunction(FlowMiddleware(get_response))
    assert not iscoroutinefunction(FlowMiddleware(lambda request: HttpResponse()))


def test_async_request_stays_in_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """An async view runs in the event loop's thread, and nothing hops to another one for us."""
    hops = []
    call = SyncToAsync.__call__

    async def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        hops.append(self.func)
        return await call(self, *args, **kwargs)

    def hops_of(*middleware: str) -> int:
        hops.clear()
        with override_settings(MIDDLEWARE=middleware, ROOT_URLCONF=HERE):
            response = asyncio.run(AsyncClient().get("/thread"))
        assert response.content.split()[0].decode() == str(threading.get_ident())
        return len(hops)

    monkeypatch.setattr(SyncToAsync, "__call__", counted)
    assert hops_of(FLOW_MIDDLEWARE) == hops_of()


def test_sync_request_stays_in_its_thread() -> None:
    """A sync request is served in the thread that it came in, and no event loop is started."""
    seen = []

    def get_response(request: HttpRequest) -> HttpResponse:
        seen.append(threading.get_ident())
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        return HttpResponse()

    FlowMiddleware(get_response)(RequestFactory().get("/"))
    assert seen == [threading.get_ident()]


def test_request_has_the_flow_id() -> None:
    """`request.flow_id` is the current ID, for views and templates."""
    assert get("/id", headers={HEADER: "abc"}).content == b"abc abc"


def test_excluded_request_has_no_flow_id() -> None:
    """On an excluded path `request.flow_id` is None, so that templates can ask for it."""
    response = get("/id", settings={"exclude_paths": ["/id"]})
    assert response.content == b"None None"
    assert HEADER not in response


def test_error_page_shows_the_flow_id() -> None:
    """A project's own page for unhandled errors shows `request.flow_id`."""
    response = get("/broken", headers={HEADER: "abc"})
    assert (response.status_code, response.content) == (500, b"error abc")


def test_unit_is_named_for_the_route(units: list[WatchedUnit]) -> None:
    """Once the URL is resolved, the unit has the route's name, and before that the path."""
    get("/orders/12")
    get("/nowhere")
    assert [unit.context.name for unit in units] == ["orders/<int:number>", "/nowhere"]


@pytest.mark.guarantee(9)
@pytest.mark.parametrize("send", [get, asgi_get])
@pytest.mark.parametrize("path", ["/nowhere", "/missing"])
def test_line_of_a_404_has_the_id(log: MemoryLog, send: Any, path: str) -> None:
    """Django's line about a 404, which it logs behind all middleware, has the ID; it comes once."""
    response = send(path)
    lines = [line for line in log.lines() if line.logger == "django.request"]
    assert [(line.message, line.flow_id) for line in lines] == [
        (f"Not Found: {path}", response[HEADER])
    ]


@pytest.mark.guarantee(9)
def test_line_of_a_404_is_left_to_django_where_we_are_not_first(log: MemoryLog) -> None:
    """Where a middleware around ours makes a redirect of a 404, no 404 is logged."""
    middleware = [f"{HERE}.RedirectMissing", FLOW_MIDDLEWARE]
    with override_settings(MIDDLEWARE=middleware, ROOT_URLCONF=HERE):
        assert Client().get("/nowhere").status_code == 302
    assert [line for line in log.lines() if line.logger == "django.request"] == []


@pytest.mark.guarantee(9)
@pytest.mark.parametrize("propagates", [True, False])
def test_propagated_exception_is_marked(
    log: MemoryLog, units: list[WatchedUnit], propagates: bool
) -> None:
    """An exception that passes us takes the ID along, so that the server's line has it."""
    with (
        settings_for({}, HERE),
        override_settings(DEBUG_PROPAGATE_EXCEPTIONS=propagates),
        pytest.raises(LookupError) as caught,
    ):
        Client().get("/broken", headers={HEADER: "abc"})
    assert headrace.get_flow_context() is None
    logging.getLogger("server").error("failed", exc_info=caught.value)
    (line,) = (line for line in log.lines() if line.logger == "server")
    assert line.flow_id == ("abc" if propagates else "-")
    assert [unit.error for unit in units] == [caught.value if propagates else None]


@pytest.mark.guarantee(15)
def test_cancelled_request_ends_its_unit(units: list[WatchedUnit]) -> None:
    """A client that goes away before the response cancels the view; its unit ends cancelled."""

    async def go_away() -> None:
        waiting.clear()
        scope = {"type": "http", "method": "GET", "path": "/never", "headers": []}
        app = ApplicationCommunicator(ASGIHandler(), scope)
        await app.send_input({"type": "http.request"})
        await waiting.wait()
        await app.send_input({"type": "http.disconnect"})
        await app.wait()

    with override_settings(MIDDLEWARE=[FLOW_MIDDLEWARE], ROOT_URLCONF=HERE):
        asyncio.run(go_away())
    assert [unit.outcome for unit in units] == ["cancelled"]


@pytest.mark.guarantee(16)
@pytest.mark.parametrize("path", ["/id", "/nowhere", "/broken"])
def test_user_session_and_database_are_not_touched(path: str) -> None:
    """With every option on, neither the user nor the session nor the database is asked."""

    def refuse(execute: Any, sql: str, *args: Any) -> Any:
        raise AssertionError(sql)

    options = {"EXPOSE_HEADER": True, "ACCEPT_DEADLINE": True}
    middleware = [FLOW_MIDDLEWARE, f"{HERE}.ForbidUserAndSession"]
    with (
        override_settings(HEADRACE=options, MIDDLEWARE=middleware, ROOT_URLCONF=HERE),
        connection.execute_wrapper(refuse),
    ):
        response = Client(raise_request_exception=False).get(path)
    assert response.status_code in {200, 404, 500}
    assert HEADER in response


@pytest.mark.parametrize("path", ["/own", "/nowhere", "/broken"])
def test_response_is_untouched_but_for_the_header(path: str) -> None:
    """Status, body and every other header are those that come without us."""

    def answer(*middleware: str) -> tuple[int, bytes, list[tuple[str, str]]]:
        with override_settings(MIDDLEWARE=middleware, ROOT_URLCONF=HERE):
            response = Client(raise_request_exception=False).get(path)
        headers = [(name, value) for name, value in response.items() if name != HEADER]
        cookie = response.cookies.output()
        return response.status_code, response.content, [*headers, ("cookie", cookie)]

    assert answer(FLOW_MIDDLEWARE) == answer()


def test_failure_on_opening_does_not_fail_the_request(
    log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails in our own code, before the view, is logged; the request is served without us."""

    def fail(*args: Any) -> Any:
        raise ArithmeticError

    monkeypatch.setattr(HttpPolicy, "admit", fail)
    response = get("/thread")
    assert (response.status_code, response.content.split()[1]) == (200, b"None")
    assert [line.error for line in log.lines()] == ["ArithmeticError"]


def test_failure_on_finishing_does_not_fail_the_request(
    log: MemoryLog, units: list[WatchedUnit]
) -> None:
    """What fails in our own code, after the view, is logged; response and end of unit remain."""
    strange = object()
    middleware = FlowMiddleware(lambda request: strange)
    vars(middleware)["_is_first"] = False
    assert middleware(RequestFactory().get("/")) is strange
    assert [line.error for line in log.lines()] == ["AttributeError", ""]
    assert [unit.outcome for unit in units] == ["ok"]


@pytest.mark.guarantee(1)
def test_request_inside_asgi_middleware_has_its_unit() -> None:
    """With the ASGI middleware around Django, the request has one unit and one header."""

    async def ask() -> list[dict[str, Any]]:
        headers = [(b"x-correlation-id", b"abc")]
        scope = {"type": "http", "method": "GET", "path": "/id", "headers": headers}
        app = ApplicationCommunicator(headrace.asgi.FlowMiddleware(ASGIHandler()), scope)
        await app.send_input({"type": "http.request"})
        output = [await app.receive_output(), await app.receive_output()]
        await app.wait()
        return output

    with settings_for({"trust_inbound": False}, HERE):
        start, body = asyncio.run(ask())
    assert [v for k, v in start["headers"] if k.lower() == b"x-correlation-id"] == [b"abc"]
    assert body["body"] == b"abc abc"


@pytest.mark.guarantee(1)
def test_request_inside_wsgi_middleware_has_its_unit() -> None:
    """With the WSGI middleware around Django, the request has one unit and one header."""
    started: list[Any] = []
    with settings_for({"trust_inbound": False}, HERE):
        app = headrace.wsgi.FlowMiddleware(WSGIHandler())
        environ = RequestFactory(headers={HEADER: "abc"}).get("/id").META
        body = b"".join(app(environ, lambda *args: started.extend(args)))  # type: ignore[arg-type]
    assert [value for key, value in started[1] if key == HEADER] == ["abc"]
    assert body == b"abc abc"


@pytest.mark.guarantee(1)
def test_request_does_not_join_what_a_signal_left() -> None:
    """A context that is active when the request comes is neither joined nor lost."""
    with headrace.open_context("outer") as outer:
        assert get("/id", headers={HEADER: "abc"}).content == b"abc abc"
        assert headrace.get_flow_context() is outer


class ReadsHeadersFirst:
    """Stands outside ours, and has Django cache the request's headers."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        """Read them."""
        assert request.headers.get(HEADER) != "fresh"
        return self.get_response(request)


@pytest.mark.guarantee(111)
@pytest.mark.parametrize("over", ["WSGI", "ASGI"])
def test_request_header_is_seen_although_the_headers_are_cached(over: str) -> None:
    """`request.headers`, ``META`` and, over ASGI, the scope have this ID and no other."""
    seen: list[Any] = []

    def view(request: HttpRequest) -> HttpResponse:
        meta = {key: value for key, value in request.META.items() if key.startswith("HTTP_X")}
        scope = getattr(request, "scope", {"headers": [(b"x-correlation-id", b"none")]})
        pairs = [pair for pair in scope["headers"] if pair[0].startswith(b"x")]
        seen.extend([request.headers[HEADER], meta, pairs])
        return HttpResponse()

    with override_settings(HEADRACE={"WRITE_REQUEST_HEADER": True, "TRUST_INBOUND": trusts}):
        ours = FlowMiddleware(view)
        sent = {HEADER: "abc", "X-Request-ID": "second"}
        if over == "WSGI":
            request: HttpRequest = RequestFactory().get("/", headers=sent)
        else:
            request = AsyncRequestFactory().get("/", headers=sent)
        response = ReadsHeadersFirst(ours)(request)
    flow_id = response[HEADER]
    assert flow_id != "abc"
    assert seen[:2] == [flow_id, {"HTTP_X_CORRELATION_ID": flow_id}]
    assert seen[2] == [(b"x-correlation-id", flow_id.encode() if over == "ASGI" else b"none")]
    kind = dict if over == "WSGI" else MutableMapping
    assert all(isinstance(source, kind) for source in asked)
    asked.clear()


asked: list[Any] = []


def trusts(source: Any) -> bool:
    """Record the source, and trust no client."""
    asked.append(source)
    assert ("type" in source) is ("wsgi.version" not in source)
    return False


@pytest.mark.guarantee(54)
@pytest.mark.parametrize("weak", [True, False])
@pytest.mark.parametrize("send", [get, asgi_get])
def test_what_runs_on_closing_has_the_id(
    log: MemoryLog, units: list[WatchedUnit], send: Any, weak: bool
) -> None:
    """Receivers of `request_finished` log under the request's ID, when it has ended."""
    outcomes: list[Any] = []

    def finish(**_: Any) -> None:
        outcomes.append(units[0].outcome)
        logging.getLogger("site").info("finished")

    request_finished.connect(finish, weak=weak)
    try:
        response = send("/id")  # Django's client closes it
    finally:
        request_finished.disconnect(finish)
    flow_id = response.content.split()[0].decode()
    lines = {line.flow_id for line in log.lines() if line.message == "finished"}
    assert lines == {flow_id}
    assert outcomes[0] == "ok"
    assert len(units) == 1


def test_an_error_on_closing_reaches_the_server(units: list[WatchedUnit]) -> None:
    """A receiver of `request_finished` that fails leaves nothing current behind."""

    def fail(**_: Any) -> None:
        raise LookupError(headrace.current_flow_id())

    request_finished.connect(fail)
    try:
        with settings_for({}, HERE):
            response = WSGIHandler()(RequestFactory().get("/id").META, lambda *_: None)
            with pytest.raises(LookupError, match=units[0].context.correlation_id):
                response.close()  # type: ignore[attr-defined]
    finally:
        request_finished.disconnect(fail)
    assert headrace.get_flow_context() is None
    assert [unit.outcome for unit in units] == ["ok"]


@pytest.mark.guarantee(53)
def test_a_request_is_handled_twice() -> None:
    """The second time it gets a unit of its own."""
    request = RequestFactory().get("/id")
    with settings_for({}, HERE):
        app = FlowMiddleware(show)
        first, second = (app(request).content.split() for _ in range(2))
    assert first[0] == first[1]
    assert second[0] == second[1]
    assert first != second


@pytest.mark.guarantee(51)
@pytest.mark.guarantee(52)
def test_what_is_excluded_around_django_is_excluded_inside() -> None:
    """A WSGI middleware's exclusion is remembered, and a plain second one opens nothing."""
    seen: list[Any] = []
    with settings_for({}, HERE):
        app = headrace.wsgi.FlowMiddleware(WSGIHandler(), exclude_paths=["/id"])
        environ = RequestFactory().get("/id").META
        body = b"".join(app(environ, lambda *args: seen.extend(args)))  # type: ignore[arg-type]
    assert body == b"None None"
    assert HEADER not in dict(seen[1])


@pytest.mark.guarantee(52)
@pytest.mark.parametrize("hands_on", [True, False])
@pytest.mark.parametrize("excluded", [[], ["/id"]])
def test_django_over_asgi_inside_a_wsgi_application(hands_on: bool, excluded: list[str]) -> None:
    """It shares the outer unit or exclusion, whether or not the adapter passes the environ on."""
    seen: list[Any] = []

    async def django(scope: Any, receive: Any, send: Any) -> None:
        if not hands_on:
            del scope["wsgi_environ"]
        await ASGIHandler()(scope, receive, send)

    with settings_for({"trust_inbound": False}, HERE), watched_units() as units:
        app = headrace.wsgi.FlowMiddleware(ASGIMiddleware(django), exclude_paths=excluded)
        environ = RequestFactory().get("/id", headers={"X-Correlation-ID": "abc"}).META
        pieces: Any = app(environ, lambda *args: seen.extend(args))  # type: ignore[arg-type]
        with contextlib.closing(pieces):
            body = b"".join(pieces)
    assert body == (b"None None" if excluded else b"abc abc")
    assert [unit.context.correlation_id for unit in units] == ([] if excluded else ["abc"])
    assert [value for name, value in seen[1] if name.title() == HEADER.title()] == (
        [] if excluded else ["abc"]
    )


@pytest.mark.guarantee(52)
def test_django_inside_an_asgi_application_by_an_adapter() -> None:
    """Django over WSGI, mounted in an ASGI application, is in the outer unit."""

    async def ask() -> list[dict[str, Any]]:
        headers = [(b"x-correlation-id", b"abc"), (b"host", b"testserver")]
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/id",
            "query_string": b"",
            "http_version": "1.1",
            "headers": headers,
        }
        wrapped = headrace.asgi.FlowMiddleware(WsgiToAsgi(WSGIHandler()))
        app = ApplicationCommunicator(wrapped, scope)
        await app.send_input({"type": "http.request"})
        output = [await app.receive_output(), await app.receive_output()]
        await app.wait()
        return output

    with settings_for({"trust_inbound": False}, HERE):
        start, body = asyncio.run(ask())
    assert [v for k, v in start["headers"] if k.lower() == b"x-correlation-id"] == [b"abc"]
    assert body["body"] == b"abc abc"


@pytest.mark.guarantee(56)
@pytest.mark.parametrize("path", ["/id", "/nowhere"])
@pytest.mark.parametrize("is_async", [False, True])
def test_a_refusal_is_made_behind_a_cors_middleware(path: str, is_async: bool) -> None:
    """No view runs; in place of one, the rejection has the CORS headers."""
    options = {"on_invalid": "reject"}
    cors = "async_cors_middleware" if is_async else "CorsMiddleware"
    middleware = [FLOW_MIDDLEWARE, f"{HERE}.{cors}"]
    with settings_for(options, HERE), override_settings(MIDDLEWARE=middleware):
        headers = {HEADER: "not valid"}
        response: Any
        if is_async:
            response = asyncio.run(AsyncClient().get(path, headers=headers))
        else:
            response = Client().get(path, headers=headers)
    assert (response.status_code, response.content.decode()) == (400, REFUSAL)
    assert response[HEADER]
    if path == "/id":
        assert response["Access-Control-Allow-Origin"] == "*"


@pytest.mark.guarantee(53)
def test_the_unit_of_a_request_whose_thread_has_changed_is_current_again() -> None:
    """An adapter that runs Django in a thread of its own, without the context, changes no ID."""

    def in_a_thread(environ: Any, start_response: Any) -> Any:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(WSGIHandler(), environ, start_response).result()

    with settings_for({"trust_inbound": False}, HERE), watched_units() as units:
        wrapped = headrace.wsgi.FlowMiddleware(in_a_thread)
        response = TestClient(WSGIMiddleware(wrapped)).get("/id")
    flow_id = units[0].context.correlation_id
    assert response.text == f"{flow_id} {flow_id}"
    assert response.headers.get_list(HEADER) == [flow_id]
    assert [unit.context.name for unit in units] == ["id"]


def over_asgi(app: Any) -> Any:
    return app


def over_wsgi(app: Any) -> Any:
    return WsgiToAsgi(app)


@pytest.mark.guarantee(66)
@pytest.mark.parametrize("mount", ["", "/shop"])
@pytest.mark.parametrize(("around", "make"), [(over_asgi, ASGIHandler), (over_wsgi, WSGIHandler)])
def test_the_unit_of_a_middleware_further_out_is_named_too(
    around: Any, make: Any, mount: str
) -> None:
    """After the mount prefix and Django's route; without a route, after the path."""
    with settings_for({}, HERE), watched_units() as units:
        app = Starlette(routes=[Mount(mount, around(make()))])
        client = TestClient(headrace.asgi.FlowMiddleware(app))
        client.get(f"{mount}/orders/7")
        client.get(f"{mount}/nowhere")
    named, unknown = (unit.context for unit in units)
    route = f"{mount}/orders/<int:number>" if mount else "orders/<int:number>"
    assert named.name == facts_of(named)["route"] == route
    assert (unknown.name, facts_of(unknown).get("route")) == (f"{mount}/nowhere", None)
