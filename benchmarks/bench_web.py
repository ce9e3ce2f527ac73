"""What a request costs more under each web integration, beside the smallest hand-written one.

The hand-written ones read a header, make an ID, set a context variable and add a response header.
"""

from __future__ import annotations

import asyncio
import sys
import types
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from typing import Any
from uuid import uuid4

import django
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path
from flask import Flask, g, request
from werkzeug.test import EnvironBuilder

from benchmarks.harness import Case, Group
from headrace.asgi import FlowMiddleware
from headrace_flask import Headrace

_AT_ONCE = 50
_id: ContextVar[str | None] = ContextVar("hand_written", default=None)
_INBOUND = "0af7651916cd43dd8448eb211c80319c"


# --- ASGI ---


async def _bare(_scope: Any, _receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


def _by_hand(app: Any) -> Any:
    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        found = None
        for name, value in scope["headers"]:
            if name == b"x-correlation-id":
                found = value.decode("latin-1")
                break
        flow_id = found or uuid4().hex
        token = _id.set(flow_id)

        async def send_with_header(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((b"x-correlation-id", flow_id.encode("latin-1")))
            await send(message)

        try:
            await app(scope, receive, send_with_header)
        finally:
            _id.reset(token)

    return middleware


def _requests(app: Any, *extra: tuple[bytes, bytes], at: str = "/") -> Callable[[], None]:
    """Return a function that sends `_AT_ONCE` requests, one after the other, in one event loop."""
    usual = [(b"host", b"localhost"), (b"user-agent", b"benchmark"), (b"accept", b"*/*")]
    scope = {
        "type": "http",
        "method": "GET",
        "path": at,
        "query_string": b"",
        "root_path": "",
        "headers": [*usual, *extra],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("localhost", 80),
        "client": ("localhost", 1),
        "asgi": {"version": "3.0"},
    }

    loop = asyncio.new_event_loop()

    def receiver() -> Any:
        messages = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Any:
            return messages.pop() if messages else await loop.create_future()

        return receive

    async def send(_message: Any) -> None:
        pass

    async def send_all() -> None:
        for _ in range(_AT_ONCE):
            await app(dict(scope), receiver(), send)

    return lambda: loop.run_until_complete(send_all())


def _asgi_groups() -> list[Group]:
    ours = FlowMiddleware(_bare)
    inbound = (b"x-correlation-id", _INBOUND.encode())
    return [
        Group(
            "ASGI, ID made: time added, in that of a hand-written one",
            [
                _case("hand-written", _requests(_by_hand(_bare))),
                _case("headrace.asgi", _requests(ours), 1.4),
            ],
            _case("bare", _requests(_bare)),
        ),
        Group(
            "ASGI, ID taken over: time added, in that of a hand-written one",
            [
                _case("hand-written", _requests(_by_hand(_bare), inbound)),
                _case("headrace.asgi", _requests(ours, inbound), 1.8),
            ],
            _case("bare", _requests(_bare, inbound)),
        ),
    ]


# --- Django ---


def _view(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


async def _async_view(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


class HandWritten:
    """The smallest middleware for both worlds."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Serve the request under an ID."""
        if self.is_async:
            return self._serve(request)
        flow_id = request.META.get("HTTP_X_CORRELATION_ID") or uuid4().hex
        token = _id.set(flow_id)
        try:
            response = self.get_response(request)
        finally:
            _id.reset(token)
        response.headers["X-Correlation-ID"] = flow_id
        return response

    async def _serve(self, request: HttpRequest) -> HttpResponse:
        flow_id = request.META.get("HTTP_X_CORRELATION_ID") or uuid4().hex
        token = _id.set(flow_id)
        try:
            response: HttpResponse = await self.get_response(request)
        finally:
            _id.reset(token)
        response.headers["X-Correlation-ID"] = flow_id
        return response


def _start_django() -> None:
    urls = types.ModuleType("benchmark_urls")
    vars(urls)["urlpatterns"] = [path("", _view), path("async", _async_view)]
    sys.modules["benchmark_urls"] = urls
    settings.configure(
        ALLOWED_HOSTS=["*"],
        HEADRACE={"BACKEND": "none"},
        INSTALLED_APPS=["headrace_django"],
        LOGGING_CONFIG=None,
        ROOT_URLCONF="benchmark_urls",
        SECRET_KEY="benchmark",
    )
    django.setup()


def _with_middleware(handler: Callable[[], Any], *middleware: str) -> Any:
    settings.MIDDLEWARE = list(middleware)
    return handler()


def _django_groups() -> list[Group]:
    _start_django()
    stacks = {
        "bare": (),
        "hand-written": (f"{__name__}.HandWritten",),
        "headrace_django": ("headrace_django.middleware.FlowMiddleware",),
    }
    sync = {name: _wsgi(_with_middleware(WSGIHandler, *stack)) for name, stack in stacks.items()}
    both = {
        name: _requests(_with_middleware(ASGIHandler, *stack), at="/async")
        for name, stack in stacks.items()
    }
    return [
        Group(f"Django, {kind}: time added, in that of a hand-written one", *_compared(calls))
        for kind, calls in (("sync", sync), ("async", both))
    ]


def _compared(calls: dict[str, Callable[[], None]]) -> tuple[list[Case], Case]:
    bare, hand, ours = (_case(name, call) for name, call in calls.items())
    return [hand, Case(ours.name, ours.call, limit=1.2, per=_AT_ONCE, calls=4)], bare


# --- Flask ---


def _flask_app() -> Flask:
    app = Flask("benchmark")
    app.add_url_rule("/", view_func=lambda: "ok")
    return app


def _flask_by_hand() -> Flask:
    app = _flask_app()

    @app.before_request
    def begin() -> None:
        g.flow_id = request.headers.get("X-Correlation-ID") or uuid4().hex
        g.token = _id.set(g.flow_id)

    @app.after_request
    def add_header(response: Any) -> Any:
        response.headers["X-Correlation-ID"] = g.flow_id
        return response

    @app.teardown_request
    def end(_exc: BaseException | None) -> None:
        _id.reset(g.token)

    return app


def _flask_groups() -> list[Group]:
    ours = _flask_app()
    ours.config["HEADRACE_BACKEND"] = "none"
    Headrace(ours)
    apps = {"bare": _flask_app(), "hand-written hooks": _flask_by_hand(), "headrace_flask": ours}
    calls = {name: _wsgi(app.wsgi_app) for name, app in apps.items()}
    return [Group("Flask: time added, in that of hand-written hooks", *_compared(calls))]


def _wsgi(app: Any) -> Callable[[], None]:
    environ = EnvironBuilder(path="/").get_environ()

    def start_response(_status: str, _headers: Any, _exc_info: Any = None) -> Any:
        return None

    def send_all() -> None:
        for _ in range(_AT_ONCE):
            body: Iterable[bytes] = app(dict(environ), start_response)
            for _piece in body:
                pass
            close: Callable[[], Awaitable[None] | None] | None = getattr(body, "close", None)
            if close is not None:
                close()

    return send_all


def _case(name: str, call: Callable[[], None], limit: float | None = None) -> Case:
    return Case(name, call, limit=limit, per=_AT_ONCE, calls=4)


def groups() -> list[Group]:
    """Return what is compared."""
    return [*_asgi_groups(), *_django_groups(), *_flask_groups()]
