"""The line of a unit of work, against one bare `logger.info` with the same fields.

Both go through the same handler and formatter. A silent unit, whose line is off, is taken off.
"""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import headrace
from benchmarks.harness import Case, Group
from benchmarks.web.sending import AT_ONCE, asgi
from headrace.asgi import FlowMiddleware as AsgiMiddleware
from headrace.integration import Unit, add_facts, transport_context, units_are_watched
from headrace.logging import JsonFormatter, install
from headrace.wsgi import FlowMiddleware as WsgiMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
_TASK = {
    **_UNIT,
    "kind": "task",
    "task_id": "1b7d2c3a",
    "queue": "celery",
    "queue_ms": 301.2345,
    "retries": 0,
    "redelivered": False,
}


@contextmanager
def _at(level: int) -> Iterator[None]:
    headrace.configure("logging")
    _ours.setLevel(level)
    try:
        yield
    finally:
        _ours.setLevel(logging.WARNING)


def _silent() -> Any:
    return _at(logging.WARNING)


def _loud() -> Any:
    return _at(logging.INFO)


@contextmanager
def _inside() -> Iterator[None]:
    with _silent(), headrace.open_context():
        yield


def _info(fields: dict[str, Any], message: str, *args: object) -> Callable[[], None]:
    def run() -> None:
        _bare.info(message, *args, extra=fields)

    return run


def _manual() -> None:
    with headrace.open_context():
        pass


def _task() -> None:
    """Do what an integration for a queue does."""
    context = transport_context("task", "worker.fulfil")
    if units_are_watched():
        add_facts(context, **{name: _TASK[name] for name in (*_TASK,)[len(_UNIT) :]})
    with Unit(context, encloses=True):
        pass


async def _asgi_app(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


def _wsgi_app(_environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [b"ok"]


def _wsgi() -> Callable[[], object]:
    app = WsgiMiddleware(_wsgi_app)

    def run() -> object:
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/"}
        return app(environ, lambda _status, _headers, _exc_info=None: bytes)  # type: ignore[arg-type]

    return run


def _group(
    name: str, call: Callable[[], object], bare: Callable[[], None], lines: int = 1
) -> Group:
    calls = 300 // lines
    silent = Case(f"{name}, silent", call, _silent, per=lines, calls=calls)
    return Group(
        f"the line of {name}, in calls of logger.info with the same fields",
        [
            Case(f"logger.info for {name}", bare, _inside, calls=300),
            Case("headrace", call, _loud, 1.3, per=lines, calls=calls, over=silent),
        ],
    )


def groups() -> list[Group]:
    """Return what is compared."""
    install()
    handler = logging.StreamHandler(open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    handler.setFormatter(JsonFormatter())
    for logger in (_ours, _bare):
        logger.addHandler(handler)
        logger.propagate = False
    _bare.setLevel(logging.INFO)
    request = _info(_REQUEST, "%s %s %d in %.1f ms", "GET", "/", 200, 12.3)
    return [
        _group("a unit", _manual, _info(_UNIT, "%s ok in %.1f ms", "manual", 12.3)),
        _group("an ASGI request", asgi(AsgiMiddleware(_asgi_app)), request, AT_ONCE),
        _group("a WSGI request", _wsgi(), request),
    ]
