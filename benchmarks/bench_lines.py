"""The line of a unit of work, against a `logger.info` with the same fields in the same place.

Both go through the same handler and formatter, and both are written at the end of the same unit. A
silent unit, whose line is off, is taken off: what is left is the line. A loop of nothing but
`logger.info` would be the wrong base, since a processor learns its branches and runs it in two
thirds of the time that the same call takes in a request.
"""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import headrace
from benchmarks.harness import Case, Group
from benchmarks.web.sending import AT_ONCE, asgi, wsgi
from headrace.asgi import FlowMiddleware as AsgiMiddleware
from headrace.logging import JsonFormatter, install
from headrace.wsgi import FlowMiddleware as WsgiMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

APART = ("unit", "asgi", "wsgi")
"""What is measured in processes of its own, as a service has one protocol."""

_LINE, _SILENT = 1.3, 1.2

_ours = logging.getLogger("headrace")
_bare = logging.getLogger("benchmark.bare")
_UNIT = {
    "event": "unit.end",
    "kind": "manual",
    "unit_name": "import",
    "correlation_id": "0af7651916cd43dd8448eb211c80319c",
    "unit_id": "b7ad6b7169203331",
    "causation_id": None,
    "outcome": "ok",
    "error": None,
    "duration_ms": 12.34567,
    "steps": 0,
}
_REQUEST = {**_UNIT, "kind": "http", "method": "GET", "path": "/", "status": 200}


@contextmanager
def _at(level: int) -> Iterator[None]:
    headrace.configure("logging")
    _ours.setLevel(level)
    try:
        yield
    finally:
        _ours.setLevel(logging.WARNING)


@contextmanager
def _none() -> Iterator[None]:
    headrace.configure("none")
    yield


def _silent() -> Any:
    return _at(logging.WARNING)


def _loud() -> Any:
    return _at(logging.INFO)


def _line_by_hand() -> None:
    _bare.info("%s %s %d in %.1f ms", "GET", "/", 200, 12.3, extra=_REQUEST)


# --- A unit ---------------------------------------------------------------------------------------


def _manual() -> None:
    with headrace.open_context():
        pass


def _manual_with_line() -> None:
    with headrace.open_context():
        _bare.info("%s ok in %.1f ms", "manual", 12.3, extra=_UNIT)


# --- Requests -------------------------------------------------------------------------------------


async def _asgi_app(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


async def _asgi_app_with_line(scope: Any, receive: Any, send: Any) -> None:
    await _asgi_app(scope, receive, send)
    _line_by_hand()


def _wsgi_app(_environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [b"ok"]


def _wsgi_app_with_line(environ: Any, start_response: Any) -> list[bytes]:
    body = _wsgi_app(environ, start_response)
    _line_by_hand()
    return body


def _unit_calls() -> tuple[Callable[[], None], Callable[[], None]]:
    return _repeated(_manual), _repeated(_manual_with_line)


def _repeated(call: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        for _ in range(AT_ONCE):
            call()

    return run


def _asgi_calls() -> tuple[Callable[[], None], Callable[[], None]]:
    return asgi(AsgiMiddleware(_asgi_app)), asgi(AsgiMiddleware(_asgi_app_with_line))


def _wsgi_calls() -> tuple[Callable[[], None], Callable[[], None]]:
    return wsgi(WsgiMiddleware(_wsgi_app)), wsgi(WsgiMiddleware(_wsgi_app_with_line))


_KINDS = {
    "unit": ("a unit", _unit_calls),
    "asgi": ("an ASGI request", _asgi_calls),
    "wsgi": ("a WSGI request", _wsgi_calls),
}


def _log_to_nothing() -> None:
    install()
    handler = logging.StreamHandler(open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    handler.setFormatter(JsonFormatter())
    for logger in (_ours, _bare):
        logger.addHandler(handler)
        logger.propagate = False
    _bare.setLevel(logging.INFO)


def groups(kind: str) -> list[Group]:
    """Return what is compared, of one of `APART`."""
    _log_to_nothing()
    name, make = _KINDS[kind]
    calls, calls_with_line = make()

    def of(title: str, call: Callable[[], None], setup: Any, **more: Any) -> Case:
        return Case(title, call, setup, per=AT_ONCE, calls=6, **more)

    silent = of("silent", calls, _silent, limit=_SILENT)
    by_hand = of("logger.info", calls_with_line, _silent, over=silent)
    return [
        Group(
            f"{name} whose line is off, in those without a backend",
            [of("no backend", calls, _none), silent],
        ),
        Group(
            f"the line of {name}, in calls of logger.info with the same fields in its place",
            [by_hand, of("headrace", calls, _loud, limit=_LINE, over=silent)],
        ),
    ]
