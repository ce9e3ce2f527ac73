"""Checks when a worker starts: whether `init_app` was called and tasks bypass declared steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from celery import Celery, Task

from headrace.integration import Registration, report_undecorated

from ._log import warn_once
from ._spelling import meant_by


def check_worker(app: Celery | None, *, is_prepared: bool) -> None:
    """Log the problems of the worker of `app`.

    Args:
        app: the worker's app, or None if it is not known.
        is_prepared: whether `init_app` was called in this process.
    """
    if not is_prepared:
        warn_once(
            "init_app",
            "headrace_celery.init_app(app) was not called in this worker, so its tasks do not get "
            "their publishers' correlation IDs; call it in the module that creates the app",
        )
    if app is not None:
        report_undecorated(_registrations(app))
        _report_misspelt(app)


def _registrations(app: Any) -> Iterator[Registration]:
    for name, task in app.tasks.items():
        if not name.startswith("celery."):
            yield Registration(f"task {name!r}", task.run, "@app.task")


def _report_misspelt(app: Any) -> None:
    for name, task in app.tasks.items():
        for given in vars(type(task)):
            near = None if given.startswith("_") else meant_by(given, Task)
            if near is not None:
                warn_once(
                    f"{name} {given}",
                    "task %r has no option %r, so it has no effect; did you mean %r?",
                    *(name, given, near),
                )
