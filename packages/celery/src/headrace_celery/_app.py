"""`init_app`: connect to Celery's signals."""

from __future__ import annotations

from typing import Any

from celery import Celery, signals

import headrace.logging

from . import _publishing, _running

_RECEIVERS = {
    "before_task_publish": _publishing.stamp,
    "task_prerun": _running.begin,
    "task_postrun": _running.end,
}


def init_app(celery_app: Celery, *, accept_deadline: bool = False) -> None:
    """Let the tasks of this process carry the context; a second call changes nothing.

    Celery's signals are global to the process: tasks of any app in it carry the context from now
    on. Call it in the module that makes the app, so that publishers and workers both do.

    Args:
        celery_app: the app.
        accept_deadline: whether this app's workers heed the deadline that a message carries: it
            becomes the message's expiry and the run's soft time limit, where it is the shorter.

    Raises:
        TypeError: an argument of a wrong type.
    """
    if not isinstance(celery_app, Celery):
        raise TypeError(f"init_app() takes a Celery app, not {celery_app!r}")
    if not isinstance(accept_deadline, bool):
        raise TypeError(f"accept_deadline must be True or False, not {accept_deadline!r}")
    headrace.logging.install()
    for name, receiver in _RECEIVERS.items():
        _connect(getattr(signals, name), receiver, name)
    if accept_deadline:
        _running.accepting_deadlines.add(celery_app)
    else:
        _running.accepting_deadlines.discard(celery_app)


def _connect(signal: Any, receiver: Any, name: str) -> None:
    # Celery keeps weak references unless told otherwise; the identifier makes it idempotent.
    signal.connect(receiver, weak=False, dispatch_uid=f"headrace.{name}")
