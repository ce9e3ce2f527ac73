"""The demo's worker with faults; the first word of an order's number says which."""

from __future__ import annotations

import os
import re
import signal
import time
from typing import Any

from celery.exceptions import Retry
from celery.worker.strategy import default
from faults import Ledger, fault_of, is_first, kill_point
from kombu.exceptions import OperationalError
from kombu.messaging import Producer

import worker
from config import RUN
from worker import app, fulfil

VISIBILITY = 8  # seconds
STUCK = 2  # seconds, after which Celery kills the run
DONE = {"reservations": "reserved", "parcels": "booked", "orders": "told"}
_ask, _run, _publish = worker.ask, fulfil.run, Producer._publish
ledger = Ledger(RUN)

app.conf.broker_transport_options = {
    **app.conf.broker_transport_options,
    "visibility_timeout": VISIBILITY,
    "unacked_restore_interval": 1,  # seconds
    "unacked_restore_throttle": 1,
}


def publish(self: Producer, body: Any, *words: Any, **keywords: Any) -> Any:
    """Send a message, unless it is one that is dropped or refused."""
    number = re.search(r'"number": "([^"]+)"', str(body))
    fault = fault_of(number[1]) if number else None
    if fault == "unsent":
        raise OperationalError("no broker")
    if fault == "dropped" or (fault == "unretried" and words[3]["retries"]):
        return None
    return _publish(self, body, *words, **keywords)


def strategy(task: Any, app: Any, consumer: Any, **options: Any) -> Any:
    """Lose or double some messages on their way from the broker to the task."""
    handle = default(task, app, consumer, **options)

    def receive(message: Any, *words: Any, **keywords: Any) -> Any:
        fault = fault_of(message.payload[0][0]["number"])
        if fault == "lost":
            return message.ack()
        if fault == "doubled" and not message.delivery_info.get("redelivered"):
            # As when the visibility timeout passes while the task runs.
            message.channel.qos.restore_by_tag(message.delivery_tag)
        return handle(message, *words, **keywords)

    return receive


def run(order: dict[str, Any]) -> Any:
    """Fulfil an order, and note in the ledger that a run began and how it ended."""
    number = order["number"]
    ledger.note(number, "began")
    try:
        done = _run(order)
    except Retry:
        ledger.note(number, "retry")
        raise
    except Exception:
        ledger.note(number, "error")
        raise
    ledger.note(number, "ok")
    return done


def ask(method: str, url: str, body: Any = None) -> Any:
    """Ask another service, unless the order is one that gets stuck or fails, or is killed."""
    service, number = url.split("/")[3:5]
    fault = fault_of(number)
    if fault == "stuck":
        # As in a library that never returns: only SIGKILL ends it.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        time.sleep(3600)
    if fault == "slow":
        be_slow(number)
    if fault == "failed":
        raise RuntimeError("no")
    if fault in {"exhausted", "unretried"}:
        raise fulfil.retry(exc=RuntimeError("no"), countdown=0.1)
    die_at(service, number)
    answer = _ask(method, url, body)
    die_at(DONE[service], number)
    return answer


def be_slow(number: str) -> None:
    """Wait in the first run until the broker has delivered the message again."""
    again = RUN / f"{number}.again"
    if is_first(RUN, number):
        while not again.exists():
            time.sleep(0.2)
    again.touch()


def die_at(point: str, number: str) -> None:
    """Kill this process, once, if the order is one that is killed at this point."""
    if fault_of(number) == "killed" and kill_point(number) == point and is_first(RUN, number):
        os.kill(os.getpid(), signal.SIGKILL)


worker.ask = ask
fulfil.run = run
app.tasks[fulfil.name].Strategy = strategy
Producer._publish = publish
