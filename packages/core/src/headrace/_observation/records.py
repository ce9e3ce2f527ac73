"""Log records of events: a message for people, `event` and other fields for programs."""

from __future__ import annotations

import logging
from functools import cache, partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@cache
def gate(logger: str, level: int) -> Callable[[], bool]:
    """Return a function that tells whether the logger accepts records of `level`.

    Backends that ask the same question share the function, so that it is asked only once.
    """
    log = logging.getLogger(logger)
    is_enabled_for, known = log.isEnabledFor, getattr(log, "_cache", None)
    if type(log).isEnabledFor is not logging.Logger.isEnabledFor or not isinstance(known, dict):
        return partial(is_enabled_for, level)

    # What `isEnabledFor` does, without its call: every unit and every step asks.
    def is_on() -> bool:
        if log.disabled:
            return False
        try:
            return known[level]  # type: ignore[no-any-return]
        except KeyError:
            return is_enabled_for(level)

    return is_on


def emit(
    log: logging.Logger,
    level: int,
    message: str,
    args: tuple[object, ...],
    values: Mapping[str, Any],
    place: tuple[str, int, str] = ("(unknown file)", 0, "(unknown function)"),
) -> None:
    """Send a record with the attributes `values` to the handlers of `log`.

    Args:
        log: the logger, which the caller has checked to accept records of `level`.
        level: the level.
        message: the message's format.
        args: the arguments of the format.
        values: the record's attributes, beyond those of every record.
        place: the file, line and function of the record.
    """
    # Not through logger.log(), which would walk the stack and report this file.
    file, line, function = place
    record = log.makeRecord(log.name, level, file, line, message, args, None, function)
    record.__dict__.update(values)
    log.handle(record)
