"""The demo's worker with faults; the first word of an order's number says which."""

from __future__ import annotations

import signal
import time
from typing import Any

from celery.worker.strategy import default

import worker
from worker import app, fulfil

VISIBILITY = 8  # seconds
STUCK = 2  # seconds, after which Celery kills the run
_ask = worker.ask

app.conf.broker_transport_options = {
    **app.conf.broker_transport_options,
    "visibility_timeout": VISIBILITY,
}


def fault_of(number: str) -> str:
    """Return the fault of an order."""
    return number.partition("-")[0]


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


def ask(method: str, url: str, body: Any = None) -> Any:
    """Ask another service, unless the order is one that gets stuck or fails."""
    fault = fault_of(url.split("/")[4])
    if fault == "stuck":
        # As in a library that never returns: only SIGKILL ends it.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        time.sleep(3600)
    if fault == "failed":
        raise RuntimeError("no")
    if fault == "exhausted":
        raise fulfil.retry(exc=RuntimeError("no"), countdown=0.1)
    return _ask(method, url, body)


worker.ask = ask
app.tasks[fulfil.name].Strategy = strategy
