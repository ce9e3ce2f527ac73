"""Measuring side by side: every round calls every case once, in a new order, with the GC off.

What counts is the ratio to the case that a group names as its base, measured in the same run: it
says the same on a fast machine and on a slow one. The time is that of the processor, which other
programs on the machine do not take from us.
"""

from __future__ import annotations

import contextvars
import gc
import json
import random
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import process_time
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
        over: what it does besides, as a case of its own whose time is taken off.
        clock: `time.perf_counter` where what sleeps is measured.
    """

    name: str
    call: Callable[[], object]
    setup: Callable[[], AbstractContextManager[Any]] = nullcontext
    limit: float | None = None
    per: int = 1
    calls: int = 1000
    over: Case | None = None
    clock: Callable[[], float] = process_time


@dataclass(frozen=True)
class Group:
    """Cases that are compared with one another; the first is the base.

    Attributes:
        title: what the ratios mean.
        cases: the cases.
    """

    title: str
    cases: Sequence[Case]

    @property
    def measured(self) -> list[Case]:
        """All that is to be measured."""
        return [*self.cases, *(case.over for case in self.cases if case.over is not None)]


@dataclass
class Result:
    """What came out for a case of one part of the benchmarks, in seconds for one unit of work."""

    group: str
    name: str
    seconds: float
    ratio: float
    limit: float | None
    before: float | None = None
    part: str = ""

    @property
    def grew(self) -> bool:
        """Whether the ratio is by a third above the stored one."""
        return self.before is not None and self.ratio > self.before * 4 / 3


def measure(groups: Iterable[Group], *, rounds: int) -> list[Result]:
    """Measure all cases of all `groups`, interleaved over `rounds`; their median counts."""
    groups = list(groups)
    cases = list(dict.fromkeys(case for group in groups for case in group.measured))
    times: dict[Case, list[float]] = {case: [] for case in cases}
    for _ in range(rounds):
        random.shuffle(cases)
        for case in cases:
            # An own context each: no case finds what another left in the variables.
            times[case].append(contextvars.copy_context().run(_time, case))
    return [result for group in groups for result in _results(group, times)]


def _time(case: Case) -> float:
    with case.setup():
        call, clock = case.call, case.clock
        call()
        gc.collect(0)
        gc.disable()
        try:
            start = clock()
            for _ in range(case.calls):
                call()
            return (clock() - start) / case.calls / case.per
        finally:
            gc.enable()


def _results(group: Group, times: dict[Case, list[float]]) -> list[Result]:
    seconds = [_seconds(case, times) for case in group.cases]
    return [
        Result(group.title, case.name, each, each / seconds[0], case.limit)
        for case, each in zip(group.cases, seconds, strict=True)
    ]


def _seconds(case: Case, times: dict[Case, list[float]]) -> float:
    own = median(times[case])
    return own if case.over is None else own - median(times[case.over])


def load(path: Path) -> list[Result]:
    """Return the stored results; none where there is no file."""
    if not path.exists():
        return []
    rows = json.loads(path.read_text(encoding="utf-8"))["results"]
    return [
        Result(
            row["group"],
            row["name"],
            row["nanoseconds"] / 1e9,
            row["ratio"],
            row["limit"],
            part=row["part"],
        )
        for row in rows
    ]


def save(results: Sequence[Result], path: Path) -> None:
    """Store `results` as JSON."""
    rows = [
        {
            "part": result.part,
            "group": result.group,
            "name": result.name,
            "nanoseconds": round(result.seconds * 1e9, 1),
            "ratio": round(result.ratio, 3),
            "limit": None if result.limit is None else round(result.limit, 3),
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
        "" if result.limit is None else f"{result.limit:.3g}",
        "" if result.before is None else f"{result.before:.2f}",
    )
