"""Loads sources into a database, on all processors."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from headrace_trace._reading import batches, find_sources
from headrace_trace._shapes import field_names

from ._database import database
from ._loading import Loader
from ._logs import Logs

if TYPE_CHECKING:
    import duckdb

    from headrace_trace._reading import Batch


@contextmanager
def load(
    words: Iterable[str], *, fields: Iterable[str] = (), flow_id: str = "", where: str = "true"
) -> Iterator[Logs]:
    """Read logs and open what they say for the length of the block.

    Args:
        words: files, folders, patterns and ``-``, as on the command line.
        fields: other keys of fields, such as ``flow_id=request_id``.
        flow_id: read only the lines that contain this text; far faster than to read all.
        where: a condition in SQL on the fields that a line must meet to be kept.

    Raises:
        CommandError: a source cannot be read, or a field is unknown.
    """
    loader = Loader(field_names(fields), where)
    sources = find_sources(words)
    with database() as connection:
        logs = Logs(connection, [source.name for source in sources])
        cores = os.cpu_count() or 1
        with ThreadPoolExecutor(cores) as pool:
            tasks: set[Future[None]] = set()
            own = _Cursors(connection)
            for file, source in enumerate(sources):
                with closing(source.open()) as stream:
                    for batch in batches(stream, _needle(flow_id)):
                        tasks.add(pool.submit(_add, own, loader, logs, file, batch))
                        if len(tasks) > cores:  # bounds the memory
                            tasks = _finished(tasks)
            for task in tasks:
                task.result()
        yield logs


def _needle(flow_id: str) -> bytes:
    return flow_id.encode()


class _Cursors(threading.local):
    """A connection for each thread."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.cursor = connection.cursor()


def _add(own: _Cursors, loader: Loader, logs: Logs, file: int, batch: Batch) -> None:
    logs.count(file, batch, loader.add(own.cursor, file, batch))


def _finished(tasks: set[Future[None]]) -> set[Future[None]]:
    done, running = wait(tasks, return_when=FIRST_COMPLETED)
    for task in done:
        task.result()
    return running
