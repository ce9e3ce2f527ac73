"""Serves requests by one framework beside one instrumentation, in a process of its own.

``python -m tests.tracing.program FRAMEWORK "SETUP BACKEND"...`` prints, as JSON, the spans of each
request. SETUP says what is there besides `headrace`: ``alone`` nothing; ``first`` and ``last`` the
instrumentation of OpenTelemetry, set up before or after ours; ``own`` and ``own-last`` Starlette's
middleware or FastAPI's spans, around ours or inside of it; ``mounted`` a FastAPI application in one
of Starlette that has ours; ``auto`` what ``opentelemetry-instrument``, which
then starts the program, has set up.
"""

from __future__ import annotations

import importlib
import json
import logging
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.websockets import WebSocket

import headrace
from headrace.testing import capture
from tests.tracing.cells import print_cells
from tests.tracing.work import carrier, fail, health, stream, work

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
EXCLUDED = ["/health"]

Get = Callable[[str, dict[str, str]], Any]
"""Requests a path with headers, and returns the body."""


def main(framework: str, *cells: str) -> None:
    """Send the requests in each cell, and print what was recorded."""
    for module in IMPORTED[framework]:
        importlib.import_module(module)
    print_cells(partial(sent, framework), list(cells))


def sent(framework: str, setup: str, backend: str) -> dict[str, Any]:
    """Send the requests, and return what was recorded."""
    spans = recorded(setup)
    headrace.configure(backend)
    complaints = Complaints()
    get = PROGRAMS[framework](setup)
    headrace.configure(backend)  # again: Django's settings have configured headrace
    seen: dict[str, Any] = {}

    units: dict[str, Any] = {}

    def send(name: str, path: str, **headers: str) -> Any:
        spans.clear()
        with capture() as captured:
            body = get(path, {key.replace("_", "-"): value for key, value in headers.items()})
        seen[name] = [described(span) for span in spans.get_finished_spans()]
        units[name] = [unit.name for unit in captured.units]
        return body

    parent = f"00-{TRACE}-{PARENT}-"
    send("remote", "/items/7", traceparent=parent + "01", x_correlation_id="order-17")
    send("fresh", "/items/7")
    send("unsampled", "/items/7", traceparent=parent + "00")
    send("stream", "/stream", traceparent=parent + "01")
    send("fail", "/fail", traceparent=parent + "01")
    if framework in SOCKETS:
        send("socket", "/socket", traceparent=parent + "01", x_correlation_id="order-17")
    body = send("caller", "/items/7", x_correlation_id="order-17")
    send("callee", "/items/8", **{key.replace("-", "_"): value for key, value in body.items()})
    with headrace.open_context("around"):
        excluded = send("excluded", "/health")
    return {
        "excluded": excluded,
        "seen": seen,
        "units": units,
        "logged": complaints.lines,
        "after": is_clean(),
    }


