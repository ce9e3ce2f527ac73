"""The tasks of the contract for RQ: imported to publish them, run to work on them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from redis import Redis
from rq import Retry
from rq.worker import Worker

from headrace_queues.rq import FlowQueue, FlowWorker
from tests.queues.programs import notes

queue = FlowQueue(notes.QUEUE, connection=Redis.from_url(notes.URL))


def noted(label: str) -> None:
    """Note the context."""
    notes.note(label)


def parent(label: str) -> None:
    """Publish another task."""
    notes.note(f"{label} parent")
    publish("noted", label)


def failing(label: str, times: int) -> None:
    """Fail at the first `times` runs."""
    from rq import get_current_job

    notes.note(label)
    job: Any = get_current_job()
    if (job.meta["headrace"].get("retries") or 0) < times:
        raise LookupError(label)


def asking(label: str) -> Any:
    """Ask for a retry once."""
    from rq import get_current_job

    notes.note(label)
    job: Any = get_current_job()
    return None if job.number_of_retries else Retry(max=1)


def dying(label: str, mark: str) -> None:
    """Kill the work horse at the first run."""
    notes.note(label)
    notes.die_once(mark)


def publish(task: str, *args: Any, retries: int = 0) -> str:
    """Publish a task, and return the queue's ID of it."""
    retry = Retry(max=retries) if retries else None
    return str(queue.enqueue(globals()[task], *args, retry=retry, failure_ttl=60).id)


def schedule(task: str, *args: Any) -> str:
    """Have a task run in a second."""
    delay = timedelta(seconds=1)
    return str(queue.enqueue_in(delay, globals()[task], *args, failure_ttl=60).id)


def work() -> None:
    """Work until the process is terminated."""
    notes.prepare_worker()
    worker: Worker = FlowWorker([queue], connection=queue.connection)
    worker.work(with_scheduler=True, log_format=notes.LINES)


if __name__ == "__main__":
    work()
