"""Redeliveries of tasks that have already succeeded.

With ``worker_deduplicate_successful_tasks`` Celery does not run such a task again, and publishes
the callbacks that the first run could not. It does so before any `task_prerun`, so that the unit is
opened around the tracer here.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from celery import current_app

from headrace import get_flow_context
from headrace.integration import Unit

from ._contexts import report, worker_context

_waiting: ContextVar[Unit | None] = ContextVar("headrace_celery.redelivery", default=None)


def on_worker_process_init(**_: Any) -> None:
    """Receive `worker_process_init`: guard the tasks of a child process."""
    if current_app.conf.worker_deduplicate_successful_tasks:
        for task in current_app.tasks.values():
            _guard(task)


def on_task_received(request: Any = None, **_: Any) -> None:
    """Receive `task_received`: guard the task if it runs in this process.

    Celery rebuilds the tracers whenever it reconnects to the broker.
    """
    redelivered = request.delivery_info.get("redelivered")
    if redelivered and request.app.conf.worker_deduplicate_successful_tasks:
        _guard(request.task)


def take_over() -> Unit | None:
    """Return the unit that was opened for the redelivery, if the run is this one's."""
    unit = _waiting.get()
    if unit is None or unit.context is not get_flow_context():
        return None
    _waiting.set(None)
    return unit


def _guard(task: Any) -> None:
    trace = task.__trace__
    if trace is not None and not isinstance(trace, _Guarded):
        task.__trace__ = _Guarded(task, trace)


class _Guarded:
    """A tracer of Celery's, with a unit around the redelivery of a message."""

    def __init__(self, task: Any, trace: Any) -> None:
        self._task = task
        self._trace = trace

    def __call__(self, uuid: str, args: Any, kwargs: Any, request: Any = None) -> Any:
        if not _is_redelivered(request):
            return self._trace(uuid, args, kwargs, request)
        context, problem = worker_context(self._task, request)
        unit = Unit(context, encloses=True)
        unit.__enter__()
        try:
            _waiting.set(unit)
            if problem:
                report(problem, self._task.name, uuid)
            return self._trace(uuid, args, kwargs, request)
        finally:
            if _waiting.get() is unit:
                _waiting.set(None)
                unit.__exit__(None, None, None)


def _is_redelivered(request: Any) -> bool:
    info = request.get("delivery_info") if isinstance(request, dict) else None
    return bool(isinstance(info, dict) and info.get("redelivered"))
