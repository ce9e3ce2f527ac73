"""`FlowBackend`, a wrapper of task backends; Django 6.0 or newer has them.

Celery, Huey and others import a module of this name from every app, so it can be imported with any
Django.
"""

from __future__ import annotations

import django
from django.core.exceptions import ImproperlyConfigured

__all__ = ["FlowBackend"]

if django.VERSION >= (6, 0):
    from ._task_backend import FlowBackend
else:

    def __getattr__(name: str) -> object:
        if name == "FlowBackend":
            raise ImproperlyConfigured(
                "headrace_django.tasks.FlowBackend needs Django 6.0 or newer"
            )
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
