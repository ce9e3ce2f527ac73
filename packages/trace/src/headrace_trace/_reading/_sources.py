"""Which files the words of a command line mean, and how each is opened."""

from __future__ import annotations

import glob
import gzip
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from headrace.commands import CommandError

STDIN = "-"
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True)
class Source:
    """One log file, or standard input."""

    name: str
    """The path as it was found; ``-`` is standard input."""

    def open(self) -> IO[bytes]:
        """Open it for reading; what gzip or Zstandard have compressed is decompressed.

        Raises:
            CommandError: it cannot be opened.
        """
        return decompressed(self.open_raw())

    def open_raw(self) -> BinaryIO:
        """Open it for reading as it is.

        Raises:
            CommandError: it cannot be opened.
        """
        try:
            return _stdin() if self.name == STDIN else open(self.name, "rb")
        except OSError as error:
            raise CommandError(f"cannot read {self.name}: {error.strerror}") from error


def decompressed(raw: BinaryIO) -> IO[bytes]:
    """Return `raw`, a buffered stream, or what decompresses it; its first bytes decide."""
    peek = getattr(raw, "peek", None)
    start: bytes = peek(4)[:4] if peek else b""
    if start.startswith(_GZIP):
        return cast("IO[bytes]", _Gzip(raw))
    if start == _ZSTD:
        import zstandard

        stream: IO[bytes] = zstandard.ZstdDecompressor().stream_reader(
            raw, read_across_frames=True, closefd=True
        )
        return stream
    return raw


class _Gzip(gzip.GzipFile):
    """A gzip stream that closes the file under it too."""

    def __init__(self, raw: BinaryIO) -> None:
        super().__init__(fileobj=raw)
        self._under = raw

    def close(self) -> None:
        super().close()
        self._under.close()


def find_sources(words: Iterable[str]) -> list[Source]:
    """Return the sources that `words` name: files, folders, patterns, ``-``.

    A folder stands for the regular files below it whose names do not begin with a dot. Each file
    comes once.

    Raises:
        CommandError: a word names nothing that exists, or is a URL.
    """
    found = dict.fromkeys(name for word in words for name in _named(word))
    return [Source(name) for name in found]


def _named(word: str) -> Iterator[str]:
    if word == STDIN:
        yield word
    elif "://" in word:
        raise CommandError(f"{word} is a URL: fetch it first, and pipe it in or save it")
    elif os.path.isdir(word):
        yield from _below(word)
    elif os.path.exists(word):
        yield word
    else:
        matches = sorted(glob.glob(word, recursive=True))
        if not matches:
            raise CommandError(f"there is no file, folder or match of {word}")
        for match in matches:
            yield from _below(match) if os.path.isdir(match) else [match]


def _below(folder: str) -> Iterator[str]:
    paths = sorted(Path(folder).rglob("*"))
    for path in paths:
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and stat.S_ISREG(path.stat().st_mode):
            yield str(path)


def _stdin() -> BinaryIO:
    if sys.stdin is None or sys.stdin.closed:
        raise CommandError("standard input is closed")
    return sys.stdin.buffer
