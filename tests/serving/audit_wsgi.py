"""The WSGI site of the audit: ``tests.serving.audit_wsgi:app``."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator

from flask import Flask, Response, request

import headrace
from headrace_flask import Headrace
from tests.serving.audit_kit import LANES, cut, log_to

_log = logging.getLogger("audit")
_constants = [ValueError() for _ in range(LANES)]

KINDS = [
    *("work", "anonymous", "body", "background", "error", "constant-error", "stream"),
    *("stream-error", "abort", "health", "health-error", "health-constant"),
]


def note(place: str, marker: str) -> None:
    _log.info("%s %s", place, marker)


def fail(lane: int, marker: str) -> None:
    """Raise an error object that other requests have raised before."""
    _constants[lane].args = (marker,)
    cut(_constants[lane])
    raise _constants[lane]


app = Flask(__name__)
app.config["PROPAGATE_EXCEPTIONS"] = True  # to the server
Headrace(app, exclude_paths=["/health/*", "/health-error/*", "/health-constant/*"])


@app.route("/<kind>/<int:lane>/<marker>", methods=["GET", "POST"])
def work(kind: str, lane: int, marker: str) -> Response | str:
    note("handler", request.get_data(as_text=True).strip() or marker)
    if kind.endswith("-constant") or kind == "constant-error":
        fail(lane, marker)
    if kind in {"error", "health-error"}:
        raise RuntimeError(marker)
    if kind in {"stream", "stream-error", "abort"}:
        return Response(pieces(kind, marker))
    if kind == "background":
        threading.Thread(target=headrace.bind(later), args=(lane, marker)).start()
    return marker


def later(lane: int, marker: str) -> None:
    time.sleep(0.005)
    try:
        raise RuntimeError(marker)
    except RuntimeError:
        _log.exception("thread")


def pieces(kind: str, marker: str) -> Iterator[bytes]:
    try:
        for _ in range(100 if kind == "abort" else 3):
            note("piece", marker)
            yield b"p" * 1000
            time.sleep(0.002)
        if kind == "stream-error":
            raise RuntimeError(marker)
    finally:
        note("closed", marker)


if "HEADRACE_SITE_LOG" in os.environ:
    log_to(os.environ["HEADRACE_SITE_LOG"])