class Complaints(logging.Handler):
    """Keeps the warnings of OpenTelemetry and headrace."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        for name in ("opentelemetry", "headrace"):
            logging.getLogger(name).addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def recorded(setup: str) -> InMemorySpanExporter:
    """Return the exporter that keeps the spans; set a provider unless there is one."""
    kept = InMemorySpanExporter()
    if setup != "auto":
        trace.set_tracer_provider(TracerProvider())
    provider: Any = trace.get_tracer_provider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    return kept


def described(span: ReadableSpan) -> dict[str, Any]:
    context = span.get_span_context()
    assert context is not None
    return {
        "name": span.name,
        "kind": span.kind.name,
        "trace": f"{context.trace_id:032x}",
        "id": f"{context.span_id:016x}",
        "parent": span.parent and f"{span.parent.span_id:016x}",
        "scope": span.instrumentation_scope and span.instrumentation_scope.name,
        "status": span.status.status_code.name,
        "attributes": {**(span.attributes or {})},
    }


def is_clean() -> bool:
    """Tell whether no context is left over."""
    return trace.get_current_span() is trace.INVALID_SPAN and not headrace.current_flow_id()


# --- Frameworks -----------------------------------------------------------------------------------


def fastapi(setup: str) -> Get:
    """FastAPI, which makes its own spans if no instrumentation does."""
    from fastapi import FastAPI
    from fastapi.responses import StreamingResponse
    from starlette.applications import Starlette
    from starlette.routing import Mount
    from starlette.testclient import TestClient

    import headrace_fastapi
    from headrace import asgi as headrace_asgi

    app = FastAPI()

    @app.get("/items/{number}")
    def item(number: int) -> dict[str, str]:
        work()
        return carrier()

    @app.get("/stream")
    def streamed() -> StreamingResponse:
        return StreamingResponse(stream())

    @app.get("/fail")
    def failing() -> None:
        fail()

    app.add_api_route("/health", health)
    app.add_api_websocket_route("/socket", talk)

    def instrument() -> None:
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

        FastAPIInstrumentor.instrument_app(app)

    served: Any = app
    if setup == "own-last":
        served = headrace_asgi.FlowMiddleware(app, exclude_paths=EXCLUDED)
    elif setup == "mounted":
        served = Starlette(routes=[Mount("/", app)])
        headrace_fastapi.init_app(served, exclude_paths=EXCLUDED)
    else:
        in_order(setup, instrument, lambda: set_up(app))
    return by_test_client(TestClient(served, raise_server_exceptions=False))


def starlette(setup: str) -> Get:
    """Starlette, with OpenTelemetry's instrumentation or with its own middleware."""
    from starlette import applications
    from starlette.middleware import Middleware
    from starlette.testclient import TestClient

    import headrace_fastapi

    layers = []
    if setup.startswith("own"):
        from starlette.middleware.opentelemetry import OpenTelemetryMiddleware

        layers = [Middleware(OpenTelemetryMiddleware)]
    if setup == "own":
        layers.append(Middleware(headrace_fastapi.FlowMiddleware, exclude_paths=EXCLUDED))
    app = applications.Starlette(routes=starlette_routes(), middleware=layers)

    def instrument() -> None:
        from opentelemetry.instrumentation.starlette import StarletteInstrumentor

        StarletteInstrumentor.instrument_app(app)

    in_order(setup, instrument, lambda: setup == "own" or set_up(app))
    return by_test_client(TestClient(app, raise_server_exceptions=False))


def starlette_routes() -> list[Any]:
    from starlette.responses import JSONResponse, StreamingResponse
    from starlette.routing import Route, WebSocketRoute

    async def item(request: Any) -> JSONResponse:
        work()
        return JSONResponse(carrier())

    async def streamed(request: Any) -> StreamingResponse:
        return StreamingResponse(stream())

    async def failing(request: Any) -> None:
        fail()

    return [
        Route("/items/{number:int}", item),
        Route("/stream", streamed),
        Route("/fail", failing),
        Route("/health", lambda request: JSONResponse(health())),
        WebSocketRoute("/socket", talk),
    ]


def set_up(app: Any) -> None:
    """Set up headrace in an application of FastAPI or Starlette."""
    from headrace_fastapi import init_app

    init_app(app, exclude_paths=EXCLUDED)


async def talk(websocket: WebSocket) -> None:
    """Do a step in a WebSocket connection."""
    await websocket.accept()
    work()
    await websocket.send_text("done")
    await websocket.close()


def asgi(setup: str) -> Get:
    """An ASGI application without a framework's integration, inside two middlewares."""
    from starlette.testclient import TestClient

    from headrace.asgi import FlowMiddleware

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/fail":
            fail()
        if scope["type"] == "websocket":
            await talk(WebSocket(scope, receive, send))
            return
        made = health if scope["path"] in EXCLUDED else item
        body = [b"1", *stream()] if scope["path"] == "/stream" else [json.dumps(made()).encode()]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for piece in body:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def instrumented(inner: Any) -> Any:
        from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

        return OpenTelemetryMiddleware(inner)

    def owned(inner: Any) -> Any:
        from starlette.middleware.opentelemetry import OpenTelemetryMiddleware

        return OpenTelemetryMiddleware(inner)

    wrapped = layered(setup, app, FlowMiddleware, owned if "own" in setup else instrumented)
    return by_test_client(TestClient(wrapped, raise_server_exceptions=False))


def layered(setup: str, app: Any, ours: Callable[..., Any], theirs: Callable[[Any], Any]) -> Any:
    """Return `app` inside both middlewares; the one that is set up first is inside."""
    ours = partial(ours, exclude_paths=EXCLUDED)
    if setup in {"alone", "auto"}:
        return ours(app)
    return ours(theirs(app)) if setup in {"first", "own-last"} else theirs(ours(app))


