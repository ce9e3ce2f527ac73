"""Sources that are read while they grow: files, which may be rotated, and standard input."""

from __future__ import annotations

import os
import queue
import stat
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import IO, Self, cast

from headrace.commands import CommandError

from ._lines import Batch, LineReader
from ._sources import STDIN, Source, decompressed, find_sources


class Follower:
    """Reads what is new in the sources that words name.

    Args:
        words: files, folders, patterns and ``-``, as on the command line.
        needle: if given, only lines that contain these bytes are kept.

    Raises:
        CommandError: a source cannot be read.
    """

    def __init__(self, words: Sequence[str], needle: bytes = b"") -> None:
        self._words = [word for word in words if word != STDIN]
        self._needle = needle
        self._files: dict[str, _File] = {}
        self._seen: set[tuple[int, int]] = set()  # a rotated file is the same under another name
        self._input = _Input(needle) if STDIN in words else None
        self.names: list[str] = []
        """The names of the sources so far; a source keeps its index."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()

    @property
    def has_ended(self) -> bool:
        """Whether nothing can come any more: standard input, the only source, is closed."""
        return self._input is not None and self._input.has_ended and not self._words

    def poll(self) -> list[tuple[int, Iterator[Batch]]]:
        """Return the index of each source and its new lines, which are read as they are taken."""
        for word in self._words:
            # Between the steps of a rotation there may be no file.
            with suppress(*[CommandError] if self.names else []):
                for source in find_sources([word]):
                    self._notice(source)
        news = [(self._index(name), file.read()) for name, file in self._files.items()]
        if self._input is not None:
            news.append((self._index(STDIN), self._input.read()))
        return news

    def _notice(self, source: Source) -> None:
        if source.name in self._files:
            return
        identity = _identity(os.stat(source.name))
        is_rotated = bool(self.names) and any(source.name.startswith(name) for name in self._files)
        if identity not in self._seen and not is_rotated:
            self._files[source.name] = _File(source, self._needle, self._seen)
        self._seen.add(identity)

    def _index(self, name: str) -> int:
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)


class _File:
    """A file that grows, and may be replaced or truncated by a rotation."""

    def __init__(self, source: Source, needle: bytes, seen: set[tuple[int, int]]) -> None:
        self._source = source
        self._needle = needle
        self._seen = seen
        self._open()

    def _open(self) -> None:
        raw = self._source.open_raw()
        self._stream = decompressed(raw)
        self._reader = LineReader(self._stream, self._needle)
        found = os.fstat(raw.fileno())
        self._identity = _identity(found)
        self._seen.add(self._identity)
        self._is_whole = self._stream is not raw or not stat.S_ISREG(found.st_mode)

    def close(self) -> None:
        self._stream.close()

    def read(self) -> Iterator[Batch]:
        was_rotated = not self._is_whole and self._was_rotated()
        yield from self._reader.read(is_last=was_rotated or self._is_whole)
        if was_rotated:
            self.close()
            self._open()
            yield from self._reader.read(is_last=False)

    def _was_rotated(self) -> bool:
        try:
            found = os.stat(self._source.name)
        except OSError:  # between the renaming and the new file
            return False
        return _identity(found) != self._identity or found.st_size < self._stream.tell()


class _Input:
    """Standard input, read by a thread, since waiting for it must not stop the rest."""

    def __init__(self, needle: bytes) -> None:
        raw = Source(STDIN).open_raw()
        self._chunks = _Chunks(raw.fileno())
        self._reader = LineReader(cast("IO[bytes]", self._chunks), needle)
        self._thread = threading.Thread(target=self._chunks.fetch, daemon=True)
        self._thread.start()

    @property
    def has_ended(self) -> bool:
        return not self._thread.is_alive()

    def read(self) -> Iterator[Batch]:
        return self._reader.read(is_last=not self._thread.is_alive())


class _Chunks:
    """What a thread has read so far, as a stream that never waits."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._queue: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def fetch(self) -> None:
        """Read to the end."""
        # Not through `sys.stdin`, whose lock this thread would still hold when the process exits.
        with suppress(OSError):
            while data := os.read(self._descriptor, 1 << 16):
                self._queue.put(data)

    def read(self, _: int) -> bytes:
        """Return the next piece, or nothing if there is none yet."""
        try:
            return self._queue.get_nowait()
        except queue.Empty:
            return b""


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
