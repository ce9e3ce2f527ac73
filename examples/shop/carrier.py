"""The carrier: books parcels, and is down now and then. Flask."""

from __future__ import annotations

import itertools
import logging
from collections import Counter, defaultdict
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
ledger: dict[str, list[str]] = defaultdict(list)
keys: dict[str, str] = {}
lock = Lock()
parcels = itertools.count(1)


@app.put("/parcels/<number>")
@order.step(after="reserve")
def book(number: str) -> tuple[dict[str, Any], int]:
    """Book a parcel, unless this is one of the order's first ``carrier_failures`` calls.

    A call with the ``Idempotency-Key`` of an earlier one gets the parcel of that.
    """
    key = request.headers.get("Idempotency-Key", "")
    with lock:
        calls[number] += 1
        down = calls[number] <= request.get_json()["carrier_failures"]
        parcel = keys.get(key)
        if not down and parcel is None:
            parcel = f"P{next(parcels):05}"
            ledger[number].append(parcel)
            if key:
                keys[key] = parcel
    if down:
        log.error("no van to be had", extra={"order": number})
        return {"parcel": None}, 503
    log.info("booked as %s", parcel, extra={"order": number})
    return {"parcel": parcel}, 201


@app.get("/parcels")
def all_parcels() -> dict[str, list[str]]:
    """The ledger: the parcels of each order."""
    return ledger
