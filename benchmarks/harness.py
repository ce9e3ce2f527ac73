"""Measuring side by side: every round calls every case once, in a new order, with the GC off.

What counts is the ratio to the case that a group names as its base, measured in the same run: it
says the same on a fast machine and on a slow one.
"""

from __future__ import annotations

import contextvars
import gc
import json
import random
import statistics
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rich.console import Console


@dataclass(frozen=True)
class Case:
    """One thing to measure.

    Attributes:
        name: what it is.
        call: what is timed, many times in a loop.
        setup: a context manager that is entered around the loop, outside of the timing.
        limit: the highest ratio to the group's base that the project allows itself.
        per: how many units of work one call does (ten steps of a chain).
        calls: how many calls make a round.
    """

    name: str
    call: Callable[[], object]
    setup: Callable[[], AbstractContextManager[Any]] = nullcontext
    limit: float | None = None
    per: int = 1
    calls: int = 1000


@dataclass(frozen=True)
class Group:
    """Cases that are compared with one another; the first is the base.

    Attributes:
        title: what the ratios mean.
        cases: the cases.
        bare: what all of them do besides; its time is taken off theirs.
    """

    title: str
    cases: Sequence[Case]
    bare: Case | None = None

    @property
    def measured(self) -> list[Case]:
        """All that is to be measured."""
        return [*self.cases, *([] if self.bare is None else [self.bare])]


@dataclass
class Result:
    """What came out for a case, in seconds for one unit of work."""

    group: str
    name: str
    seconds: float
    ratio: float
    limit: float | None
    before: float | None = field(default=None)

    @property
    def grew(self) -> bool:
        """Whether the ratio is by a third above the stored one."""
        return self.before is not None and self.ratio > self.before * 4 / 3


def measure(groups: Iterable[Group], *, rounds: int) -> list[Result]:
    """Measure all cases of all `groups`, interleaved over `rounds`; medians."""
    groups = list(groups)
    pairs = [(group, case) for group in groups for case in group.measured]
    times: dict[tuple[str, str], list[float]] = {(g.title, c.name): [] for g, c in pairs}
    for _ in range(rounds):
        random.shuffle(pairs)
        for group, case in pairs:
            # An own context each: no case finds what another left in the variables.
            seconds = contextvars.copy_context().run(_time, case)
            times[group.title, case.name].append(seconds)
    return [result for group in groups for result in _results(group, times)]


def _time(case: Case) -> float:
    with case.setup():
        call = case.call
        call()
        gc.collect(0)
        gc.disable()
        try:
            start = perf_counter()
            for _ in range(case.calls):
                call()
            return (perf_counter() - start) / case.calls / case.per
        finally:
            gc.enable()


def _results(group: Group, times: dict[tuple[str, str], list[float]]) -> list[Result]:
    medians = {
        case.name: statistics.median(times[group.title, case.name]) for case in group.measured
    }
    bare = 0.0 if group.bare is None else medians[group.bare.name]
    base = medians[group.cases[0].name] - bare
    added = {case.name: medians[case.name] - bare for case in group.cases}
    return [
        Result(group.title, case.name, added[case.name], added[case.name] / base, case.limit)
        for case in group.cases
    ]


def load(path: Path) -> dict[tuple[str, str], float]:
    """Return the stored ratios by group and name; empty where there are none."""
    if not path.exists():
        return {}
    rows = json.loads(path.read_text(encoding="utf-8"))["results"]
    return {(row["group"], row["name"]): row["ratio"] for row in rows}


def save(results: Sequence[Result], path: Path) -> None:
    """Store `results` as JSON."""
    rows = [
        {
            "group": result.group,
            "name": result.name,
            "nanoseconds": round(result.seconds * 1e9, 1),
            "ratio": round(result.ratio, 3),
            "limit": result.limit,
        }
        for result in results
    ]
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    path.write_text(json.dumps({"python": python, "results": rows}, indent=1) + "\n", "utf-8")


def print_tables(results: Sequence[Result], console: Console) -> None:
    """Print a table per group; red what is above its limit or grew by a third."""
    for title in dict.fromkeys(result.group for result in results):
        table = Table(title=title, title_justify="left")
        table.add_column("case")
        for column in ("ns", "ratio", "at most", "stored"):
            table.add_column(column, justify="right")
        for result in results:
            if result.group == title:
                table.add_row(*_row(result), style="red" if _is_bad(result) else None)
        console.print(table)


def _is_bad(result: Result) -> bool:
    return result.grew or (result.limit is not None and result.ratio > result.limit)


def _row(result: Result) -> tuple[str, ...]:
    return (
        result.name,
        f"{result.seconds * 1e9:,.0f}",
        f"{result.ratio:.2f}",
        "" if result.limit is None else f"{result.limit:g}",
        "" if result.before is None else f"{result.before:.2f}",
    )
