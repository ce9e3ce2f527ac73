"""Publishing: the lines ``task.published`` and ``task.publish_failed``, and checks of options."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any

from celery import Celery, Task

from headrace.integration import Publication

from ._spelling import check_message_options

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
        check_message_options(args[0] if args else kwargs.get("name", ""), kwargs)
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


def check_eager_options() -> None:
    """Check the options of eager runs too, which `send_task` does not see."""
    if _MARK in vars(Task.apply):
        return
    apply: Callable[..., Any] = Task.apply

    @wraps(apply)
    def checked(self: Any, *args: Any, **options: Any) -> Any:
        check_message_options(self.name, options)
        return apply(self, *args, **options)

    vars(checked)[_MARK] = True
    task_class: Any = Task
    task_class.apply = checked
