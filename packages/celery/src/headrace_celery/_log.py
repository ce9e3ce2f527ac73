"""The logger of this package, and lines that are logged once in a process."""

from __future__ import annotations

from headrace.integration import GuardedLogger

log = GuardedLogger("headrace.celery")

_warned: set[str] = set()


def warn_once(about: str, message: str, *args: object) -> None:
    """Log a warning, unless one about the same was logged before.

    Args:
        about: what tells it from other warnings.
        message: the message's format, as for `logging.Logger.warning`.
        args: the values in it.
    """
    if about not in _warned:
        _warned.add(about)
        log.warning(message, *args)
