"""Redelivered messages of tasks that have already succeeded.

With ``worker_deduplicate_successful_tasks``, Celery does not run such a task again, but publishes
the callbacks that the first run could not publish. It does so in the task's tracer, before any
`task_prerun`, so the unit must be opened around the tracer.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from celery import current_app
from celery.exceptions import Ignore

from headrace import get_flow_context
from headrace.integration import Unit
from headrace.integration.messages import report_ignored

from ._contexts import worker_context

_waiting: ContextVar[Unit | None] = ContextVar("headrace_celery.redelivery", default=None)


def on_worker_process_init(**_: Any) -> None:
    """Wrap the tracers of a pool's child process, which has just built them."""
    if current_app.conf.worker_deduplicate_successful_tasks:
        for task in current_app.tasks.values():
            _wrap_tracer(task)


def on_task_received(request: Any = None, **_: Any) -> None:
    """Wrap the tracer of a redelivered task that runs in this process, as in a solo pool.

    This happens once per message, since Celery rebuilds the tracers whenever it reconnects.
    """
    redelivered = request.delivery_info.get("redelivered")
    if redelivered and request.app.conf.worker_deduplicate_successful_tasks:
        _wrap_tracer(request.task)


def take_over() -> Unit | None:
    """Return the unit opened around the tracer, if it is meant for the run that begins now.

    The run then ends it. Inside any other unit, such as an eager run's, the result is None.
    """
    unit = _waiting.get()
    if unit is None or unit.context is not get_flow_context():
        return None
    _waiting.set(None)
    return unit


def _wrap_tracer(task: Any) -> None:
    tracer = task.__trace__
    if tracer is not None and not isinstance(tracer, _Tracer):
        task.__trace__ = _Tracer(task, tracer)


class _Tracer:
    """One of Celery's tracers, inside a unit if the message was redelivered."""

    def __init__(self, task: Any, tracer: Any) -> None:
        self._task = task
        self._tracer = tracer

    def __call__(self, uuid: str, args: Any, kwargs: Any, request: Any = None) -> Any:
        if not _is_redelivered(request):
            return self._tracer(uuid, args, kwargs, request)
        context, problem = worker_context(self._task, request)
        unit = Unit(context, encloses=True)
        unit.__enter__()
        try:
            _waiting.set(unit)
            if problem:
                report_ignored(problem, self._task.name, uuid)
            return self._tracer(uuid, args, kwargs, request)
        finally:
            if _waiting.get() is unit:  # no run has taken it over: Celery ignored the message
                _waiting.set(None)
                unit.__exit__(Ignore, Ignore(), None)


def _is_redelivered(request: Any) -> bool:
    info = request.get("delivery_info") if isinstance(request, dict) else None
    return bool(isinstance(info, dict) and info.get("redelivered"))
