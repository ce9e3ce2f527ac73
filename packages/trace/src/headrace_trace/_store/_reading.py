"""Loads sources into a database, on all processors."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import chain, pairwise

import duckdb

from headrace_trace._reading import Batch, Source, batches, find_sources
from headrace_trace._shapes import FIELDS, any_sql, field_names, is_native, native_sql

from ._arrow import BatchStream
from ._database import database
from ._logs import Logs
from ._tables import COLUMNS

_LINES = "lines"
_UNIT = "coalesce(unit_id, concat('@', service, '/', host, '/', pid))"
_SAMPLE = 50  # lines that tell the shape of a file
_SURE = re.compile(r"[A-Za-z0-9._|:@~-]+")  # what no writer of JSON escapes


@contextmanager
def load(
    words: Iterable[str],
    *,
    fields: Iterable[str] = (),
    flow_id: str = "",
    columns: Sequence[str] = COLUMNS,
) -> Iterator[Logs]:
    """Read logs and open what they say for the length of the block.

    Args:
        words: files, folders, patterns and ``-``, as on the command line.
        fields: other keys of fields, such as ``flow_id=request_id``.
        flow_id: read only the lines that contain this text; far faster than to read all.
        columns: the columns of ``line`` that are needed; the fewer, the faster.

    Raises:
        CommandError: a source cannot be read, or a field is unknown.
    """
    sources = find_sources(words)
    with database() as connection:
        logs = Logs(connection, [source.name for source in sources], columns)
        Loader(logs, fields).load(sources, _needle(flow_id))
        yield logs


def _needle(flow_id: str) -> bytes:
    return max(_SURE.findall(flow_id), key=len, default="").encode()


class Loader:
    """Appends lines to the table of lines.

    Args:
        logs: the logs.
        fields: other keys of fields.
    """

    def __init__(self, logs: Logs, fields: Iterable[str]) -> None:
        names = field_names(fields)
        self._logs = logs
        self._tries_native = names == FIELDS
        # Without a condition: DuckDB would decode the lines again for it.
        insert = f"INSERT INTO stored BY NAME SELECT * REPLACE ({_UNIT} AS unit_id) FROM ({{}})"
        self._native = insert.format(native_sql(_LINES, logs.columns))
        self._any = insert.format(any_sql(_LINES, names, logs.columns))
        rest = "(SELECT file, number, rest AS text FROM stored WHERE rest <> '')"
        self._rest = insert.format(any_sql(rest, names, logs.columns))

    def load(self, sources: Sequence[Source], needle: bytes = b"") -> None:
        """Append the lines of `sources`, or those that contain `needle`."""
        native: list[tuple[int, Iterator[Batch]]] = []
        others: list[tuple[int, Iterator[Batch]]] = []
        with ExitStack() as stack:
            for file, source in enumerate(sources):
                lines = self._counted(file, source, needle)
                stack.callback(lines.close)
                first = next(lines, Batch())
                is_own = self._tries_native and _looks_native(first)
                (native if is_own else others).append((file, chain([first], lines)))
            self._insert(self._native, native)
            self._insert(self._any, others)
        self._sort_out()

    def add(self, file: int, batch: Batch) -> None:
        """Append one batch of a file."""
        self._logs.count(file, batch)
        self._insert(self._any, [(file, iter([batch]))])
        self._sort_out()

    def _counted(self, file: int, source: Source, needle: bytes) -> Generator[Batch]:
        with closing(source.open()) as stream:
            for batch in batches(stream, needle):
                self._logs.count(file, batch)
                yield batch

    def _insert(self, sql: str, files: Sequence[tuple[int, Iterator[Batch]]]) -> None:
        if not files:
            return
        stream = BatchStream((file, batch) for file, lines in files for batch in lines)
        connection = self._logs.connection
        connection.register(_LINES, stream)
        try:
            connection.execute(sql).fetchall()
        except duckdb.Error as error:
            raise stream.error or error from None
        finally:
            connection.unregister(_LINES)

    def _sort_out(self) -> None:
        # Lines of other shapes among headrace's own, and lines that are no JSON.
        query = self._logs.query
        query(self._rest)
        for file, count, numbers in query(
            "SELECT file, count(*), min(number, 10) FROM stored WHERE rest = '' GROUP BY file"
        ):
            self._logs.reject(file, "not a JSON object", count, numbers)
        query("DELETE FROM stored WHERE rest IS NOT NULL")


def _looks_native(batch: Batch) -> bool:
    offsets = batch.offsets[: _SAMPLE + 1]
    return any(is_native(batch.text[a:b]) for a, b in pairwise(offsets))
