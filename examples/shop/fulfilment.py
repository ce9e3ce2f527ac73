"""The worker of ``--durable``: fulfils orders by a chain that outlives it. Flask and DBOS."""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from random import Random
from typing import Any

import httpx
from flask import Flask, request

import headrace_dbos
import logs
from config import CARRIER, RUN, SHOP, WAREHOUSE
from headrace import Chain, ChainResult, current_step_key
from headrace.clients import httpx_hooks
from headrace_dbos import durable
from headrace_flask import Headrace

logs.configure("worker")
logging.getLogger("werkzeug").setLevel(logging.WARNING)
log = logging.getLogger("worker")
app = Flask(__name__)
Headrace(app)  # each request takes the ID of the shop's, and each run that of its request
http = httpx.Client(event_hooks=httpx_hooks(hosts=["127.0.0.1"]), trust_env=False, timeout=10)

Order = dict[str, Any]
POINTS = ("reserve before", "reserve after", "book before", "book after")


class CarrierDownError(Exception):
    """The carrier has no van."""


def take(order: Order) -> Order:
    """Begin with an order."""
    log.info("fulfilling", extra={"order": order["number"]})
    return order


def fail(order: Order) -> None:
    """Tell the shop that there will be no parcel."""
    ask(
        "fail",
        order,
        "PUT",
        outcome_of(order),
        {"status": "failed", "detail": "carrier stayed down"},
    )


def reserve(order: Order) -> Order:
    """Put the article aside; the answer says what is in the way, if anything."""
    answer: Order = ask("reserve", order, "PUT", reservation_of(order), order)
    return order | answer


def release(order: Order) -> None:
    """Put the article back into stock."""
    ask("release", order, "DELETE", reservation_of(order))


def book(order: Order) -> str:
    """Book a parcel: once, however often this is repeated after a crash."""
    key = {"Idempotency-Key": current_step_key() or ""}
    answer = ask("book", order, "PUT", f"{CARRIER}/parcels/{order['number']}", order, key)
    if answer["parcel"] is None:
        raise CarrierDownError
    return str(answer["parcel"])


def refuse(order: Order, problem: str) -> None:
    """Tell the shop what was in the way."""
    ask("book", order, "PUT", outcome_of(order), {"status": "refused", "detail": problem})


def confirm(order: Order, parcel: str) -> None:
    """Tell the shop which parcel it is."""
    detail = f"parcel {parcel}"
    ask("confirm", order, "PUT", outcome_of(order), {"status": "shipped", "detail": detail})


def is_reserved(context: ChainResult) -> bool:
    """Whether the article was put aside."""
    return context["reserved"]["problem"] is None


chain = (
    Chain("fulfilment")
    .next(take, args=["order"], undo=fail)
    .next(reserve, args=["order"], name="reserve", out="reserved", undo=release)
    .next(refuse, args=["order", "reserved.problem"], when="reserved.problem")
    .next(
        book,
        args=["order"],
        name="book",
        out="parcel",
        when=is_reserved,
        retries=4,
        retry_on=CarrierDownError,
        backoff=0.3,
    )
    .next(confirm, args=["order", "parcel"], when=is_reserved)
)
fulfilment = durable(chain)


@app.put("/fulfilments/<number>")
def start(number: str) -> tuple[Order, int]:
    """Start a run; the same order again is the same run."""
    fulfilment.start(number, order=request.get_json())
    return {}, 202


@app.get("/fulfilments")
def open_runs() -> Order:
    """Each run that has not ended, and its status."""
    return {handle.run_id: handle.status() for handle in headrace_dbos.unfinished()}


def ask(
    step: str, order: Order, method: str, url: str, body: Any = None, headers: Any = None
) -> Any:
    """The JSON answer of another service. A carrier that is down answers 503, and no parcel."""
    be_killed_once(f"{step} before", order)
    response = http.request(method, url, json=body, headers=headers)
    if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
        response.raise_for_status()
    be_killed_once(f"{step} after", order)
    return response.json()


def be_killed_once(moment: str, order: Order) -> None:
    """End this process as the kernel does when memory is short, if the order asks for it.

    It does at one moment of a step, and at one of an undo if there is any. The next time, nothing
    happens.
    """
    random = Random(order["number"])  # noqa: S311 - the same for each run of the demo
    moments = random.choice(POINTS), random.choice(("release before", "release after"))
    killed = RUN / f"{order['number']}.{moment}.killed"
    if order["kill_worker"] and moment in moments and not killed.exists():
        log.warning("killed: %s its request", moment, extra={"order": order["number"]})
        killed.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def reservation_of(order: Order) -> str:
    """The address of an order's reservation."""
    return f"{WAREHOUSE}/reservations/{order['number']}"


def outcome_of(order: Order) -> str:
    """The address of an order's outcome."""
    return f"{SHOP}/orders/{order['number']}/outcome"


def main(word: str) -> None:
    """Serve on a port, or draw the chain: ``fulfilment.py PORT`` or, also as JSON, ``FILE``."""
    if word.isdecimal():
        # The same executor after each restart: it resumes the runs during which it was killed.
        headrace_dbos.launch(f"sqlite:///{RUN / 'runs.sqlite'}", executor_id="worker")
        app.run(port=int(word), threaded=True)
    else:
        print(chain.graph().render())
        Path(word).write_text(chain.graph().render("json"), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
