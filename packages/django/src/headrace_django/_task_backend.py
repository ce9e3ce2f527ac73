"""headrace for `django.tasks`, the background tasks of Django 6 and newer.

`FlowBackend` wraps a backend::

    TASKS = {
        "default": {
            "BACKEND": "headrace_django.tasks.FlowBackend",
            "WRAPS": "django_tasks_db.DatabaseBackend",
        }
    }

A task result has no place for headers, so what is carried depends on the wrapped backend.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextvars import ContextVar
from functools import cache
from typing import Any, Self

from django.core.exceptions import ImproperlyConfigured
from django.db.models.signals import pre_save
from django.tasks import TaskResultStatus, task_backends
from django.tasks.backends.base import BaseTaskBackend
from django.tasks.exceptions import InvalidTaskBackend
from django.tasks.signals import log_task_started, task_enqueued, task_finished, task_started
from django.utils.module_loading import import_string

from headrace import get_flow_context
from headrace.integration import (
    Publication,
    Unit,
    add_facts,
    begin_run,
    end_run,
    nested_context,
    units_are_watched,
    write_headers,
)
from headrace.integration.messages import propagated_metadata

__all__ = ["FlowBackend"]


class FlowBackend(BaseTaskBackend):
    """A wrapper of a task backend, whose tasks carry the context and run in units of their own.

    The instance is also one of the wrapped class, as its worker may require. A subclass that names
    the wrapped class as its second base needs no ``WRAPS``.

    Args:
        alias: the backend's name in the setting ``TASKS``.
        params: the backend's settings. ``WRAPS`` is the dotted path of the wrapped class; the
            others are its own.

    Raises:
        ImproperlyConfigured: ``WRAPS`` is missing, or names no task backend.
    """

    def __new__(cls, alias: str, params: dict[str, Any]) -> Self:
        """Return an instance of a class that is both this and the wrapped one."""
        own: Any = _wrapper(_wrapped(alias, params)) if cls is FlowBackend else cls
        made: Self = super().__new__(own)
        return made

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        _connect_receivers()

    def enqueue(self, task: Any, args: Any, kwargs: Any) -> Any:
        """Enqueue a task, or run it, as the wrapped backend does."""
        outer, inline = _inline.get(), list[str]()
        _inline.set(inline)
        try:
            # Of the wrapped class, whose type checkers know nothing here.
            return super().enqueue(task, args, kwargs)  # pyright: ignore[reportAbstractUsage]
        except BaseException as exc:  # such as Ctrl-C, for which Django sends no `task_finished`
            for result_id in inline:
                _end(result_id, exc)
            raise
        finally:
            _inline.set(outer)


# The results of tasks that the backend runs inside the current call of `enqueue`.
_inline: ContextVar[list[str] | None] = ContextVar("headrace_django.inline", default=None)
# The units of runs in progress, by the ID of the result: the signals of a run have other objects.
_open: dict[str, Unit] = {}


def _wrapped(alias: str, params: Mapping[str, Any]) -> type[BaseTaskBackend]:
    path: Any = params.get("WRAPS")
    try:
        wrapped = import_string(path)
    except (ImportError, AttributeError) as error:
        raise ImproperlyConfigured(
            f"TASKS[{alias!r}]: FlowBackend needs WRAPS, the dotted path of the backend that it "
            f"wraps, such as 'django.tasks.backends.immediate.ImmediateBackend', not {path!r}"
        ) from error
    if not (isinstance(wrapped, type) and issubclass(wrapped, BaseTaskBackend)):
        raise ImproperlyConfigured(f"TASKS[{alias!r}]: WRAPS names no task backend: {path!r}")
    return wrapped


@cache
def _wrapper(wrapped: type[BaseTaskBackend]) -> type[FlowBackend]:
    return type(f"Flow{wrapped.__name__}", (FlowBackend, wrapped), {"__module__": __name__})


@cache
def _connect_receivers() -> None:
    pre_save.connect(_on_pre_save, sender="django_tasks_database.DBTaskResult")
    task_enqueued.connect(_on_task_enqueued)
    # Before Django's own receiver, so that its line carries the ID.
    task_started.disconnect(log_task_started)
    task_started.connect(_on_task_started)
    task_started.connect(log_task_started)


def _is_ours(alias: str) -> bool:
    try:
        return isinstance(task_backends[alias], FlowBackend)
    except InvalidTaskBackend:  # a row of the database may name one that exists no more
        return False


def _on_pre_save(instance: Any, raw: bool = False, **_: Any) -> None:
    # The row of django-tasks-db holds the arguments as two keys of one JSON object. Other keys are
    # kept, and are in no result.
    is_new = instance._state.adding and not raw  # noqa: SLF001 - documented by Django
    if is_new and _is_ours(instance.backend_name):
        write_headers(instance.args_kwargs)


def _headers_of(task_result: Any) -> Mapping[str, Any]:
    stored = getattr(getattr(task_result, "db_result", None), "args_kwargs", None)
    return stored if isinstance(stored, Mapping) else {}


def _on_task_enqueued(task_result: Any, **_: Any) -> None:
    if not _is_ours(task_result.backend):
        return
    task, due = task_result.task, task_result.task.run_after
    eta = None if due is None else due.isoformat()
    Publication(task.module_path, task_result.id, queue=task.queue_name, eta=eta).__enter__()


def _on_task_started(task_result: Any, **_: Any) -> None:
    if not _is_ours(task_result.backend):
        return
    # Connected as late as possible, to run after the project's receivers.
    task_finished.connect(_on_task_finished)
    name, inline = task_result.task.module_path, _inline.get()
    facts: dict[str, Any] = {
        "system": "django",
        "task_id": task_result.id,
        "queue": task_result.task.queue_name,
        "retries": max(0, task_result.attempts - 1),
    }
    if inline is None:
        unit = begin_run(name, _headers_of(task_result), **facts)
    else:
        inline.append(task_result.id)
        unit = _begin_inline(name, facts)
    _open[task_result.id] = unit


def _begin_inline(name: str, facts: dict[str, Any]) -> Unit:
    caller = get_flow_context()
    metadata = None if caller is None else propagated_metadata(caller)
    context = nested_context("task", name, metadata=metadata)
    if units_are_watched():
        add_facts(context, **facts)
    unit = Unit(context, encloses=True)
    unit.__enter__()
    return unit


def _on_task_finished(task_result: Any, **_: Any) -> None:
    if task_result.status != TaskResultStatus.FAILED:
        _end(task_result.id, None)
        return
    # Django's backends send the signal while they handle the exception.
    exc = sys.exc_info()[1]
    if exc is None:
        names = [error.exception_class_path for error in task_result.errors]
        exc = RuntimeError(f"the task failed with {names[-1] if names else 'an error'}")
    _end(task_result.id, exc)


def _end(result_id: str, exc: BaseException | None) -> None:
    unit = _open.pop(result_id, None)
    if unit is not None:
        end_run(unit, exc)
