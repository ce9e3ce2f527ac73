"""Publishing of tasks when a Django transaction commits."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import Any

from headrace import bind


def publish_in_context_of_call() -> None:
    """Make `delay_on_commit` and `apply_async_on_commit` publish in the context of their call.

    The commit may happen in another unit, or after the unit of the call has ended. The methods
    belong to Celery's task class for Django projects; elsewhere, this does nothing.
    """
    if "django" not in sys.modules and "DJANGO_SETTINGS_MODULE" not in os.environ:
        return
    try:
        from celery.contrib.django.task import DjangoTask
    except ImportError:  # Celery warns if the variable is set but Django is not installed
        return
    task_class: Any = DjangoTask
    task_class.delay_on_commit = _delay_on_commit
    task_class.apply_async_on_commit = _apply_async_on_commit


def _delay_on_commit(self: Any, *args: Any, **kwargs: Any) -> None:
    """Publish the task with these arguments when the transaction commits."""
    _on_commit(partial(self.delay, *args, **kwargs))


def _apply_async_on_commit(self: Any, *args: Any, **kwargs: Any) -> None:
    """Publish the task with Celery's options when the transaction commits."""
    _on_commit(partial(self.apply_async, *args, **kwargs))


def _on_commit(publish: Any) -> None:
    from django.db import transaction

    transaction.on_commit(bind(publish))
