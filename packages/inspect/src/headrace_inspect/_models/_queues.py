"""Queues other than Celery: RQ, Dramatiq, Huey, taskiq, arq, Procrastinate.

A queue is told by its looks where libraries agree on them: ``job.delay(...)``, ``actor.send(...)``,
``queue.enqueue(function, ...)``.
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

_DECORATORS = (
    "dramatiq.actor", "django_rq.job", "rq.decorators.job", "rq.job", "procrastinate.task",
    "huey.contrib.djhuey.task", "huey.contrib.djhuey.db_task", "django_tasks.task",
    "huey.contrib.djhuey.periodic_task", "huey.contrib.djhuey.db_periodic_task",
)  # fmt: skip
_BROKERS = (
    "procrastinate.App", "taskiq.InMemoryBroker", "taskiq_redis.ListQueueBroker",
    "taskiq_aio_pika.AioPikaBroker", "huey.RedisHuey", "huey.SqliteHuey", "huey.MemoryHuey",
)  # fmt: skip
_QUEUES = ("rq.Queue", "django_rq.get_queue", "rq.queue.Queue")
_PUBLISHING = (
    "send_with_options", "kiq", "kicker", "defer", "defer_async", "enqueue", "aenqueue",
    "schedule", "message",
)  # fmt: skip


def register(registry: Registry) -> None:
    """Register what this module knows."""
    registry.function(*_DECORATORS)(_decorate)
    for broker in _BROKERS:
        registry.method(broker, "task", "periodic_task", "on_event")(_decorate)
    registry.method(Task, *_PUBLISHING)(_publish)
    for queue in _QUEUES:
        registry.method(queue, "enqueue", "enqueue_call")(lambda call: _enqueue(call, 0))
        registry.method(queue, "enqueue_in", "enqueue_at")(lambda call: _enqueue(call, 1))
    registry.function("django_rq.enqueue", "django_q.tasks.async_task")(
        lambda call: _enqueue(call, 0)
    )
    for pool in ("arq.create_pool", "arq.ArqRedis", "arq.connections.ArqRedis"):
        registry.method(pool, "enqueue_job")(_by_name)


def _decorate(call: Call) -> Value:
    given = call.get(0)
    if given is None or function_in(given) is None:
        return Partial(Bound(Object(_BROKERS[0]), "task"), (), call.keywords)
    return make_task(call.frame, given, call.keywords)


def _publish(call: Call) -> Value:
    note_publishing(call.frame, call.owner, call.arguments, call.keywords, call.node)
    run_task(call.frame, call.owner, call.arguments, call.keywords, call.node, ENQUEUE)
    return UNKNOWN


def _enqueue(call: Call, index: int) -> Value:
    callee = call.get(index, "func") or UNKNOWN
    name = text_of(callee)
    if name is not None:
        run_by_name(call.frame, name, call.node)
    else:
        rest = call.rest(index + 1)
        note_publishing(call.frame, callee, rest, call.keywords, call.node)
        run_task(call.frame, callee, rest, call.keywords, call.node, ENQUEUE)
    return UNKNOWN


def _by_name(call: Call) -> Value:
    run_by_name(call.frame, text_of(call.get(0)), call.node)
    return UNKNOWN
