"""What was read, and queries over it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import duckdb

from headrace_trace._model import Line, Operation, Place, Publish, Unit

from ._tables import stored, tables
from ._wanted import Wanted

if TYPE_CHECKING:
    from headrace_trace._reading import Batch

_SHOWN = 10
_NOT_EMPTY = "flow_id <> ''"


@dataclass
class Reject:
    """Lines of one file that could not be read, for one reason."""

    file: str
    reason: str
    count: int = 0
    numbers: list[int] = field(default_factory=list)
    """The numbers of the first ones, ascending."""


class Logs:
    """The lines in a database, with queries over them.

    The tables and their columns are in `headrace_trace._store._tables`.

    Args:
        connection: an empty database.
        sources: the names of the files, in the order of the column ``file``.
        columns: the columns of ``line`` that are filled.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        sources: Sequence[str],
        columns: Sequence[str],
    ) -> None:
        self.connection = connection
        self.sources = sources
        self.columns: tuple[str, ...] = tuple(columns)
        self.lines: int = 0
        """How many lines were read, with an ID or without."""
        self._rejects: dict[tuple[int, str], Reject] = {}
        for sql in tables(columns):
            self.query(sql)

    @property
    def rejects(self) -> list[Reject]:
        """What could not be read, in the order of the files."""
        return [self._rejects[key] for key in sorted(self._rejects)]

    def count(self, file: int, batch: Batch) -> None:
        """Count the lines of a batch, and those that could not be read."""
        self.lines += batch.lines
        if batch.too_long:
            self.reject(file, "longer than 1 MiB", len(batch.too_long), batch.too_long)
        if batch.broken:
            self.reject(file, f"the file ends early: {batch.broken}", 0, ())

    def reject(self, file: int, reason: str, count: int, numbers: Sequence[int]) -> None:
        """Count lines that could not be read.

        Args:
            file: the index of the file.
            reason: why.
            count: how many.
            numbers: the numbers of the first ones.
        """
        found = self._rejects.setdefault((file, reason), Reject(self.sources[file], reason))
        found.count += count
        found.numbers = sorted([*found.numbers, *numbers])[:_SHOWN]

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query; values are parameters (``?``), never part of `sql`."""
        try:
            return self.connection.execute(sql, parameters).fetchall()
        except duckdb.InterruptException:
            raise KeyboardInterrupt from None

    @contextmanager
    def twin(self) -> Iterator[Logs]:
        """Open logs with lines of their own in the same database, for use in another thread."""
        with self.connection.cursor() as connection:
            yield Logs(connection, self.sources, self.columns)

    def empty(self) -> None:
        """Drop all lines."""
        # Unlike TRUNCATE, this frees their memory.
        self.query(stored(self.columns))

    def newest(self) -> int | None:
        """Return the time of the newest line, in microseconds since 1970."""
        time: int | None = self.query("SELECT max(time) FROM line")[0][0]
        return time

    def operations(
        self, wanted: Wanted | None = None, *, limit: int | None = None
    ) -> list[Operation]:
        """Return operations, newest first.

        Args:
            wanted: what they must have; by default anything.
            limit: how many at most.
        """
        wanted = Wanted() if wanted is None else wanted
        having, parameters = wanted.having()
        ids = (
            f"SELECT flow_id FROM line WHERE flow_id <> '' GROUP BY flow_id HAVING {having} "
            "ORDER BY min(time) DESC NULLS LAST, flow_id"
        )
        where, found = f"flow_id IN ({ids})", parameters
        if wanted.state is None and limit is not None:
            # Looked up first, so that not all operations are put together.
            found = [flow_id for (flow_id,) in self.query(f"{ids} LIMIT ?", [*parameters, limit])]
            where = f"flow_id IN ({', '.join('?' * len(found)) or 'NULL'})"
        names = ", ".join(one.name for one in fields(Operation))
        rows = self.query(
            f"SELECT {names} FROM operation WHERE {where} AND coalesce(state = ?, true) "
            "ORDER BY started DESC NULLS LAST, flow_id LIMIT ?",
            (*found, wanted.state, limit),
        )
        return [Operation(*row) for row in rows]

    def units(self, flow_id: str | None = None) -> list[Unit]:
        """Return the units of an operation, or of all, in the order of their start."""
        return self._placed(Unit, "unit", flow_id, "started NULLS LAST, file, number")

    def publishes(self, flow_id: str | None = None) -> list[Publish]:
        """Return what the units of an operation, or of all, published, in the order of time."""
        return self._placed(Publish, "publish", flow_id, "time NULLS LAST, file, number")

    def lines_of(self, flow_id: str) -> list[Line]:
        """Return the lines of an operation, in the order of time."""
        return self._placed(Line, "line", flow_id, "time NULLS LAST, file, number")

    def lines_by_operation(self) -> dict[str, list[Line]]:
        """Return the lines of all operations, each in the order of time."""
        order = "flow_id, time NULLS LAST, file, number"
        lines = self._placed(Line, "line", None, order)
        sql = f"SELECT flow_id FROM line WHERE {_NOT_EMPTY} ORDER BY {order}"
        found: dict[str, list[Line]] = {}
        for (flow_id,), line in zip(self.query(sql), lines, strict=True):
            found.setdefault(flow_id, []).append(line)
        return found

    def _placed(self, kind: type[Any], table: str, flow_id: str | None, order: str) -> list[Any]:
        names = [name for name in kind.__dataclass_fields__ if name != "place"]
        rows = self.query(
            f"SELECT file, number, {', '.join(names)} FROM {table} "
            f"WHERE {'flow_id = ?' if flow_id is not None else _NOT_EMPTY} ORDER BY {order}",
            () if flow_id is None else (flow_id,),
        )
        return [
            kind(
                place=Place(self.sources[int(file)], number),
                **dict(zip(names, values, strict=True)),
            )
            for file, number, *values in rows
        ]

    def ids(self, start: str) -> list[str]:
        """Return the IDs of operations that begin with `start`, at most ten."""
        sql = "SELECT DISTINCT flow_id FROM line WHERE starts_with(flow_id, ?) ORDER BY 1 LIMIT 10"
        return [flow_id for (flow_id,) in self.query(sql, (start,))]
