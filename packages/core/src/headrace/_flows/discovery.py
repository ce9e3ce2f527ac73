"""Modules with flows that a framework imports by itself, such as task modules."""

from __future__ import annotations

from collections.abc import Callable

_discoveries: list[Callable[[], object]] = []


def register_discovery(discover: Callable[[], object]) -> None:
    """Call `discover` before flows are listed, drawn or checked; a second call has no effect.

    For integrations of frameworks that import modules by themselves, as Celery workers import
    ``tasks`` modules.

    Args:
        discover: imports the modules; an exception ends the command.
    """
    if discover not in _discoveries:
        _discoveries.append(discover)


def discover() -> None:
    """Import what the frameworks in this process would import."""
    for each in _discoveries:
        each()