def item() -> dict[str, str]:
    work()
    return carrier()


def wsgi(setup: str) -> Get:
    """A WSGI application without a framework's integration, inside two middlewares."""
    from werkzeug.test import Client

    from headrace.wsgi import FlowMiddleware

    def app(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/fail":
            fail()
        start_response("200 OK", [])
        if environ["PATH_INFO"] == "/stream":
            return stream()
        made = health if environ["PATH_INFO"] in EXCLUDED else item
        return [json.dumps(made()).encode()]

    def instrumented(inner: Any) -> Any:
        from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware

        return OpenTelemetryMiddleware(inner)

    client = Client(layered(setup, app, FlowMiddleware, instrumented))

    def get(path: str, headers: dict[str, str]) -> Any:
        try:
            return of_werkzeug(client.get(path, headers=headers))
        except Exception as error:  # a WSGI server answers
            return str(error)

    return get


def flask(setup: str) -> Get:
    """Flask."""
    import flask as framework

    from headrace_flask import Headrace

    app = framework.Flask("tracing")
    app.add_url_rule("/items/<int:number>", "item", lambda number: item())
    app.add_url_rule("/stream", "streamed", lambda: framework.Response(stream()))
    app.add_url_rule("/fail", "failing", fail)
    app.add_url_rule("/health", "health", health)

    def instrument() -> None:
        from opentelemetry.instrumentation.flask import FlaskInstrumentor

        FlaskInstrumentor().instrument_app(app)

    in_order(setup, instrument, lambda: Headrace(app, exclude_paths=EXCLUDED))
    app.logger.disabled = True

    def get(path: str, headers: dict[str, str]) -> Any:
        return of_werkzeug(app.test_client().get(path, headers=headers))

    return get


def django(setup: str) -> Get:
    """Django, whose instrumentation adds a middleware to the settings."""
    import os

    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.tracing.django_settings"
    import django as framework

    if setup in {"first", "last"}:
        from opentelemetry.instrumentation.django import DjangoInstrumentor

        DjangoInstrumentor().instrument(middleware_position=int(setup == "last"))
    framework.setup()
    from django.core import management
    from django.test import Client

    management.call_command("check", fail_level="WARNING")
    logging.getLogger("django.request").disabled = True
    client = Client(raise_request_exception=False)

    def get(path: str, headers: dict[str, str]) -> Any:
        response = client.get(path, headers=headers)
        try:
            return parsed(response.getvalue().decode())
        finally:
            response.close()

    return get


def django_async(setup: str) -> Get:
    """Django over ASGI."""
    django(setup)
    from django.core.asgi import get_asgi_application
    from starlette.testclient import TestClient

    return by_test_client(TestClient(get_asgi_application()))


def in_order(setup: str, instrument: Callable[[], object], ours: Callable[[], object]) -> None:
    """Set up both, or only headrace."""
    steps = {"first": [instrument, ours], "last": [ours, instrument]}.get(setup, [ours])
    for step in steps:
        step()


def by_test_client(client: Any) -> Get:
    def get(path: str, headers: dict[str, str]) -> Any:
        if path == "/socket":
            with client.websocket_connect(path, headers=headers) as socket:
                return socket.receive_text()
        return parsed(client.get(path, headers=headers).text)

    return get


def of_werkzeug(response: Any) -> Any:
    try:
        return parsed(response.get_data(as_text=True))
    finally:
        response.close()  # as a server does


def parsed(text: str) -> Any:
    return json.loads(text) if text.startswith("{") else text


IMPORTED = {
    "asgi": ("headrace.asgi",),
    "django": ("django.test", "headrace_django.middleware"),
    "django-async": ("django.test", "django.core.asgi", "headrace_django.middleware"),
    "fastapi": ("fastapi", "headrace_fastapi"),
    "flask": ("flask", "headrace_flask"),
    "starlette": ("headrace_fastapi",),
    "wsgi": ("werkzeug.test", "headrace.wsgi"),
}
"""What the cells of a framework have in common."""

SOCKETS = ("asgi", "fastapi", "starlette")
"""Frameworks that serve WebSockets."""

PROGRAMS: dict[str, Callable[[str], Get]] = {
    "asgi": asgi,
    "django": django,
    "django-async": django_async,
    "fastapi": fastapi,
    "flask": flask,
    "starlette": starlette,
    "wsgi": wsgi,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
