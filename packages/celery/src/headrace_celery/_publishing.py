"""The log lines of published messages: ``task.published``, and a line if sending failed."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any

from celery import Celery

from headrace.integration import Publication

_current: ContextVar[Publication | None] = ContextVar("headrace_celery.publication", default=None)
_MARK = "_headrace_reports"


def log_published(task: Any, headers: dict[str, Any], routing_key: Any) -> None:
    """Log that a message is about to be sent.

    Args:
        task: the name of the task.
        headers: the headers of the message.
        routing_key: the routing key, which a worker finds in the message as well.
    """
    publication = Publication(task, headers.get("id"), queue=routing_key, eta=headers.get("eta"))
    publication.__enter__()
    _current.set(publication)


def on_after_task_publish(**_: Any) -> None:
    """Forget the message, which the broker has: a later error is not one of sending."""
    _current.set(None)


def report_failures(app: Celery) -> None:
    """Make `app` log each message that it failed to send; Celery has no signal for it."""
    if _MARK in vars(app.send_task):
        return
    # Found at each call, since other libraries patch the class, unless they patched the instance.
    own: Callable[..., Any] | None = vars(app).get("send_task")

    @wraps(app.send_task)
    def send_task(*args: Any, **kwargs: Any) -> Any:
        _check_options(kwargs)
        outer = _current.get()
        _current.set(None)
        try:
            return (
                type(app).send_task(app, *args, **kwargs) if own is None else own(*args, **kwargs)
            )
        except Exception as exc:
            publication = _current.get()
            if publication is not None:
                publication.__exit__(type(exc), exc, exc.__traceback__)
            raise
        finally:
            _current.set(outer)

    vars(send_task)[_MARK] = True
    vars(app)["send_task"] = send_task


def _check_options(options: dict[str, Any]) -> None:
    # Celery would pass them on to the broker, which ignores them.
    for name in options:
        if name.startswith("headrace"):
            raise TypeError(
                f"there is no option {name!r} for publishing: headrace_new=True is an option of "
                "the task; for a single call, publish inside headrace.detached()"
            )
