"""`init_app`: connect to Celery's signals."""

from __future__ import annotations

from typing import Any

from celery import Celery, Task, signals

import headrace.logging
from headrace.integration import checks_keywords

from . import _beat, _deadlines, _handlers, _message, _redelivery, _run
from ._contexts import accepting_deadlines
from ._discovery import discover_tasks_of
from ._startup import check_at_start
from ._transactions import publish_in_context_of_call

_RECEIVERS = (
    ("before_task_publish", _message.on_before_task_publish),
    ("task_prerun", _run.on_task_prerun),
    ("task_postrun", _run.on_task_postrun),
    ("task_received", _deadlines.on_task_received),
    ("task_received", _redelivery.on_task_received),
    ("worker_process_init", _redelivery.on_worker_process_init),
    ("beat_init", _beat.on_beat_init),
    ("beat_embedded_init", _beat.on_beat_init),
    ("after_setup_logger", _handlers.on_after_setup_logger),
    ("after_setup_task_logger", _handlers.on_after_setup_logger),
)
_CELERYS_REQUEST = "celery.worker.request:Request"
_OUR_REQUEST = "headrace_celery._request:FlowRequest"


@checks_keywords
def init_app(celery_app: Celery, *, accept_deadline: bool = False) -> None:
    """Let the tasks of this process carry the context; a second call adds nothing.

    Celery's signals are global to the process: tasks of any app in it carry the context from now
    on. Call it in the module that makes the app, so that publishers and workers both do.

    Args:
        celery_app: the app.
        accept_deadline: whether this app's workers obey the deadline that a message carries: it
            becomes the message's expiry and the run's soft time limit, where it is the shorter.

    Raises:
        TypeError: an argument of a wrong type.
    """
    if not isinstance(celery_app, Celery):
        raise TypeError(f"init_app() takes a Celery app, not {celery_app!r}")
    if not isinstance(accept_deadline, bool):
        raise TypeError(f"accept_deadline must be True or False, not {accept_deadline!r}")
    headrace.logging.install()
    for name, receiver in _RECEIVERS:
        _connect(getattr(signals, name), receiver)
    discover_tasks_of(celery_app)
    check_at_start()
    publish_in_context_of_call()
    _run.stay_outermost()
    if Task.Request == _CELERYS_REQUEST:
        Task.Request = _OUR_REQUEST
    if accept_deadline:
        accepting_deadlines.add(celery_app)
    else:
        accepting_deadlines.discard(celery_app)


def _connect(signal: Any, receiver: Any) -> None:
    # Celery keeps weak references unless told otherwise; the identifier makes it idempotent.
    uid = f"{receiver.__module__}.{receiver.__name__}"
    signal.connect(receiver, weak=False, dispatch_uid=uid)
