"""The logger of this package, and warnings that are logged once per process."""

from __future__ import annotations

from headrace.integration import GuardedLogger

log = GuardedLogger("headrace.celery")

_warned: set[str] = set()


def warn_once(key: str, message: str, *args: object) -> None:
    """Log a warning, unless this process has already logged one with the same key.

    Args:
        key: identifies the warning.
        message: the format of the message, as for `logging.Logger.warning`.
        args: the arguments of the format.
    """
    if key not in _warned:
        _warned.add(key)
        log.warning(message, *args)
