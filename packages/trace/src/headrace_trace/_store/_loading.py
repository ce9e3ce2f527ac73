"""From batches of lines to the table of lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import nanoarrow  # type: ignore[import-untyped]

from headrace_trace._shapes import bad_sql, decoded_sql

if TYPE_CHECKING:
    from headrace_trace._reading import Batch
    from headrace_trace._shapes import Names

_UNIT = "coalesce(unit_id, concat('@', service, '/', host, '/', pid))"
_BATCH = "batch"


class Loader:
    """Decodes batches and appends them to ``line``.

    Args:
        names: the keys of each field.
        where: a condition on the fields that a line must meet to be kept.
    """

    def __init__(self, names: Names, where: str = "true") -> None:
        insert = (
            "INSERT INTO line BY NAME SELECT * REPLACE ({unit} AS unit_id), ?::INTEGER AS file "
        )
        insert += "FROM ({decoded}) WHERE flow_id <> '' AND ({where})"
        self._fast, self._checked = (
            insert.format(
                unit=_UNIT, decoded=decoded_sql(_BATCH, names, checked=checked), where=where
            )
            for checked in (False, True)
        )
        self._bad = bad_sql(_BATCH)

    def add(self, connection: duckdb.DuckDBPyConnection, file: int, batch: Batch) -> list[int]:
        """Append the lines of `batch` that have an ID; return the numbers of the bad lines.

        Args:
            connection: a connection of the calling thread.
            file: the index of the source.
            batch: the lines.
        """
        if not batch.numbers:
            return []
        try:
            self._run(connection, self._fast, batch, file)
        except duckdb.Error:  # one bad line ends the whole statement
            bad = self._run(connection, self._bad, batch)
            self._run(connection, self._checked, batch, file)
            return [number for (number,) in bad]
        return []

    def _run(
        self, connection: duckdb.DuckDBPyConnection, sql: str, batch: Batch, *parameters: object
    ) -> list[tuple[Any, ...]]:
        connection.register(_BATCH, _arrow(batch))  # a stream can be read once
        try:
            return connection.execute(sql, parameters).fetchall()
        finally:
            connection.unregister(_BATCH)


def _arrow(batch: Batch) -> nanoarrow.ArrayStream:
    count = len(batch.numbers)
    number = nanoarrow.c_array_from_buffers(nanoarrow.int32(), count, [None, batch.numbers])
    buffers = [None, batch.offsets, batch.text]
    text = nanoarrow.c_array_from_buffers(nanoarrow.string(), count, buffers)
    schema = nanoarrow.struct({"number": nanoarrow.int32(), "text": nanoarrow.string()})
    rows = nanoarrow.c_array_from_buffers(schema, count, [None], children=[number, text])
    return nanoarrow.ArrayStream(rows)
