"""Foreign code that fails at any crossing of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

import headrace.asgi
import headrace.wsgi
from headrace_fastapi import init_app
from headrace_flask import Headrace
from tests.faults.requests import (
    Answer,
    ask_asgi,
    ask_wsgi,
    check_faults,
    check_interrupts,
    log_and_show,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


def ask_raw_asgi(options: Mapping[str, Any], calls: list[str]) -> Answer:
    """Send requests to a bare ASGI application."""

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        shown = log_and_show(calls).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": shown, "more_body": True})
        await send({"type": "http.response.body"})

    return ask_asgi(headrace.asgi.FlowMiddleware(app, **options))


def ask_raw_wsgi(options: Mapping[str, Any], calls: list[str]) -> Answer:
    """Send requests to a bare WSGI application with a streamed body."""

    def app(_environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield log_and_show(calls).encode()

    return ask_wsgi(headrace.wsgi.FlowMiddleware(app, **options))


def ask_flask(options: Mapping[str, Any], calls: list[str]) -> Answer:
    """Send requests to a Flask application."""
    app = Flask("faults")
    Headrace(app, **options)
    app.get("/")(lambda: log_and_show(calls))
    return ask_wsgi(app)


def ask_fastapi(options: Mapping[str, Any], calls: list[str]) -> Answer:
    """Send requests to a FastAPI application."""
    app = FastAPI()
    init_app(app, **options)

    @app.get("/", response_class=PlainTextResponse)
    async def show() -> str:
        return log_and_show(calls)

    return ask_asgi(app)


def ask_starlette(options: Mapping[str, Any], calls: list[str]) -> Answer:
    """Send requests to a Starlette application whose handler runs in a thread."""

    def show(_request: Any) -> PlainTextResponse:
        return PlainTextResponse(log_and_show(calls))

    app = Starlette(routes=[Route("/", show)])
    init_app(app, **options)
    return ask_asgi(app)


SITES: dict[str, Callable[..., Answer]] = {
    "ASGI": ask_raw_asgi,
    "WSGI": ask_raw_wsgi,
    "Flask": ask_flask,
    "FastAPI": ask_fastapi,
    "Starlette": ask_starlette,
}


@pytest.mark.guarantee(98)
@pytest.mark.parametrize("site", SITES)
def test_a_fault_in_foreign_code_fails_no_request(site: str) -> None:
    """The application is called once, under one ID, and the response has it in one header."""
    check_faults(SITES[site])


@pytest.mark.guarantee(98)
@pytest.mark.parametrize("site", SITES)
def test_an_interrupt_in_foreign_code_leaves_nothing_current(site: str) -> None:
    """The application is called once at most, and no unit is left behind."""
    check_interrupts(SITES[site])
