"""Loggers whose handlers and filters cannot break the code that logs."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from headrace._exceptions.control_flow import is_interrupt

if TYPE_CHECKING:
    from collections.abc import MutableMapping


class GuardedLogger(logging.LoggerAdapter[logging.Logger]):
    """The logger `name`, which drops a line instead of raising an `Exception`.

    An application's handler, filter or formatter may raise, and Python propagates a filter's error
    to the caller. It must not fail a request, task or chain.
    """

    def __init__(self, name: str) -> None:
        super().__init__(logging.getLogger(name))

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Return `extra` unchanged."""
        return msg, kwargs

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Log a line as `logging.Logger.log` does."""
        # Skip this frame: the line's file and function are the caller's.
        kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 1
        try:
            super().log(level, msg, *args, **kwargs)
        except Exception as error:
            report_lost_line(self.name, error)


def report_lost_line(name: str, error: Exception) -> None:
    """Report a lost line of the logger `name` on stderr, as `logging` does.

    ``logging.raiseExceptions = False`` turns such reports off, as in `logging`.

    Raises:
        Exception: `error` itself, if it is an interrupt that arrived while the line was written.
    """
    if is_interrupt(error):
        raise error
    if logging.raiseExceptions:
        with suppress(Exception):
            sys.stderr.write(f"{name}: logging raised {type(error).__name__}; a line was lost\n")


log = GuardedLogger("headrace")
"""headrace's own logger."""
