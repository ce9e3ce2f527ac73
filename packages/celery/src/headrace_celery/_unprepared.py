"""A worker in which `init_app` was not called: it says so, once."""

from __future__ import annotations

from typing import Any

from celery import signals

from . import _running
from ._log import warn_once

# The first is sent before a pool forks, so that its processes know what has been said; the second
# reaches workers that are started in another way.
_SIGNALS = (signals.celeryd_after_setup, signals.task_prerun)
_UID = "headrace_celery.unprepared"


def expect_init_app() -> None:
    """Look when a worker starts, at the latest with its first task, whether it was prepared."""
    if not _is_prepared():
        for signal in _SIGNALS:
            signal.connect(_look, weak=False, dispatch_uid=_UID)


def _look(task: Any = None, **_: Any) -> None:
    if task is not None and task.request.is_eager:  # in the caller's unit, and no worker
        return
    for signal in _SIGNALS:
        signal.disconnect(dispatch_uid=_UID)
    if not _is_prepared():
        warn_once(
            "init_app",
            "headrace_celery.init_app(app) was not called in this worker: its tasks have no "
            "correlation ID of their publishers; call it in the module that makes the app",
        )


def _is_prepared() -> bool:
    return any(receiver is _running.begin for _, receiver in signals.task_prerun.receivers)
