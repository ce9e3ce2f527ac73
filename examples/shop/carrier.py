"""The carrier: books parcels, and is down now and then. Flask."""

from __future__ import annotations

import itertools
import logging
from collections import Counter
from threading import Lock
from typing import Any

from flask import Flask, request

import logs
from flows import order
from headrace_flask import Headrace

logs.configure("carrier")
logging.getLogger("werkzeug").setLevel(logging.WARNING)
log = logging.getLogger("carrier")
app = Flask(__name__)
Headrace(app)  # each request takes the ID that the worker sent

calls: Counter[str] = Counter()
lock = Lock()
parcels = itertools.count(1)


@app.put("/parcels/<number>")
@order.step(after="reserve")
def book(number: str) -> tuple[dict[str, Any], int]:
    """Book a parcel, unless this is one of the order's first ``carrier_failures`` calls."""
    with lock:
        calls[number] += 1
        down = calls[number] <= request.get_json()["carrier_failures"]
        parcel = None if down else f"P{next(parcels):05}"
    if down:
        log.error("no van to be had", extra={"order": number})
        return {"parcel": None}, 503
    log.info("booked as %s", parcel, extra={"order": number})
    return {"parcel": parcel}, 201
