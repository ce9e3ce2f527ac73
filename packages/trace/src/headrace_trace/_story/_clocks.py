"""Clocks that differ: what begins before its cause shows how far its host's clock is behind."""

from __future__ import annotations

from dataclasses import dataclass

_LATEST = 253_402_300_799_999_999  # the end of the year 9999, in microseconds: no time is later


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock that is behind those of the causes of what it timed."""

    host: str
    behind_ms: float
    """By at least so much."""


class Clocks:
    """What must be added to the times of each host, so that no effect precedes its cause."""

    def __init__(self) -> None:
        self._behind: dict[str, int] = {}

    def put_after(self, host: str | None, time: int | None, cause: int | None) -> int | None:
        """Return when something happened, by the clocks as corrected.

        Args:
            host: where it happened.
            time: when it happened, by the clock of `host`.
            cause: when its cause happened, as corrected.
        """
        if time is None:
            return cause
        corrected = min(time + self._behind.get(host or "", 0), _LATEST)
        if cause is not None and corrected < cause:
            self._behind[host or ""] = self._behind.get(host or "", 0) + cause - corrected
            return cause
        return corrected

    def found(self) -> tuple[Clock, ...]:
        """Return the clocks that are behind."""
        return tuple(Clock(host, by / 1000) for host, by in sorted(self._behind.items()))
