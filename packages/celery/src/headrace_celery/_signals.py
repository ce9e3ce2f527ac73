"""Celery's signals, and the receivers that we connect to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celery import signals

from . import _beat, _deadlines, _handlers, _message, _publishing, _redelivery, _run
from ._startup import check_worker

_RECEIVERS = (
    (signals.before_task_publish, _message.on_before_task_publish),
    (signals.after_task_publish, _publishing.on_after_task_publish),
    (signals.task_prerun, _run.on_task_prerun),
    (signals.task_postrun, _run.on_task_postrun),
    (signals.task_received, _deadlines.on_task_received),
    (signals.task_received, _redelivery.on_task_received),
    (signals.worker_process_init, _redelivery.on_worker_process_init),
    (signals.beat_init, _beat.on_beat_init),
    (signals.beat_embedded_init, _beat.on_beat_init),
    (signals.after_setup_logger, _handlers.on_after_setup_logger),
    (signals.after_setup_task_logger, _handlers.on_after_setup_logger),
)


def connect_receivers() -> None:
    """Connect all receivers, as `init_app` does; a second call changes nothing."""
    for signal, receiver in _RECEIVERS:
        _connect(signal, receiver)
    connect_startup_check()
    _run.keep_outermost()


def connect_startup_check() -> None:
    """Check the worker of this process once, when it starts or at its first task.

    `flow_task` calls this too, to detect a worker without `init_app`.
    """
    for signal, receiver in _STARTUP_RECEIVERS:
        _connect(signal, receiver)


def on_celeryd_after_setup(instance: Any = None, **_: Any) -> None:
    """Check the worker before its pool forks, so that no child repeats the warnings."""
    _deadlines.remember_worker_limit(instance)
    _check_once(instance, _is_prepared())


def on_first_task_prerun(task: Any = None, **_: Any) -> None:
    """Check a worker that sent no `celeryd_after_setup`, such as one started by a test."""
    is_prepared = _is_prepared()
    # An eager run happens in its caller's unit, and says nothing about a worker.
    if is_prepared or not task.request.is_eager:
        _check_once(task, is_prepared)


_STARTUP_RECEIVERS = (
    (signals.celeryd_after_setup, on_celeryd_after_setup),
    (signals.task_prerun, on_first_task_prerun),
)


def _check_once(worker_or_task: Any, is_prepared: bool) -> None:
    for signal, receiver in _STARTUP_RECEIVERS:
        signal.disconnect(dispatch_uid=_uid(receiver))
    check_worker(getattr(worker_or_task, "app", None), is_prepared=is_prepared)


def _is_prepared() -> bool:
    return any(receiver is _run.on_task_prerun for _, receiver in signals.task_prerun.receivers)


def _connect(signal: Any, receiver: Callable[..., None]) -> None:
    # By default, Celery holds receivers weakly. The UID makes connecting idempotent.
    signal.connect(receiver, weak=False, dispatch_uid=_uid(receiver))


def _uid(receiver: Callable[..., None]) -> str:
    return f"{receiver.__module__}.{receiver.__name__}"
