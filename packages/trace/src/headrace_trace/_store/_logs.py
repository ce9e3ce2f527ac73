"""What was read, and queries over it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headrace_trace._model import Line, Operation, Place, Publish, Unit

from ._tables import TABLES

if TYPE_CHECKING:
    import duckdb

    from headrace_trace._reading import Batch

_SHOWN = 10


@dataclass
class Reject:
    """Lines of one file that could not be read, for one reason."""

    file: str
    reason: str
    count: int = 0
    numbers: list[int] = field(default_factory=list)
    """The numbers of the first ones, ascending."""

    def add(self, numbers: Sequence[int]) -> None:
        """Count the lines `numbers`."""
        self.count += len(numbers)
        self.numbers = sorted([*self.numbers, *numbers])[:_SHOWN]


class Logs:
    """The lines in a database, with queries over them.

    The tables and their columns are in `headrace_trace._store._tables`.

    Args:
        connection: an empty database.
        sources: the names of the files, in the order of the column ``file``.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, sources: Sequence[str]) -> None:
        self._connection = connection
        self._rejects: dict[tuple[int, str], Reject] = {}
        self._lock = threading.Lock()
        self.sources = list(sources)
        self.lines = 0
        """How many lines were read, with an ID or without."""
        for sql in TABLES:
            connection.execute(sql).fetchall()

    @property
    def rejects(self) -> list[Reject]:
        """What could not be read, in the order of the files."""
        return [self._rejects[key] for key in sorted(self._rejects)]

    def count(self, file: int, batch: Batch, bad: Sequence[int]) -> None:
        """Count the lines of a batch, and those that could not be read."""
        with self._lock:
            self.lines += batch.lines
            self._reject(file, "not a JSON object", bad)
            self._reject(file, "longer than 1 MiB", batch.too_long)
            if batch.broken:
                self._reject(file, f"the file ends early: {batch.broken}", ())

    def _reject(self, file: int, reason: str, numbers: Sequence[int]) -> None:
        if numbers or reason.startswith("the file"):
            new = Reject(self.sources[file], reason)
            self._rejects.setdefault((file, reason), new).add(numbers)

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query; values are parameters (``?``), never part of `sql`."""
        return self._connection.execute(sql, parameters).fetchall()

    def operations(
        self, where: str = "true", parameters: Sequence[object] = (), *, limit: int | None = None
    ) -> list[Operation]:
        """Return the operations that meet a condition in SQL on their columns, newest first."""
        names = "flow_id, started, last, entry, kind, state, units, lines"
        rows = self.query(
            f"SELECT {names} FROM operation WHERE {where} "  # conditions are ours
            "ORDER BY started DESC NULLS LAST, flow_id LIMIT ?",
            (*parameters, limit),
        )
        return [Operation(*row) for row in rows]

    def units(self, flow_id: str) -> list[Unit]:
        """Return the units of an operation, in the order of their start."""
        return self._placed(Unit, "unit", flow_id, "started NULLS LAST, file, number")

    def publishes(self, flow_id: str) -> list[Publish]:
        """Return what the units of an operation published, in the order of time."""
        return self._placed(Publish, "publish", flow_id, "time NULLS LAST, file, number")

    def lines_of(self, flow_id: str) -> list[Line]:
        """Return the lines of an operation, in the order of time."""
        return self._placed(Line, "line", flow_id, "time NULLS LAST, file, number")

    def _placed(self, kind: type[Any], table: str, flow_id: str, order: str) -> list[Any]:
        names = [name for name in kind.__dataclass_fields__ if name != "place"]
        rows = self.query(
            f"SELECT file, number, {', '.join(names)} FROM {table} "  # names are ours
            f"WHERE flow_id = ? ORDER BY {order}",
            (flow_id,),
        )
        return [
            kind(place=Place(self.sources[file], number), **dict(zip(names, values, strict=True)))
            for file, number, *values in rows
        ]

    def ids(self, start: str) -> list[str]:
        """Return the IDs of operations that begin with `start`, at most ten."""
        sql = "SELECT DISTINCT flow_id FROM line WHERE starts_with(flow_id, ?) ORDER BY 1 LIMIT 10"
        return [flow_id for (flow_id,) in self.query(sql, (start,))]
