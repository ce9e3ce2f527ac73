"""Queues other than Celery: RQ, Dramatiq, Huey, taskiq, arq, Procrastinate, Django's tasks.

Where libraries agree on a method, any of their tasks has it: ``job.delay(...)``,
``actor.send(...)``, ``queue.enqueue(function, ...)``.
"""

from __future__ import annotations

from headrace_inspect._evaluate._contexts import ENQUEUE
from headrace_inspect._evaluate._registry import Call, Registry
from headrace_inspect._evaluate._values import (
    UNKNOWN,
    Bound,
    Object,
    Partial,
    Value,
    function_in,
    text_of,
)

from ._tasks import Task, make_task, note_publishing, run_by_name, run_task

_DECORATORS = """
    dramatiq.actor django_rq.job rq.job procrastinate.task django_tasks.task
    huey.contrib.djhuey.task huey.contrib.djhuey.db_task huey.contrib.djhuey.periodic_task
    huey.contrib.djhuey.db_periodic_task
"""
_BROKERS = """
    procrastinate.App taskiq.InMemoryBroker taskiq_redis.ListQueueBroker
    taskiq_aio_pika.AioPikaBroker huey.RedisHuey huey.SqliteHuey huey.MemoryHuey
"""
_QUEUES = "rq.Queue django_rq.get_queue"
_PUBLISHING = "send_with_options kiq kicker defer defer_async enqueue aenqueue schedule message"


def register(registry: Registry) -> None:
    """Register what this module knows."""
    registry.function(_decorate, _DECORATORS)
    registry.method(_decorate, _BROKERS, "task periodic_task on_event")
    registry.method(_publish, Task, _PUBLISHING)
    registry.method(lambda call: _enqueue(call, 0), _QUEUES, "enqueue enqueue_call")
    registry.method(lambda call: _enqueue(call, 1), _QUEUES, "enqueue_in enqueue_at")
    registry.function(lambda call: _enqueue(call, 0), "django_rq.enqueue django_q.tasks.async_task")
    pools = "arq.create_pool arq.ArqRedis"
    registry.method(lambda call: _enqueue(call, 0), pools, "enqueue_job")


def _decorate(call: Call) -> Value:
    given = call.get(0)
    if given is None or function_in(given) is None:
        return Partial(Bound(Object("procrastinate.App"), "task"), (), call.keywords)
    return make_task(call.frame, given, call.keywords)


def _publish(call: Call) -> Value:
    note_publishing(call.owner, call)
    run_task(call.owner, call.but(call.arguments, call.keywords, ENQUEUE))
    return UNKNOWN


def _enqueue(call: Call, index: int) -> Value:
    callee = call.value(index, "func")
    name = text_of(callee)
    if name is not None:
        run_by_name(call.frame, name, call.node)
    else:
        given = call.but(call.rest(index + 1), call.keywords, ENQUEUE)
        note_publishing(callee, given)
        run_task(callee, given)
    return UNKNOWN
