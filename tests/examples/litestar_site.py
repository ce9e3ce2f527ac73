"""The site of `tests.sites`, built with Litestar and set up by the example's integration."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Response, WebSocket, get, head, post
from litestar.background_tasks import BackgroundTask
from litestar.handlers import websocket
from litestar.logging import LoggingConfig
from litestar.response import Redirect, Stream

from headrace.asgi import FlowMiddleware
from tests import sites
from tests.asgi_client import AsgiClient, serve_asgi

EXAMPLE = Path(__file__).parents[2] / "examples" / "litestar" / "headrace_litestar.py"
TEXT: Any = "text/plain"
CONSTANT = {"x-constant": "1"}


def load_example() -> Any:
    """Import the example, which is no package."""
    spec = importlib.util.spec_from_file_location("headrace_litestar", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text(body: str, status: int = 200, **more: Any) -> Response[str]:
    return Response(body, status_code=status, media_type=TEXT, **more)


def stream(pieces: Any) -> Stream:
    return Stream(pieces, media_type=TEXT)


async def show() -> Response[str]:
    sites.note("handler")
    return text(sites.shown())


def show_sync() -> Response[str]:
    sites.note("handler")
    return text(sites.shown())


async def measure(request: Request[Any, Any, Any]) -> Response[str]:
    return text(f"{sites.shown()} {len(await request.body())}")


async def wait() -> Response[str]:
    before = sites.shown()
    await asyncio.sleep(0.02)
    return text(f"{before} {sites.shown()}")


async def refuse() -> None:
    raise sites.RefusedError


async def fail() -> None:
    raise sites.BrokenError


async def redirect() -> Redirect:
    return Redirect("/id", status_code=302)


async def own_header() -> Response[str]:
    return text(sites.shown(), headers=dict(sites.OWN_HEADERS))


async def constant() -> Response[str]:
    return text(sites.shown(), headers=CONSTANT)


async def headers(request: Request[Any, Any, Any]) -> Response[str]:
    return text(sites.headers_seen(request.headers.multi_items()))


async def start_work() -> Response[str]:
    return text(sites.shown(), background=BackgroundTask(sites.note, "background"))


def metadata() -> Response[str]:
    sites.write_metadata()
    return text(sites.read_metadata())


async def events() -> Stream:
    return Stream(sites.events(), media_type="text/event-stream")


async def talk(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.accept()
    sites.note("socket")
    await socket.send_text(sites.shown())
    await socket.receive_text()
    await socket.send_text(sites.shown())
    await socket.close()


async def pieces() -> Stream:
    return stream(sites.pieces())


async def async_pieces() -> Stream:
    return stream(sites.async_pieces())


async def endless() -> Stream:
    return stream(sites.endless())


async def async_endless() -> Stream:
    return stream(sites.async_endless())


def in_thread() -> Response[str]:
    return text(sites.in_thread())


async def sent_on() -> Response[str]:
    return text(sites.sent_on())


async def time_left() -> Response[str]:
    return text(sites.time_left())


async def answer_head() -> None:
    sites.note("handler")


VIEWS: dict[str, Callable[..., Any]] = {
    "/id": show_sync,
    "/nested/id": show_sync,
    "/async/id": show,
    "/slow": wait,
    "/error/handled": refuse,
    "/error/unhandled": fail,
    "/redirect": redirect,
    "/stream": pieces,
    "/async/stream": async_pieces,
    "/endless": endless,
    "/async/endless": async_endless,
    "/events": events,
    "/background": start_work,
    "/thread": in_thread,
    "/own-header": own_header,
    "/constant": constant,
    "/headers": headers,
    "/next": sent_on,
    "/deadline": time_left,
    "/metadata": metadata,
}


def answer_refusal(request: Request[Any, Any, Any], error: Exception) -> Response[str]:
    sites.note("error handler")
    return text(sites.shown(), 409)


def make_app(options: Mapping[str, Any], *, twice: bool = False) -> Litestar:
    """Build the site."""
    handlers: list[Any] = [
        head("/id")(answer_head),
        post("/body", status_code=200)(measure),
        websocket("/socket")(talk),
    ]
    for path, view in VIEWS.items():
        is_async = inspect.iscoroutinefunction(view)
        handlers.append(get(path, **({} if is_async else {"sync_to_thread": True}))(view))
    quiet = {"litestar": {"level": "INFO", "handlers": [], "propagate": True}}
    app = Litestar(
        handlers,
        exception_handlers={sites.RefusedError: answer_refusal},
        logging_config=LoggingConfig(
            log_exceptions="always", configure_root_logger=False, handlers={}, loggers=quiet
        ),
        openapi_config=None,
    )
    if twice:
        app.asgi_handler = FlowMiddleware(app.asgi_handler)  # type: ignore[assignment, arg-type]
        app.asgi_handler = Outer(app.asgi_handler)  # type: ignore[assignment]
    load_example().init_app(app, **options)
    return app


class Outer:
    """Hides the middleware that is there already."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


class LitestarSite:
    """Litestar under the contract."""

    name = "litestar"
    lacks: Mapping[str, str] = {
        "closed stream": "Litestar leaves the plain generator of a client that has gone to the "
        "garbage collection",
    }

    def serve(
        self, options: Mapping[str, Any], *, twice: bool
    ) -> AbstractContextManager[AsgiClient]:
        app: Any = make_app(options, twice=twice)
        return serve_asgi(app)
