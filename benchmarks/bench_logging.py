"""Formatting a log line as JSON, against a formatter written by hand and against a peer.

All lines carry the same values. The formatters that do not know headrace get its names from a
`FlowFilter`, as its documentation shows.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pythonjsonlogger.json

import headrace
from benchmarks.harness import Case, Group
from headrace.logging import FlowFilter, JsonFormatter, LinesFormatter, install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_HOST, _PID = socket.gethostname(), os.getpid()
_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime"}
_FIELDS = {
    "amount": 129.5,
    "currency": "EUR",
    "attempt": 2,
    "is_new": True,
    "provider": "acme",
}


class _ByHand(logging.Formatter):
    """What applications write themselves."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        entry = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "host": _HOST,
            "pid": _PID,
        }
        entry |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        return json.dumps(entry, default=str)


@contextmanager
def _unit() -> Iterator[None]:
    install()
    with headrace.open_context():
        yield


def _formatting(
    formatter: logging.Formatter, names: logging.Filter | None = None
) -> Callable[[], str]:
    """Return the call that a handler with `formatter` makes for a new record."""
    log = logging.getLogger("benchmark.shop")

    def run() -> str:
        record = log.makeRecord(
            log.name, logging.INFO, "f", 1, "paid order %d", (17,), None, extra=_FIELDS
        )
        if names is not None:
            names.filter(record)
        return formatter.format(record)

    return run


def groups() -> list[Group]:
    """Return what is compared."""
    names = FlowFilter(fields=["unit_id"])
    peer = pythonjsonlogger.json.JsonFormatter(
        "%(asctime)s %(levelname)s %(name)s %(message)s %(process)d", static_fields={"host": _HOST}
    )
    ours = JsonFormatter()
    return [
        Group(
            "a log line as JSON, in lines of a formatter by hand",
            [
                Case("by hand, json.dumps", _formatting(_ByHand(), names), _unit, calls=300),
                Case("headrace JsonFormatter", _formatting(ours), _unit, 1.2, calls=300),
                Case("headrace, ECS", _formatting(JsonFormatter(style="ecs")), _unit, calls=300),
                Case("python-json-logger", _formatting(peer, names), _unit, calls=300),
                Case("headrace LinesFormatter", _formatting(LinesFormatter()), _unit, calls=300),
            ],
        ),
    ]
