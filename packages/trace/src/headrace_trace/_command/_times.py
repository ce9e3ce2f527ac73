"""Times and durations as words of the command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from headrace.commands import CommandError

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST = 100 * 366 * 86400.0
_is_duration = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)").fullmatch


def parse_duration(text: str) -> float:
    """Return the seconds of a duration such as ``250ms``, ``60s``, ``5m``, ``2h`` or ``1d``.

    Raises:
        CommandError: the text is none, or longer than a century.
    """
    found = _is_duration(text.strip())
    if found is None:
        raise CommandError(f"{text!r} is no duration; write one such as 60s, 5m, 2h or 1d")
    seconds = float(found[1]) * _SECONDS[found[2]]
    if seconds > _LONGEST:
        raise CommandError(f"{text!r} is longer than a century")
    return seconds


def parse_time(text: str, newest: int | None) -> int:
    """Return a time in microseconds since 1970.

    Args:
        text: a date and time in ISO 8601, in UTC without an offset; or a duration, counted back
            from the newest line.
        newest: the time of the newest line, in microseconds since 1970.

    Raises:
        CommandError: the text is neither.
    """
    if _is_duration(text.strip()):
        return (newest or 0) - round(parse_duration(text) * 1_000_000)
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return round(moment.timestamp() * 1_000_000)
    except (ValueError, OverflowError):
        example = "2026-09-21T14:13 or 10m, counted back from the newest line"
        raise CommandError(f"{text!r} is no time; write one such as {example}") from None
