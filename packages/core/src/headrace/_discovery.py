"""Modules that declare flows and are imported when their framework says so: tasks."""

from __future__ import annotations

from collections.abc import Callable

_discoveries: list[Callable[[], object]] = []


def register_discovery(discover: Callable[[], object]) -> None:
    """Have `discover` called before flows are listed, drawn or checked; a second time adds nothing.

    It is for integrations of frameworks that import modules of their own accord, such as Celery's
    workers the modules ``tasks``.

    Args:
        discover: imports the modules; what it raises ends the command.
    """
    if discover not in _discoveries:
        _discoveries.append(discover)


def discover() -> None:
    """Import what the frameworks in this process would import."""
    for each in _discoveries:
        each()
