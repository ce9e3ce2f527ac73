"""The ID on the server's line about an error that passed through Starlette's middleware."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from headrace._context.capture import capture
from headrace_fastapi import FlowMiddleware

ERROR = ValueError("a constant")
SINCE_0_38 = pytest.mark.skipif(
    version("starlette").startswith("0.37."),
    reason="it raises the error of a stream in another function than the one that catches it",
)


class Passing(BaseHTTPMiddleware):
    """Runs the application in another task, and raises its error again."""

    async def dispatch(self, request: Request, call_next: Any) -> Response:
        """Pass the request on."""
        response: Response = await call_next(request)
        return response


class Failing:
    """Fails before the request reaches our middleware."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Raise the constant, or pass the request on."""
        if scope["path"] == "/outside":
            raise ERROR
        await self.app(scope, receive, send)


async def at_once(request: Request) -> Response:
    raise ERROR


async def streaming(request: Request) -> Response:
    def pieces() -> Iterator[str]:
        yield "piece"
        raise ERROR

    return StreamingResponse(pieces())


APP = Starlette(
    routes=[Route("/at-once", at_once), Route("/streaming", streaming)],
    middleware=[*map(Middleware, (Failing, Passing, Passing, FlowMiddleware))],
)


async def id_of_line(path: str, flow_id: str) -> str | None:
    """Return the ID of the line that a server logs about the error of a request."""
    messages = [{"type": "http.request", "body": b""}]

    async def receive() -> Any:
        if not messages:
            await asyncio.Event().wait()  # the client stays
        return messages.pop()

    async def send(message: Any) -> None:
        pass

    headers = [(b"x-correlation-id", flow_id.encode())]
    scope = {"type": "http", "path": path, "method": "GET", "headers": headers, "query_string": b""}
    try:
        await APP(scope, receive, send)
    except ValueError:
        return capture(True)[0]
    raise AssertionError("nothing was raised")


@pytest.mark.guarantee(68)
@pytest.mark.parametrize("path", ["/at-once", pytest.param("/streaming", marks=SINCE_0_38)])
def test_an_error_keeps_the_id_through_middleware_that_raises_it_again(path: str) -> None:
    """The same error object has no ID when it is raised outside our middleware."""

    async def requests() -> list[str | None]:
        return [
            await asyncio.create_task(id_of_line(each, f"request-{number}"))
            for number in range(3)
            for each in (path, "/outside")
        ]

    expected = ["request-0", None, "request-1", None, "request-2", None]
    assert asyncio.run(requests()) == expected
