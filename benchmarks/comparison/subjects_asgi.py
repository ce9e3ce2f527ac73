"""Starlette applications under each ASGI library."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute

HOSTILE = b"id\x1b[31m"


@dataclass
class Library:
    """How a library is used: what wraps the app, where its ID is read, the header it gives."""

    install: Callable[[Starlette], Any]
    current: Callable[[], str | None]
    header: str
    line_id: Callable[[BaseException], str | None] | None = None


def headrace() -> Library:
    """Set headrace up."""
    import headrace as core
    import headrace.logging as core_logging
    from headrace_fastapi import init_app

    def install(app: Starlette) -> Any:
        init_app(app)
        return app

    def line_id(exc: BaseException) -> str | None:
        arguments = ("server", logging.ERROR, "", 0, "failed", (), (type(exc), exc, None))
        record = logging.getLogRecordFactory()(*arguments)
        core_logging.FlowFilter().filter(record)
        found: str = vars(record)["flow_id"]
        return None if found == "-" else found

    return Library(install, core.current_flow_id, "x-correlation-id", line_id)


def asgi_correlation_id() -> Library:
    """Set asgi-correlation-id up."""
    from asgi_correlation_id import CorrelationIdMiddleware, correlation_id

    def install(app: Starlette) -> Any:
        app.add_middleware(CorrelationIdMiddleware)
        return app

    return Library(install, correlation_id.get, "x-request-id")


def starlette_context() -> Library:
    """Set starlette-context up."""
    from starlette_context import context
    from starlette_context.middleware import RawContextMiddleware
    from starlette_context.plugins import RequestIdPlugin

    def install(app: Starlette) -> Any:
        app.add_middleware(RawContextMiddleware, plugins=(RequestIdPlugin(),))
        return app

    def current() -> str | None:
        return context.data.get("X-Request-ID") if context.exists() else None

    return Library(install, current, "x-request-id")


LIBRARIES = {
    "headrace": headrace,
    "asgi-correlation-id": asgi_correlation_id,
    "starlette-context": starlette_context,
}


class Trial:
    """One library under all questions."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.seen: list[str | None] = []
        self.app = library.install(self._make_app())

    def answers(self) -> dict[str, bool]:
        """Answer every question."""
        return {
            "error page": asyncio.run(self._error_page()),
            "traceback line": asyncio.run(self._traceback_line()),
            "stream": asyncio.run(self._sees_id("/stream")),
            "background task": asyncio.run(self._sees_id("/background")),
            "WebSocket": asyncio.run(self._sees_id("/socket", kind="websocket")),
            "hostile ID refused": asyncio.run(self._refuses()),
            "one header": asyncio.run(self._one_header()),
            "caller intact": asyncio.run(self._caller_intact()),
        }

    def _make_app(self) -> Starlette:
        def note() -> None:
            self.seen.append(self.library.current())

        async def fail(_: Any) -> Any:
            raise RuntimeError("as planned")

        def body() -> Iterator[str]:
            note()
            yield "x"

        async def stream(_: Any) -> Any:
            return StreamingResponse(body())

        async def background(_: Any) -> Any:
            return PlainTextResponse("x", background=BackgroundTask(note))

        async def own(_: Any) -> Any:
            return PlainTextResponse("x", headers={self.library.header: "from-upstream"})

        async def socket(websocket: Any) -> None:
            await websocket.accept()
            note()
            await websocket.close()

        paths = {"/fail": fail, "/stream": stream, "/background": background, "/own": own}
        routes: list[Any] = [Route(path, handler) for path, handler in paths.items()]
        return Starlette(routes=[*routes, WebSocketRoute("/socket", socket)])

    async def _call(
        self, path: str, *, kind: str = "http", value: bytes | None = None
    ) -> tuple[list[tuple[str, str]], BaseException | None]:
        name = self.library.header.encode()
        sent: list[Any] = []

        incoming = [{"type": "websocket.connect" if kind == "websocket" else "http.request"}]

        async def receive() -> Any:
            return incoming.pop() if incoming else await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": kind,
            "path": path,
            "method": "GET",
            "query_string": b"",
            "root_path": "",
            "headers": [(name, value)] if value else [],
            "http_version": "1.1",
            "scheme": "http",
            "server": ("localhost", 80),
            "client": ("localhost", 1),
            "subprotocols": [],
        }
        failure = None
        try:
            await self.app(scope, receive, send)
        except Exception as exc:
            failure = exc
        raw = [header for message in sent for header in message.get("headers") or ()]
        return [(key.decode().lower(), text.decode()) for key, text in raw], failure

    def _ids(self, headers: list[tuple[str, str]]) -> list[str]:
        return [value for key, value in headers if key == self.library.header]

    async def _error_page(self) -> bool:
        headers, _ = await self._call("/fail")
        return len(self._ids(headers)) == 1

    async def _traceback_line(self) -> bool:
        # As uvicorn does it: in the request's task, when the application has raised.
        _, failure = await self._call("/fail")
        line_id = self.library.line_id or (lambda _: self.library.current())
        return failure is not None and line_id(failure) is not None

    async def _sees_id(self, path: str, kind: str = "http") -> bool:
        self.seen.clear()
        await self._call(path, kind=kind)
        return len(self.seen) == 1 and self.seen[0] is not None

    async def _refuses(self) -> bool:
        self.seen.clear()
        headers, failure = await self._call("/background", value=HOSTILE)
        return failure is None and HOSTILE.decode() not in [*self._ids(headers), *self.seen]

    async def _one_header(self) -> bool:
        headers, _ = await self._call("/own")
        return len(self._ids(headers)) == 1

    async def _caller_intact(self) -> bool:
        before = self.library.current()
        await self._call("/background")
        return self.library.current() == before
