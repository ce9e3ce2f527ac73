"""The result of a run: its context, and a report on its steps."""

from __future__ import annotations

import sys
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from headrace._redaction.rules import NOTHING_HIDDEN, Redaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .plan import Parallel, Plan
    from .step import Step

    Noted = dict[Step | Parallel, "tuple[StepReport] | list[ChainResult | StepReport]"]


_COLUMNS = ("step", "outcome", "attempts", "seconds", "reason")
_STYLES = {"ok": "green", "skipped": "dim", "error": "red", "cancelled": "yellow"}


@dataclass(frozen=True, slots=True)
class StepReport:
    """The outcome of a step in one run.

    Attributes:
        name: the step's name.
        outcome: ``ok``; ``skipped``, if its condition was false; ``error``; ``cancelled``;
            ``stopped``, if a framework's control-flow exception ended the run; or ``unknown``, if
            the run was interrupted from outside while the step ran.
        attempts: how many times the step was called.
        seconds: its duration, including the waits between attempts.
        reason: why it failed or was skipped, and whether it was undone; else None.
    """

    name: str
    outcome: str
    attempts: int
    seconds: float
    reason: str | None = None


class ChainResult(dict[str, Any]):
    """The context of one run: the `put` values, the inputs, and the outputs of the steps.

    It is a `dict` that also has `steps`, `report` and `correlation_id`.
    """

    __slots__ = ("_correlation_id", "_ends", "_kept", "_noted", "_plan", "_started", "_undone")

    # Set by the run, and missing from a result made by hand; a __getattr__ with defaults would slow
    # down all attributes. The result must not refer to the run, which refers to it: the cycle
    # would keep all values of the run alive until the garbage collector runs.
    _plan: Plan
    _started: float
    _ends: list[float]
    # The reports of steps that did not simply succeed at the first attempt, and the results of
    # branches and nested chains.
    _noted: Noted | None
    _undone: dict[Step | Parallel, str]  # the outcome of each undo
    _correlation_id: str | None
    # Only in a result that was copied or unpickled: the steps, and the keys of secrets.
    _kept: tuple[tuple[StepReport, ...], Redaction]

    @property
    def correlation_id(self) -> str | None:
        """The ID of the operation that the run was part of; None for a result made by hand."""
        return getattr(self, "_correlation_id", None)

    @correlation_id.setter
    def correlation_id(self, correlation_id: str | None) -> None:
        self._correlation_id = correlation_id

    @property
    def steps(self) -> list[StepReport]:
        """The outcome of each step that the run reached, in order."""
        return flattened(self._reports())

    @property
    def report(self) -> Report:
        """A human-readable report: ``print(result.report)``."""
        return Report(tuple(self.steps), self.correlation_id)

    def as_json(self, *keys: str) -> dict[str, Any]:
        """Return values and the report as JSON types: secrets masked, other objects as text.

        Args:
            keys: the keys of the values; a key without a value is None.

        Returns:
            The values by key, and under ``report`` a list with a mapping for each step.
        """
        plain = self._redaction.plain({key: self.get(key) for key in keys})
        plan = self._plan_of_run
        if plan is None or self._noted is not None:
            rows = [
                _row(each.name, each.outcome, each.attempts, each.seconds, each.reason)
                for each in self.steps
            ]
        else:  # each step succeeded at the first attempt
            rows = [_row(step.name, "ok", 1, taken) for step, taken in self._durations(plan)]
        return {**plain, "report": rows}

    def _reports(self) -> Iterator[StepReport | ChainResult]:
        plan = self._plan_of_run
        if plan is None:
            yield from self._steps_and_redaction[0]
            return
        noted = self._noted
        for step, seconds in self._durations(plan):
            if noted is None:
                yield StepReport(step.name, "ok", 1, seconds)
            else:
                yield from self._reports_of(step, noted, seconds)
        unfinished = plan.steps[len(self._ends) :][:1]
        for step in unfinished:
            if noted is not None and step in noted:
                yield from self._reports_of(step, noted, 0.0)

    def _durations(self, plan: Plan) -> Iterator[tuple[Step | Parallel, float]]:
        begun = self._started
        for step, ended in zip(plan.steps, self._ends, strict=False):
            yield step, ended - begun
            begun = ended

    def _reports_of(
        self, step: Step | Parallel, noted: Noted, seconds: float
    ) -> Iterable[StepReport | ChainResult]:
        """Return the reports of `step`; if none is noted, it succeeded at the first attempt.

        Nested results are returned as they are, since flattening them here would recurse.
        """
        found = noted.get(step)
        if isinstance(found, list):
            return found
        (report,) = found or (StepReport(step.name, "ok", 1, seconds),)
        undone = self._undone.get(step)
        if undone is None:
            return (report,)
        reason = undone if report.reason is None else f"{report.reason}; {undone}"
        return (replace(report, reason=reason),)

    @property
    def _plan_of_run(self) -> Plan | None:
        return getattr(self, "_plan", None)

    @property
    def _steps_and_redaction(self) -> tuple[tuple[StepReport, ...], Redaction]:
        return getattr(self, "_kept", ((), NOTHING_HIDDEN))

    @property
    def _redaction(self) -> Redaction:
        plan = self._plan_of_run
        return self._steps_and_redaction[1] if plan is None else plan.settings.redaction

    def __bool__(self) -> bool:
        """Return whether there is a value or a step was reached."""
        return len(self) > 0 or bool(self.steps)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the values that can be pickled, with the secrets masked."""
        from headrace._redaction.pickles import pack

        plan, names = self._plan_of_run, self._redaction.names
        blot = self._redaction.blotter(self) if plan is None else plan.blotter(self)
        kept = (tuple(self.steps), names, self.correlation_id)
        return _unpickled, (pack(self, names, blot), *kept)

    def __copy__(self) -> ChainResult:
        """Return an independent result with the same values, without the chain's functions."""
        return restored(self, tuple(self.steps), self._redaction.names, self.correlation_id)

    def __deepcopy__(self, memo: dict[int, Any]) -> ChainResult:
        """Return an independent result with copies of the values, where they can be copied."""
        result = memo[id(self)] = self.__copy__()
        for key, value in self.items():
            with suppress(Exception):  # such as a lock, a generator or a connection
                result[key] = deepcopy(value, memo)
        return result

    def __repr__(self) -> str:
        """Show the values, with those under redacted keys masked."""
        redaction = self._redaction
        if not redaction.names:
            return super().__repr__()
        return redaction.blot(repr(redaction.plain(self)), self)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Make pydantic, and so FastAPI, read and write a result as a plain mapping."""
        return handler(dict[str, Any])


def flattened(reports: Iterable[StepReport | ChainResult]) -> list[StepReport]:
    """Return `reports`, with each nested result replaced by its reports."""
    flat: list[StepReport] = []
    waiting = [iter(reports)]  # no recursion: runs can be nested deeply
    while waiting:
        for report in waiting[-1]:
            if isinstance(report, ChainResult):
                waiting.append(report._reports())
                break
            flat.append(report)
        else:
            waiting.pop()
    return flat


def _row(
    name: str, outcome: str, attempts: int, seconds: float, reason: str | None = None
) -> dict[str, Any]:
    return {
        "name": name,
        "outcome": outcome,
        "attempts": attempts,
        "seconds": round(seconds, 6),
        "reason": reason,
    }


def _unpickled(
    packed: dict[str, bytes],
    steps: tuple[StepReport, ...],
    names: frozenset[str],
    correlation_id: str | None,
) -> ChainResult:
    from headrace._redaction.pickles import unpack

    return restored(unpack(packed), steps, names, correlation_id)


def restored(
    values: dict[str, Any],
    steps: tuple[StepReport, ...],
    names: frozenset[str],
    correlation_id: str | None,
) -> ChainResult:
    """Return the result of a run that another process made.

    Args:
        values: the context.
        steps: the reports.
        names: the keys of secrets.
        correlation_id: the ID of the operation that the run was part of.
    """
    result = ChainResult(values)
    result._kept = steps, Redaction(names)
    result._correlation_id = correlation_id
    return result


# --- the report -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Report:
    """The outcomes of the steps of one run; `str` makes it a table.

    On a terminal, rich draws the table if it is installed.

    Attributes:
        steps: the outcome of each step.
        correlation_id: the ID of the operation that the run was part of, or None.
    """

    steps: tuple[StepReport, ...]
    correlation_id: str | None

    @property
    def seconds(self) -> float:
        """The total duration of the steps, in which concurrent steps add up."""
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
            # As Text: rich would read a str as markup.
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
