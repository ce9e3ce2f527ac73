"""The tasks of the contract for Dramatiq: imported to publish them, run to work on them."""

from __future__ import annotations

import signal
import sys
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import Retry
from dramatiq.middleware import CurrentMessage

from headrace_queues.dramatiq import init_app
from tests.queues.programs import notes

broker = RedisBroker(
    url=notes.URL,
    namespace=notes.QUEUE,
    maintenance_chance=1_000_000,  # each time: it hands on the messages of dead workers
)
broker.add_middleware(CurrentMessage())
init_app(broker)
dramatiq.set_broker(broker)
soon = {"min_backoff": 10, "max_backoff": 10}


@dramatiq.actor(**soon)
def noted(label: str) -> None:
    """Note the context."""
    notes.note(label)


@dramatiq.actor(**soon)
def parent(label: str) -> None:
    """Publish another task."""
    notes.note(f"{label} parent")
    publish("noted", label)


@dramatiq.actor(**soon)
def failing(label: str, times: int) -> None:
    """Fail at the first `times` runs."""
    notes.note(label)
    message: Any = CurrentMessage.get_current_message()
    if message.options.get("retries", 0) < times:
        raise LookupError(label)


@dramatiq.actor(**soon)
def asking(label: str) -> None:
    """Ask for a retry once."""
    notes.note(label)
    message: Any = CurrentMessage.get_current_message()
    if not message.options.get("retries"):
        raise Retry(delay=10)


@dramatiq.actor(**soon)
def dying(label: str, mark: str) -> None:
    """Kill the worker at the first run."""
    notes.note(label)
    notes.die_once(mark)


def publish(task: str, *args: Any, retries: int = 0) -> str:
    """Publish a task, and return the queue's ID of it."""
    actor = broker.get_actor(task)
    return str(actor.send_with_options(args=args, max_retries=retries or 1).message_id)


def redeliver() -> None:
    """Return the messages of dead workers to the queue; publishing another one triggers it."""
    usual = broker.heartbeat_timeout
    broker.heartbeat_timeout = 0
    try:
        publish("noted", "another")
    finally:
        broker.heartbeat_timeout = usual


def schedule(task: str, *args: Any) -> str:
    """Have a task run in a second."""
    return str(broker.get_actor(task).send_with_options(args=args, delay=1000).message_id)


def work() -> None:
    """Work until the process is terminated."""
    notes.prepare_worker()
    worker = dramatiq.Worker(broker, worker_threads=2, worker_timeout=100)
    worker.start()
    signal.sigwait({signal.SIGTERM})
    worker.stop()
    sys.exit()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    work()
