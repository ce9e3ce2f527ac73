"""Uses headrace_queues the way a typed program does: type-checked, never run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, assert_type

import dramatiq
from dramatiq.brokers.stub import StubBroker
from redis import Redis
from rq import SimpleWorker
from rq.job import Job
from taskiq import InMemoryBroker

import headrace_queues.dramatiq
import headrace_queues.taskiq
from headrace_queues.rq import FlowQueue, FlowWorker, FlowWorkerMixin

if TYPE_CHECKING:
    from taskiq import ScheduleSource

connection = Redis()
queue = FlowQueue("typed", connection=connection)


class OwnWorker(FlowWorkerMixin, SimpleWorker):
    """The mixin comes before a worker class of RQ."""


def ship(order_id: int) -> None:
    """Have something to enqueue."""


def enqueue() -> None:
    """Jobs keep their types."""
    assert_type(queue.enqueue(ship, 7, meta={"tenant": "acme"}), Job)
    assert_type(queue.enqueue_in(timedelta(seconds=1), ship, 7), Job)
    assert_type(queue.enqueue_many([FlowQueue.prepare_data(ship, (7,))]), list[Job])
    FlowWorker([queue], connection=connection).work(burst=True)
    OwnWorker([queue], connection=connection).work(burst=True)


actors = StubBroker()
headrace_queues.dramatiq.init_app(actors)
own_middleware = dramatiq.broker.Broker(middleware=[headrace_queues.dramatiq.FlowMiddleware()])

broker = InMemoryBroker()
headrace_queues.taskiq.init_app(broker)


@broker.task
async def pack(order_id: int) -> str:
    """Be published."""
    return str(order_id)


async def publish(source: ScheduleSource) -> None:
    """Tasks keep their types."""
    await pack.kiq(7)
    await pack.schedule_by_time(source, datetime.now(UTC), 7)
    broker.add_middlewares(headrace_queues.taskiq.FlowMiddleware())
    headrace_queues.taskiq.FlowTask(broker, "ship", ship, {})
