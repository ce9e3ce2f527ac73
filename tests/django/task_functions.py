"""Tasks of `django.tasks`, which note the context of their runs."""

from __future__ import annotations

from typing import Any

from django.tasks import TaskContext, task

import headrace

seen: list[Any] = []


@task
def look(*args: Any, **kwargs: Any) -> None:
    """Keep the context, and the arguments."""
    seen.append((headrace.get_flow_context(), args, kwargs))


@task(takes_context=True)
def attempt(context: TaskContext, number: int) -> int:
    """Return which attempt this is."""
    look.func(context.attempt)
    return number


@task
def fail() -> None:
    """Fail."""
    look.func()
    raise LookupError("no such thing")


@task
def outer() -> None:
    """Enqueue another task."""
    look.func()
    look.enqueue()


@task
def interrupted() -> None:
    """Do as if somebody pressed Ctrl-C."""
    raise KeyboardInterrupt


@task
async def look_async() -> None:
    """Keep the context."""
    look.func()
