"""Checks made once, when a worker starts: is it prepared, and do its tasks bypass a step?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from celery import signals

from headrace.integration import Registration, report_undecorated

from . import _run
from ._log import warn_once

# The first is sent before a pool forks, so that its processes do not repeat the warning; the second
# reaches workers that are started in another way.
_SIGNALS = (signals.celeryd_after_setup, signals.task_prerun)
_UID = "headrace_celery.starting"


def check_at_start() -> None:
    """Check the worker once: when it starts, or at the latest with its first task."""
    for signal in _SIGNALS:
        signal.connect(_on_start, weak=False, dispatch_uid=_UID)


def _on_start(task: Any = None, instance: Any = None, **_: Any) -> None:
    is_prepared = any(
        receiver is _run.on_task_prerun for _, receiver in signals.task_prerun.receivers
    )
    if not is_prepared and task is not None and task.request.is_eager:
        return  # it runs in the caller's unit, not in a worker
    for signal in _SIGNALS:
        signal.disconnect(dispatch_uid=_UID)
    if not is_prepared:
        warn_once(
            "init_app",
            "headrace_celery.init_app(app) was not called in this worker, so its tasks do not get "
            "their publishers' correlation IDs; call it in the module that creates the app",
        )
    app = getattr(task or instance, "app", None)
    if app is not None:
        report_undecorated(_registered_in(app))


def _registered_in(app: Any) -> Iterator[Registration]:
    for name, task in app.tasks.items():
        if not name.startswith("celery."):
            yield Registration(f"task {name!r}", task.run, "@app.task")
