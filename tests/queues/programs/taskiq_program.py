"""The tasks of the contract for taskiq: imported to publish them, run to work on them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from redis import Redis
from taskiq import Context, SimpleRetryMiddleware, TaskiqDepends, TaskiqScheduler
from taskiq.api import run_receiver_task, run_scheduler_task
from taskiq_redis import ListRedisScheduleSource, RedisStreamBroker

from headrace_queues.taskiq import init_app
from tests.queues.programs import notes

broker = RedisStreamBroker(
    url=notes.URL,
    queue_name=notes.QUEUE,
    consumer_group_name=notes.QUEUE,
    xread_block=200,
).with_middlewares(SimpleRetryMiddleware(default_retry_count=10))
init_app(broker)
source = ListRedisScheduleSource(notes.URL, prefix=notes.QUEUE)
message = TaskiqDepends()


@broker.task("noted")
async def noted(label: str) -> None:
    """Note the context."""
    notes.note(label)


@broker.task("parent")
async def parent(label: str) -> None:
    """Publish another task."""
    notes.note(f"{label} parent")
    await broker.find_task("noted").kiq(label)  # type: ignore[union-attr]


@broker.task("failing", retry_on_error=True)
def failing(label: str, times: int, context: Context = message) -> None:
    """Fail at the first `times` runs, in a thread."""
    notes.note(label)
    if int(context.message.labels.get("_retries", 0)) < times:
        raise LookupError(label)


@broker.task("dying")
async def dying(label: str, mark: str) -> None:
    """Kill the worker at the first run."""
    notes.note(label)
    notes.die_once(mark)


async def _publish(task: str, args: Any) -> str:
    await broker.startup()
    try:
        sent = await broker.find_task(task).kiq(*args)  # type: ignore[union-attr]
        return str(sent.task_id)
    finally:
        await broker.shutdown()


def publish(task: str, *args: Any, retries: int = 0) -> str:
    """Publish a task, and return the queue's ID of it."""
    return asyncio.run(_publish(task, args))


def redeliver() -> None:
    """Mark the messages of dead workers as idle: the worker claims them after its next message."""
    names = notes.QUEUE, notes.QUEUE  # the stream and the group
    with Redis.from_url(notes.URL) as client:
        for each in client.xpending_range(*names, "-", "+", 10):
            found = each["consumer"], 0, [each["message_id"]]
            client.xclaim(*names, *found, idle=broker.idle_timeout, justid=True)
    publish("noted", "another")


async def _schedule(task: str, args: Any) -> None:
    await source.startup()
    try:
        time = datetime.now(UTC) + timedelta(seconds=1)
        await broker.find_task(task).schedule_by_time(source, time, *args)  # type: ignore[union-attr]
    finally:
        await source._connection_pool.disconnect()


def schedule(task: str, *args: Any) -> str:
    """Have a task run in a second."""
    asyncio.run(_schedule(task, args))
    return ""


async def _work() -> None:
    broker.is_worker_process = True
    scheduler, soon = TaskiqScheduler(broker, [source]), timedelta(seconds=1)
    await asyncio.gather(
        run_receiver_task(broker, run_startup=True),
        run_scheduler_task(scheduler, interval=soon, loop_interval=soon),
    )


def work() -> None:
    """Work until the process is terminated."""
    notes.prepare_worker()
    asyncio.run(_work())


if __name__ == "__main__":
    work()
