"""The worker: fulfils orders by asking the warehouse and the carrier. Celery."""

from __future__ import annotations

import logging
import os
import signal
from typing import Any

import httpx
from celery import Celery, Task
from celery.signals import setup_logging

import broker
import headrace_celery
import logs
from config import CARRIER, RUN, SHOP, WAREHOUSE
from headrace.clients import httpx_hooks
from headrace.logging import fork_safe
from headrace_celery import flow_task

log = logging.getLogger("worker")
app = Celery("worker")
app.conf.update(broker.SETTINGS)
headrace_celery.init_app(app)  # each task has the ID of the request that published it

# Requests to this machine carry the ID on; requests to anywhere else would not.
http = httpx.Client(event_hooks=httpx_hooks(hosts=["127.0.0.1"]), trust_env=False, timeout=10)


@setup_logging.connect
def configure_logging(**_: Any) -> None:
    """Take logging over from Celery.

    With the file system as the broker, Celery replaces a killed process from a thread: it must
    not fork while the main thread writes a line.
    """
    logs.configure("worker")
    fork_safe()


@flow_task("order", after="receive", app=app, bind=True, max_retries=4)
def fulfil(self: Task, order: dict[str, Any]) -> None:
    """Reserve the article, book the parcel, tell the shop."""
    number = order["number"]
    log.info("fulfilling, attempt %d", self.request.retries + 1, extra={"order": number})
    reserved = ask("PUT", f"{WAREHOUSE}/reservations/{number}", order)
    if order["kill_worker"]:
        be_killed_once(number)
    if reserved["problem"]:
        return tell(number, "refused", reserved["problem"])
    booked = ask("PUT", f"{CARRIER}/parcels/{number}", order)
    if booked["parcel"]:
        return tell(number, "shipped", f"parcel {booked['parcel']}")
    if self.request.retries < self.max_retries:
        log.warning("carrier is down, trying again", extra={"order": number})
        raise self.retry(countdown=0.3)
    ask("DELETE", f"{WAREHOUSE}/reservations/{number}")
    return tell(number, "failed", "carrier stayed down")


def be_killed_once(number: str) -> None:
    """End this process as the kernel does when memory is short; do nothing the next time."""
    try:
        (RUN / f"{number}.killed").touch(exist_ok=False)
    except FileExistsError:
        return
    log.warning("this process is about to be killed", extra={"order": number})
    os.kill(os.getpid(), signal.SIGKILL)


def ask(method: str, url: str, body: Any = None) -> Any:
    """The JSON answer of another service. A carrier that is down answers 503, and no parcel."""
    response = http.request(method, url, json=body)
    if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
        response.raise_for_status()
    return response.json()


def tell(number: str, status: str, detail: str) -> None:
    """Report the outcome to the shop."""
    ask("PUT", f"{SHOP}/orders/{number}/outcome", {"status": status, "detail": detail})
