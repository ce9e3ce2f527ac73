"""Loads sources into a database, on all processors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import chain, pairwise

import duckdb

from headrace_trace._reading import Batch, Follower, LineReader, Source, find_sources
from headrace_trace._shapes import FIELDS, any_sql, field_names, is_native, native_sql

from ._arrow import BatchStream
from ._database import database
from ._logs import Logs
from ._tables import COLUMNS

_Files = Iterable[tuple[int, Iterator[Batch]]]

_LINES = "lines"
_UNIT = "coalesce(unit_id, concat('@', service, '/', host, '/', pid))"
_FEW = 1 << 20  # bytes
_SAMPLE = 50  # lines that tell the shape of a file
_PART = 500_000  # lines of a part; the last batch may add a few
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
        flow_id: read only the lines that contain this text; far faster than reading all.
        columns: the columns of ``line`` that are needed; the fewer, the faster.

    Raises:
        CommandError: a source cannot be read, or a field is unknown.
    """
    sources = find_sources(words)
    with database() as connection:
        logs = Logs(connection, [source.name for source in sources], columns)
        Loader(logs, fields).append(_files(sources, needle(flow_id)))
        yield logs


@contextmanager
def digest(
    words: Iterable[str],
    take: Callable[[Logs], None],
    *,
    fields: Iterable[str] = (),
    columns: Sequence[str] = COLUMNS,
) -> Iterator[Logs]:
    """Read logs of any size part by part, without keeping the lines, and open the result.

    Args:
        words: as for `load`.
        take: called for each part in turn, in another thread, while the next part is read. It
            gets logs whose view ``line`` has only that part, and copies what it needs into
            its own tables, which must not be temporary.
        fields: as for `load`.
        columns: as for `load`.

    Raises:
        CommandError: as for `load`.
    """
    sources = find_sources(words)
    with database() as connection:
        logs = Logs(connection, [source.name for source in sources], columns)
        Loader(logs, fields).pass_on(_files(sources), take)
        yield logs


@contextmanager
def follow(
    words: Sequence[str],
    *,
    fields: Iterable[str] = (),
    flow_id: str = "",
    columns: Sequence[str] = COLUMNS,
) -> Iterator[Iterator[Logs]]:
    """Read logs that grow, for the length of the block.

    The iterator reads what is new and gives the logs each time it is asked. It ends when standard
    input does, if there is no other source.

    Args:
        words: as for `load`.
        fields: as for `load`.
        flow_id: as for `load`.
        columns: as for `load`.

    Raises:
        CommandError: as for `load`.
    """
    with Follower(words, needle(flow_id)) as follower, database() as connection:
        logs = Logs(connection, follower.names, columns)
        yield _polled(follower, logs, Loader(logs, fields))


def _polled(follower: Follower, logs: Logs, loader: Loader) -> Iterator[Logs]:
    has_ended = False
    while not has_ended:
        has_ended = follower.has_ended
        loader.append(follower.poll())
        yield logs


def _files(sources: list[Source], needle: bytes = b"") -> Iterator[tuple[int, Iterator[Batch]]]:
    return enumerate(_lines(source, needle) for source in sources)


def _lines(source: Source, needle: bytes) -> Iterator[Batch]:
    with closing(LineReader(source.open(), needle)) as reader:
        yield from reader.read()


def needle(flow_id: str) -> bytes:
    """Return bytes that every line with `flow_id` contains, however its writer escapes it."""
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

    def append(self, files: _Files) -> None:
        """Append lines.

        Args:
            files: pairs of the index of a source and its lines.
        """
        feed = _Feed(files, self._tries_native)
        has_any = feed.is_native is not None
        while feed.is_native is not None:
            self._insert(self._logs, feed)
        if has_any:
            self._sort_out(self._logs)

    def pass_on(self, files: _Files, take: Callable[[Logs], None]) -> None:
        """Pass lines on in parts, without keeping them.

        Args:
            files: as for `append`.
            take: as for `digest`.
        """
        feed = _Feed(files, self._tries_native, _PART)
        with self._logs.twin() as twin, ThreadPoolExecutor(1) as pool:
            part, spare = self._logs, twin
            taken = pool.submit(spare.empty)
            while feed.is_native is not None:
                self._insert(part, feed)
                self._sort_out(part)
                taken.result()  # now the spare logs are empty
                taken = pool.submit(_take, take, part)
                part, spare = spare, part
            taken.result()

    def _insert(self, logs: Logs, feed: _Feed) -> None:
        sql = self._native if feed.is_native else self._any
        stream = BatchStream(self._counted(feed.take()))
        logs.connection.register(_LINES, stream)
        try:
            logs.query(sql)
        except duckdb.Error as error:
            raise stream.error or error from None
        finally:
            logs.connection.unregister(_LINES)

    def _counted(self, batches: Iterator[tuple[int, Batch]]) -> Iterator[tuple[int, Batch]]:
        for file, batch in batches:
            self._logs.count(file, batch)
            yield file, batch

    def _sort_out(self, logs: Logs) -> None:
        # Lines of other shapes among headrace's own, and lines that are no JSON.
        query = logs.query
        if not query("SELECT 1 FROM stored WHERE rest IS NOT NULL LIMIT 1"):
            return
        query(self._rest)
        for file, count, numbers in query(
            "SELECT file, count(*), min(number, 10) FROM stored WHERE rest = '' GROUP BY file"
        ):
            self._logs.reject(file, "not a JSON object", count, numbers)
        query("DELETE FROM stored WHERE rest IS NOT NULL")


def _take(take: Callable[[Logs], None], part: Logs) -> None:
    take(part)
    part.empty()


class _Feed:
    """Batches of many files, opened one after the other, in runs of the same shape."""

    def __init__(self, files: _Files, tries_native: bool, most: int | None = None) -> None:
        self._files = iter(files)
        self._tries_native = tries_native
        self._most = most
        self._next()

    def _next(self) -> None:
        self.is_native: bool | None = None
        """Whether the next file has lines of headrace's own; None after the last file."""
        for file, lines in self._files:
            first = next(lines, None)
            if first is not None:
                self.is_native = self._tries_native and _suits_native(first)
                self._file, self._lines = file, chain([first], lines)
                return

    def take(self) -> Iterator[tuple[int, Batch]]:
        """Yield the batches of the next files that have the same shape, up to one part."""
        kind, count = self.is_native, 0
        while self.is_native is not None and self.is_native == kind:
            for batch in self._lines:
                yield self._file, batch
                count += len(batch.numbers)
                if self._most is not None and count >= self._most:
                    return
            self._next()


def _suits_native(batch: Batch) -> bool:
    if len(batch.text) < _FEW:  # the few lines of another shape can be sorted out afterwards
        return True
    offsets = batch.offsets[: _SAMPLE + 1]
    return any(is_native(batch.text[a:b]) for a, b in pairwise(offsets))
