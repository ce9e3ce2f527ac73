"""A run as a table for people."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .result import StepReport

_COLUMNS = ("step", "outcome", "attempts", "seconds", "reason")
_STYLES = {"ok": "green", "skipped": "dim", "error": "red", "cancelled": "yellow"}


@dataclass(frozen=True, slots=True)
class Report:
    """The outcomes of the steps of one run. As a `str` it is a table.

    On a terminal the table is drawn by rich, where that is installed.

    Attributes:
        steps: the outcome of each step.
        correlation_id: the ID of the operation that the run was part of, or None.
    """

    steps: tuple[StepReport, ...]
    correlation_id: str | None

    @property
    def seconds(self) -> float:
        """The total duration of the steps; each of several concurrent steps counts in full."""
        return sum(step.seconds for step in self.steps)

    def __str__(self) -> str:
        """Draw the table."""
        if sys.stdout is not None and sys.stdout.isatty():
            drawn = self._drawn_by_rich()
            if drawn is not None:
                return drawn
        return self._plain()

    def __rich__(self) -> Any:
        """Return the table that rich prints."""
        from rich.table import Table
        from rich.text import Text

        table = Table(caption=self._caption(), caption_justify="left")
        for column in _COLUMNS:
            table.add_column(column, justify="right" if column in _COLUMNS[2:4] else "left")
        for step in self.steps:
            # As Text, since a reason must not be read as markup.
            cells = [Text(cell) for cell in _cells(step)]
            cells[1].stylize(_STYLES.get(step.outcome, "yellow"))
            table.add_row(*cells)
        return table

    def _drawn_by_rich(self) -> str | None:
        try:
            from rich.console import Console
        except ImportError:
            return None
        console = Console(force_terminal=True)
        with console.capture() as capture:
            console.print(self)
        return capture.get().rstrip("\n")

    def _plain(self) -> str:
        rows = [_COLUMNS, *(_cells(step) for step in self.steps)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
        lines = ["  ".join(_aligned(row, widths)).rstrip() for row in rows]
        lines.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join([*lines, self._caption()])

    def _caption(self) -> str:
        last = next((step for step in reversed(self.steps) if _stops(step)), None)
        end = "finished" if last is None else f"stopped at {_shown(last.name)}"
        return (
            f"{end} after {self.seconds:.3f} s, correlation ID {_shown(self.correlation_id or '-')}"
        )


def _cells(step: StepReport) -> tuple[str, ...]:
    return (
        _shown(step.name),
        step.outcome,
        str(step.attempts),
        f"{step.seconds:.3f}",
        _shown(step.reason or ""),
    )


def _aligned(row: tuple[str, ...], widths: list[int]) -> list[str]:
    return [
        cell.rjust(width) if column in {2, 3} else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]


def _stops(step: StepReport) -> bool:
    return step.outcome not in {"ok", "skipped"}


def _shown(text: str) -> str:
    """Return `text` on one line, without control characters."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in text)
