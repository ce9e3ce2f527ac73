"""The site of the contract, in Flask."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

from flask import Blueprint, Flask, Response, redirect, request, stream_with_context

from tests import sites

TEXT = "text/plain; charset=utf-8"
CONSTANT = [("Content-Type", TEXT)]


def create_site() -> Flask:
    """Return the application, without the extension."""
    app = Flask("site")
    for parts in (add_pages, add_errors, add_streams):
        parts(app)
    return app


def text(body: str, status: int = 200) -> Response:
    """Return a response with this body."""
    return Response(body, status, content_type=TEXT)


def show() -> Response:
    """Note "handler" and show the ID."""
    sites.note("handler")
    return text(sites.shown())


async def show_async() -> Response:
    """Do the same asynchronously."""
    await asyncio.sleep(0)
    return show()


def read_body() -> Response:
    """Read the whole body."""
    return text(f"{sites.shown()} {len(request.get_data())}")


def slow() -> Response:
    """Show the ID, wait, and show it again."""
    before = sites.shown()
    time.sleep(0.02)
    return text(f"{before} {sites.shown()}")


def background() -> Response:
    """Work when the response is done: what Flask has in the way of background work."""
    response = text(sites.shown())
    response.call_on_close(lambda: sites.note("background"))
    return response


def own_header() -> Response:
    """Set headers of our own."""
    response = text(sites.shown())
    for name, value in sites.OWN_HEADERS:
        response.headers[name] = value
    return response


def add_pages(app: Flask) -> None:
    """Add what has no error and no stream."""
    nested = Blueprint("nested", __name__, url_prefix="/nested")
    nested.get("/id")(show)
    app.register_blueprint(nested)
    pages: dict[str, Callable[..., Any]] = {
        "/id": show,
        "/async/id": show_async,
        "/slow": slow,
        "/redirect": lambda: redirect("/id"),
        "/background": background,
        "/thread": lambda: text(sites.in_thread()),
        "/own-header": own_header,
        "/constant": lambda: Response(sites.shown(), headers=CONSTANT),
        "/headers": lambda: text(sites.headers_seen(request.headers.items())),
        "/next": lambda: text(sites.sent_on()),
        "/deadline": lambda: text(sites.time_left()),
        "/metadata": lambda: text(sites.read_metadata()),
    }
    for path, view in pages.items():
        app.add_url_rule(path, path.strip("/"), view)
    app.post("/body")(read_body)
    app.before_request(lambda: sites.write_metadata() if request.path == "/metadata" else None)


def add_errors(app: Flask) -> None:
    """Add the errors, and the handler of one."""

    @app.errorhandler(sites.RefusedError)
    def answer(error: sites.RefusedError) -> Response:
        sites.note("error handler")
        return text(sites.shown(), 409)

    @app.get("/error/handled")
    def refuse() -> Response:
        raise sites.RefusedError

    @app.get("/error/unhandled")
    def fail() -> Response:
        raise sites.BrokenError


def add_streams(app: Flask) -> None:
    """Add the streams; one of them keeps the request's context, the others do not."""
    streams: dict[str, Callable[[], Iterable[bytes]]] = {
        "/stream": lambda: stream_with_context(sites.pieces()),
        "/endless": sites.endless,
        "/events": sites.events,
    }
    for path, body in streams.items():
        content_type = "text/event-stream" if path == "/events" else TEXT
        app.add_url_rule(path, path.strip("/"), stream_of(body, content_type))


def stream_of(body: Callable[[], Iterable[bytes]], content_type: str) -> Callable[[], Response]:
    """Return a view that streams what `body` returns."""
    return lambda: Response(body(), content_type=content_type)
