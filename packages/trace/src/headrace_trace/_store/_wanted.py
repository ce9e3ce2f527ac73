"""Which operations are wanted, as conditions in SQL."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Wanted:
    """What an operation must have; None means anything."""

    flow: str | None = None
    """A line of this flow."""
    step: str | None = None
    """A line of this step."""
    kind: str | None = None
    """A unit of this kind."""
    text: str | None = None
    """A message or error that contains this text, in any case."""
    state: str | None = None
    """This state."""
    since: int | None = None
    """A line at this time or later, in microseconds since 1970."""
    until: int | None = None
    """A line at this time or earlier."""

    def having(self) -> tuple[str, list[object]]:
        """Return a condition on the lines of a group, and its parameters."""
        text = "contains(lower(concat_ws(' ', message, error)), lower(?))"
        conditions = (
            ("bool_or(flow = ?)", self.flow),
            ("bool_or(step = ?)", self.step),
            ("bool_or(kind = ?)", self.kind),
            (f"bool_or({text})", self.text),
            ("max(time) >= ?", self.since),
            ("min(time) <= ?", self.until),
        )
        given = [(sql, value) for sql, value in conditions if value is not None]
        return " AND ".join(["true", *(sql for sql, _ in given)]), [value for _, value in given]
