"""Which files the words of a command line mean, and how each is opened."""

from __future__ import annotations

import glob
import gzip
import io
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
_PIECE = 1024
"""Bytes decompressed at a time: even those of a hostile file expand to only about 30 MiB."""


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
        return cast("IO[bytes]", _Zstd(raw))
    return raw


class _Gzip(gzip.GzipFile):
    """A gzip stream that closes the file under it too."""

    def __init__(self, raw: BinaryIO) -> None:
        super().__init__(fileobj=raw)
        self._under = raw

    def close(self) -> None:
        super().close()
        self._under.close()


class _Zstd(io.BufferedIOBase):
    """Decompresses any number of Zstandard frames.

    The library's own reader does not tell a truncated frame from a complete one.
    """

    def __init__(self, raw: BinaryIO) -> None:
        import zstandard

        self._under = raw
        self._next = zstandard.ZstdDecompressor().decompressobj
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._rest = b""

    def read1(self, _: int = -1) -> bytes:
        """Return some of the next bytes; none at the end.

        Raises:
            EOFError: the last frame is truncated.
        """
        while data := self._rest or self._under.read(_PIECE):
            self._frame = self._frame or self._next()
            found = self._frame.decompress(data)
            self._rest = self._frame.unused_data
            if self._frame.eof:
                self._frame = None
            if found:
                return found
        if self._frame is not None:
            raise EOFError("the last Zstandard frame is truncated")
        return b""

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
