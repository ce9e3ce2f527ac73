"""Requests to applications in this process, and what all the subjects share."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any, TypeVar

from werkzeug.test import EnvironBuilder

from benchmarks.harness import Case

T = TypeVar("T")

AT_ONCE = 50
"""How many requests one timed call sends, one after the other."""

flow_id: ContextVar[str | None] = ContextVar("hand_written", default=None)
"""What the hand-written middlewares set."""


def case(
    name: str, call: Callable[[], None], over: Case | None = None, limit: float | None = None
) -> Case:
    """Return the case of `call`, which sends `AT_ONCE` requests."""
    return Case(name, call, limit=limit, per=AT_ONCE, calls=1, over=over)


def peers(makers: dict[str, Callable[[], T]]) -> dict[str, T]:
    """Return what the `makers` return; a peer that is missing here is left out, with a note."""
    made = {}
    for name, make in makers.items():
        try:
            made[name] = make()
        except ImportError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
    return made


def http_scope(path: str = "/", *extra: tuple[bytes, bytes]) -> dict[str, Any]:
    """Return the ASGI scope of a request with the usual headers and `extra` ones."""
    usual = [(b"host", b"localhost"), (b"user-agent", b"benchmark"), (b"accept", b"*/*")]
    return {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "root_path": "",
        "headers": [*usual, *extra],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("localhost", 80),
        "client": ("localhost", 1),
        "asgi": {"version": "3.0"},
    }


def in_one_loop(serve: Callable[[], Any]) -> Callable[[], None]:
    """Return a function that awaits `serve()` again and again, in one event loop."""
    loop = asyncio.new_event_loop()

    async def serve_all() -> None:
        for _ in range(AT_ONCE):
            await serve()

    return lambda: loop.run_until_complete(serve_all())


def asgi(app: Any, path: str = "/", *extra: tuple[bytes, bytes]) -> Callable[[], None]:
    """Return a function that sends requests to the ASGI application `app`."""
    scope = http_scope(path, *extra)

    async def serve() -> None:
        messages = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Any:
            return messages.pop() if messages else await asyncio.Future()

        await app(dict(scope), receive, _send)

    return in_one_loop(serve)


async def _send(_message: Any) -> None:
    pass


def wsgi(app: Any) -> Callable[[], None]:
    """Return a function that sends requests to the WSGI application `app`."""
    environ = EnvironBuilder(path="/").get_environ()

    def start_response(_status: str, _headers: Any, _exc_info: Any = None) -> Any:
        return None

    def serve_all() -> None:
        for _ in range(AT_ONCE):
            body: Iterable[bytes] = app(dict(environ), start_response)
            for _piece in body:
                pass
            close: Callable[[], None] | None = getattr(body, "close", None)
            if close is not None:
                close()

    return serve_all
