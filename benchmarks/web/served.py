"""The FastAPI applications that `benchmarks.bench_served` serves."""

from __future__ import annotations

import logging
import logging.config
import time
from typing import Any
from uuid import uuid4

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

import headrace_fastapi
from headrace.logging import dict_config

_access = logging.getLogger("access")


def _app() -> FastAPI:
    logging.config.dictConfig(dict_config("json"))
    app = FastAPI()

    @app.get("/orders/{number}")
    async def order(number: int) -> dict[str, Any]:
        return {"number": number, "status": "shipped"}

    @app.get("/processor")
    async def processor() -> PlainTextResponse:
        return PlainTextResponse(str(time.process_time()))

    return app


class _AccessLine:
    """What an application would write itself: a line with the same fields as headrace's."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Run the application, and log the request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 0

        async def send_and_note(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        finally:
            milliseconds = (time.perf_counter() - start) * 1000
            route = scope.get("route")
            name = scope["path"] if route is None else route.path
            request_id = uuid4().hex
            values = {
                "event": "request",
                "kind": "http",
                "route": name,
                "flow_id": request_id,
                "correlation_id": request_id,
                "unit_id": request_id[:16],
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "outcome": "ok" if status < 500 else "error",
                "duration_ms": milliseconds,
                "steps": 0,
            }
            _access.info(
                "%s %s %d in %.1f ms",
                *(scope["method"], name, status, milliseconds),
                extra=values,
            )


def by_hand() -> Any:
    """Return the application with an access line."""
    return _AccessLine(_app())


def headrace() -> Any:
    """Return the application with everything on."""
    app = _app()
    headrace_fastapi.init_app(app)
    return app
