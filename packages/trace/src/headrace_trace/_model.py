"""What the logs say, as values: lines, units of work, publishes, operations.

Times are microseconds since 1970-01-01 UTC, durations are milliseconds. A value that no line states
is None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Place(NamedTuple):
    """Where a line stands."""

    file: str
    """The file as it was found; ``-`` is standard input."""
    number: int
    """The line's number, from 1."""

    def __str__(self) -> str:
        """Return ``file:number``."""
        return f"{self.file}:{self.number}"


@dataclass(frozen=True, slots=True)
class Line:
    """One line that belongs to an operation."""

    place: Place
    time: int | None
    level: str | None
    logger: str | None
    message: str | None
    event: str | None
    """What headrace reports with the line, such as ``unit.end``; None for other lines."""
    unit_id: str | None
    flow: str | None
    step: str | None
    service: str | None
    host: str | None
    pid: int | None
    task: str | None
    task_id: str | None
    outcome: str | None
    duration_ms: float | None
    exception: str | None
    """The traceback."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of work, as its start and its end report it.

    Lines of programs that state no ``unit_id`` make up one unit for each process.
    """

    flow_id: str
    unit_id: str
    causation_id: str | None
    kind: str | None
    name: str | None
    started: int | None
    """The time of its start line; without one, its end less its duration or its first line."""
    ended: int | None
    """The time of its end line, or None."""
    last: int | None
    """The time of its last line."""
    duration_ms: float | None
    outcome: str | None
    error: str | None
    flow: str | None
    method: str | None
    path: str | None
    status: int | None
    task_id: str | None
    queue: str | None
    queue_ms: float | None
    retries: int | None
    redelivered: bool | None
    steps: int | None
    service: str | None
    host: str | None
    pid: int | None
    has_start: bool
    has_end: bool
    lines: int
    place: Place
    """Of its first line."""

    @property
    def title(self) -> str:
        """The display name: its name, its flow or, as for a killed unit, whatever is known."""
        if known := self.name or self.flow:
            return known
        if self.unit_id.startswith("@"):
            return "lines without a unit"
        return f"{self.kind or 'unknown'} unit {self.unit_id}"


@dataclass(frozen=True, slots=True)
class Publish:
    """A task that a unit sent to a queue, or tried to."""

    flow_id: str
    unit_id: str | None
    time: int | None
    task: str | None
    task_id: str | None
    queue: str | None
    eta: str | None
    error: str | None
    """Why sending failed; None if it was sent."""
    place: Place


@dataclass(frozen=True, slots=True)
class Operation:
    """All units that share a correlation ID."""

    flow_id: str
    started: int | None
    last: int | None
    entry: str | None
    """The name of the unit that caused the others."""
    kind: str | None
    state: str
    """``ok``, ``error``, ``cancelled``, ``open``: a unit has not ended, or ``unknown``: no line
    tells of a unit."""
    units: int
    lines: int

    @property
    def duration_ms(self) -> float | None:
        """The time from the first to the last line."""
        if self.started is None or self.last is None:
            return None
        return (self.last - self.started) / 1000
