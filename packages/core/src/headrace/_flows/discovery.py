"""Discovery of flow modules that a framework imports itself, such as task modules."""

from __future__ import annotations

from collections.abc import Callable

_discoveries: list[Callable[[], object]] = []


def register_discovery(discover: Callable[[], object]) -> None:
    """Call `discover` before flows are listed, drawn or checked; a second call has no effect.

    Use it in the integration of a framework that imports modules itself, as Celery's workers
    import ``tasks`` modules.

    Args:
        discover: imports the modules; an exception aborts the command.
    """
    if discover not in _discoveries:
        _discoveries.append(discover)


def discover() -> None:
    """Import the modules that the frameworks in this process would import."""
    for each in _discoveries:
        each()
