"""Checks when a worker starts: whether `init_app` was called and tasks bypass declared steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from celery import Celery

from headrace.integration import Registration, report_undecorated

from ._log import warn_once


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


def _registrations(app: Any) -> Iterator[Registration]:
    for name, task in app.tasks.items():
        if not name.startswith("celery."):
            yield Registration(f"task {name!r}", task.run, "@app.task")
