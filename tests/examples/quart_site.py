"""The site of `tests.sites`, built with Quart and set up by the example's integration."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from quart import Blueprint, Quart, Response, current_app, request, websocket

from headrace.asgi import FlowMiddleware
from tests import sites
from tests.asgi_client import AsgiClient, serve_asgi

EXAMPLE = Path(__file__).parents[2] / "examples" / "quart" / "headrace_quart.py"
TEXT = "text/plain; charset=utf-8"
CONSTANT = [("Content-Type", TEXT)]


def load_example() -> Any:
    """Import the example, which is no package."""
    spec = importlib.util.spec_from_file_location("headrace_quart", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text(body: Any, status: int = 200) -> Response:
    return Response(body, status, content_type=TEXT)


def show() -> Response:
    sites.note("handler")
    return text(sites.shown())


async def show_async() -> Response:
    return show()


async def measure() -> Response:
    return text(f"{sites.shown()} {len(await request.get_data())}")


async def wait() -> Response:
    before = sites.shown()
    await asyncio.sleep(0.02)
    return text(f"{before} {sites.shown()}")


async def refuse() -> Response:
    raise sites.RefusedError


async def fail() -> Response:
    raise sites.BrokenError


async def redirect() -> Response:
    return Response("", 302, {"Location": "/id"})


async def own_header() -> Response:
    response = text(sites.shown())
    for name, value in sites.OWN_HEADERS:
        response.headers[name] = value
    return response


async def talk() -> None:
    sites.note("socket")
    await websocket.send(sites.shown())
    await websocket.receive()
    await websocket.send(sites.shown())


async def answer_refusal(error: Exception) -> Response:
    sites.note("error handler")
    return text(sites.shown(), 409)


async def start_work() -> Response:
    current_app.add_background_task(sites.note, "background")
    return text(sites.shown())


def metadata() -> Response:
    sites.write_metadata()
    return text(sites.read_metadata())


VIEWS: dict[str, Callable[..., Any]] = {
    "/id": show,
    "/async/id": show_async,
    "/slow": wait,
    "/error/handled": refuse,
    "/error/unhandled": fail,
    "/redirect": redirect,
    "/stream": lambda: text(sites.pieces()),
    "/async/stream": lambda: text(sites.async_pieces()),
    "/endless": lambda: text(sites.endless()),
    "/async/endless": lambda: text(sites.async_endless()),
    "/events": lambda: Response(sites.events(), content_type="text/event-stream"),
    "/background": start_work,
    "/thread": lambda: text(sites.in_thread()),
    "/own-header": own_header,
    "/constant": lambda: Response(sites.shown(), headers=CONSTANT),
    "/headers": lambda: text(sites.headers_seen(request.headers.items())),
    "/next": lambda: text(sites.sent_on()),
    "/deadline": lambda: text(sites.time_left()),
    "/metadata": metadata,
}


def make_app(options: Mapping[str, Any], *, twice: bool = False) -> Quart:
    """Build the site."""
    app = Quart("site")
    for path, view in VIEWS.items():
        app.add_url_rule(path, path, view)
    app.add_url_rule("/body", "body", measure, methods=["POST"])
    app.add_websocket("/socket", "socket", talk)
    app.register_error_handler(sites.RefusedError, answer_refusal)
    nested = Blueprint("nested", __name__, url_prefix="/nested")
    nested.add_url_rule("/id", "id", show)
    app.register_blueprint(nested)
    if twice:
        app.asgi_app = FlowMiddleware(app.asgi_app)  # type: ignore[method-assign]
    load_example().init_app(app, **options)
    return app


class QuartSite:
    """Quart under the contract."""

    name = "quart"
    lacks: Mapping[str, str] = {
        "closed stream": "Quart closes the plain generator of a client that has gone in no context",
        "line breaks": "Quart refuses a request with line breaks in a header",
    }

    def serve(
        self, options: Mapping[str, Any], *, twice: bool
    ) -> AbstractContextManager[AsgiClient]:
        return serve_asgi(make_app(options, twice=twice))
