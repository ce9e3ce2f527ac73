"""The audit: which cases the logs prove, and which they cannot tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headrace_trace._model import Place
from headrace_trace._store import Logs

from ._columns import AUDITED, WITH_STEPS
from ._kinds import KINDS
from ._queries import QUERIES
from ._step_queries import DECLARED, STEP_MISSING, STEP_PARTS
from ._step_queries import TABLES as STEP_TABLES
from ._steps import Edge
from ._tables import BOUNDS, COLUMNS, PARTS, PROCESS, TABLES


@dataclass(frozen=True, slots=True)
class Case:
    """Something that is missing, doubled or failed, as the logs prove."""

    kind: str
    """One of `KINDS`."""
    flow_id: str | None
    unit_id: str | None
    """The unit that published, ran or failed."""
    name: str | None
    """The task or unit, or ``flow.step``."""
    task_id: str | None
    queue: str | None
    time: int | None
    """Of the publish, start or step, in microseconds since 1970."""
    detail: str | None
    """Such as the error."""
    place: Place


@dataclass(frozen=True, slots=True)
class Unjudged:
    """Possible cases that the logs cannot tell, since lines are missing."""

    kind: str
    who: str
    """The processes whose lines are missing, in words."""
    verdict: str
    """``none``: these logs have no line of them; ``before``, ``after``: none that is old, or new,
    enough."""
    count: int
    needed: int | None
    """The time before or after which there is no line, in microseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found."""

    cases: tuple[Case, ...]
    """In the order of `KINDS`, then of time."""
    unjudged: tuple[Unjudged, ...]
    under_way: tuple[Case, ...]
    """The possible cases that are too recent to judge."""
    has_units: bool
    """Whether the logs have any line of a unit or of a publish."""


class Auditor:
    """Looks for what is missing in logs that are loaded part by part.

    A case counts only if the logs have the lines that would disprove it: those of a process that
    does such work, later than the time at which it would have been done.

    Args:
        edges: the declared steps, to look for those that never came.
    """

    def __init__(self, edges: Sequence[Edge] = ()) -> None:
        self._edges = edges
        self._parts = PARTS | STEP_PARTS if edges else PARTS
        self._is_prepared = False
        self.columns: tuple[str, ...] = WITH_STEPS if edges else AUDITED
        """The columns of ``line`` that `add` reads."""

    def add(self, logs: Logs) -> None:
        """Copy what an audit needs from the current part into its own tables."""
        self._prepare(logs)
        for table, query in self._parts.items():
            logs.query(f"INSERT INTO {table} {query}")

    def _prepare(self, logs: Logs) -> None:
        if self._is_prepared:
            return
        if self._edges:
            logs.query(DECLARED)
            logs.connection.executemany("INSERT INTO declared VALUES (?, ?, ?, ?)", self._edges)
        for table, query in self._parts.items():
            logs.query(f"CREATE TABLE {table} AS FROM ({query}) LIMIT 0")
        self._is_prepared = True

    def audit(self, logs: Logs, grace: float) -> Audit:
        """Return what is missing in all lines that were added; call it only once.

        Args:
            logs: the logs.
            grace: how long work may take, in seconds, beyond the longest that these logs show.
        """
        self._prepare(logs)
        logs.query(PROCESS)
        logs.query(BOUNDS, [round(grace * 1_000_000)])
        for sql in TABLES:
            logs.query(sql)
        for kind, queries in QUERIES.items():
            for sql in queries:
                _find(logs, kind, sql)
        if self._edges:
            for sql in STEP_TABLES:
                logs.query(sql)
            _find(logs, "step_missing", STEP_MISSING)
        units = logs.query("SELECT 1 FROM (FROM run SELECT 1 UNION ALL FROM sent SELECT 1) LIMIT 1")
        cases, under_way = _cases(logs, "verdict IS NULL"), _cases(logs, "verdict = 'open'")
        return Audit(cases, _unjudged(logs), under_way, bool(units))


def _find(logs: Logs, kind: str, sql: str) -> None:
    columns = ", ".join(COLUMNS)
    logs.query(f"INSERT INTO found SELECT ?, {columns} FROM ({sql})", [kind])


def _cases(logs: Logs, condition: str) -> tuple[Case, ...]:
    names = ("kind", *COLUMNS[:7])
    rows = logs.query(
        f"SELECT file, number, {', '.join(names)} FROM found WHERE {condition} "
        "ORDER BY time NULLS LAST, file, number"
    )
    order = list(KINDS)
    rows.sort(key=lambda row: order.index(row[2]))
    return tuple(
        Case(place=Place(logs.sources[int(file)], number), **dict(zip(names, values, strict=True)))
        for file, number, *values in rows
    )


def _unjudged(logs: Logs) -> tuple[Unjudged, ...]:
    rows = logs.query(
        "SELECT kind, who, verdict, count(*), "
        "CASE verdict WHEN 'before' THEN min(needed) ELSE max(needed) END FROM found "
        "WHERE verdict <> 'open' GROUP BY kind, who, verdict ORDER BY kind, who, verdict"
    )
    return tuple(Unjudged(*row) for row in rows)
