"""From bytes to batches of whole lines, with the number of each."""

from __future__ import annotations

import io
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import IO

SIZE = 4 << 20
"""How many bytes are read at a time."""
LONGEST = 1 << 20
"""The longest line that is kept, in bytes."""
_RETAINED = 31 << 20  # bytes


@dataclass(frozen=True)
class Batch:
    """Lines of one source, as Arrow stores text: one buffer and offsets into it.

    The arrays are unsigned, since Python fills those faster; the values fit into signed ones too.
    """

    numbers: array[int] = field(default_factory=lambda: array("I"))
    """The number of each line, from 1."""
    offsets: array[int] = field(default_factory=lambda: array("I", [0]))
    """Where each line begins in `text`, and where the last one ends."""
    text: bytes = b""
    """The lines, in valid UTF-8: each bad byte is replaced by U+FFFD."""
    lines: int = 0
    """How many lines were read, those included that are not in `text`."""
    too_long: tuple[int, ...] = ()
    """The numbers of the lines that were longer than `LONGEST`."""
    broken: str = ""
    """Why the source ended early, such as a truncated gzip file."""


class LineReader:
    """Reads the lines of a stream, also of one that grows.

    Args:
        stream: the bytes.
        needle: if given, only lines that contain these bytes are kept.
    """

    def __init__(self, stream: IO[bytes], needle: bytes = b"") -> None:
        # Once it has freed a block of this size, the C library keeps those that are freed later,
        # instead of asking the system for each block again.
        bytes(_RETAINED)
        self._stream = stream
        self._needle = needle
        self._number = 1
        self._rest = b""
        # What is compressed is read bit by bit, so that nothing before an error is lost.
        is_plain = isinstance(stream, io.BufferedReader)
        self._read: Callable[[int], bytes] = stream.read
        if not is_plain:
            self._read = getattr(stream, "read1", stream.read)
        self._is_broken, self._error = False, ""
        self._is_skipping = False  # the rest of a line that is too long

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()

    def read(self, *, is_last: bool = True) -> Iterator[Batch]:
        """Yield what the stream holds, at most a few MB at a time.

        Args:
            is_last: whether the stream has ended; otherwise a last line without a line break is
                kept for the next call.
        """
        while data := self._block():
            yield from self._add(data)
        if self._error:
            yield Batch(broken=self._error)
            self._error = ""
        if is_last and self._rest:
            yield self._batch(self._rest)
            self._rest = b""

    def _block(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        try:
            while not self._is_broken and size < SIZE and (data := self._read(SIZE - size)):
                parts.append(data)
                size += len(data)
        except Exception as error:  # gzip and Zstandard raise several kinds
            self._is_broken, self._error = True, f"{type(error).__name__}: {error}"
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _add(self, data: bytes) -> Iterator[Batch]:
        if self._is_skipping:
            end = data.find(b"\n") + 1
            if not end:
                return
            self._is_skipping, data = False, data[end:]
        cut = data.rfind(b"\n") + 1
        if cut:
            yield self._batch(b"".join((self._rest, memoryview(data)[:cut])))
            self._rest = data[cut:]
        else:
            self._rest += data
        if len(self._rest) > LONGEST:
            yield Batch(lines=1, too_long=(self._number,))
            self._number += 1
            self._rest, self._is_skipping = b"", True

    def _batch(self, data: bytes) -> Batch:
        read = _lines_with(data, self._number, self._needle) if self._needle else None
        batch = read or _all_lines(data, self._number)
        self._number += batch.lines
        return batch


def _all_lines(data: bytes, number: int) -> Batch:
    text = _valid(data)
    # io.BytesIO finds the line breaks several times faster than bytes.split.
    offsets = array("I", accumulate(map(len, io.BytesIO(text)), initial=0))
    count = len(offsets) - 1
    batch = Batch(array("I", range(number, number + count)), offsets, text, count)
    return _without_long(batch) if _may_have_long(text) else batch


def _may_have_long(text: bytes) -> bool:
    # A line that exceeds the limit covers an aligned window of half its length.
    half = LONGEST // 2
    return any(text.find(b"\n", at, at + half) < 0 for at in range(0, len(text) - half, half))


def _without_long(batch: Batch) -> Batch:
    kept: list[tuple[int, bytes]] = []
    too_long: list[int] = []
    for number, start, end in zip(batch.numbers, batch.offsets, batch.offsets[1:], strict=False):
        if end - start > LONGEST:
            too_long.append(number)
        else:
            kept.append((number, batch.text[start:end]))
    return _of(kept, batch.lines, tuple(too_long))


def _lines_with(data: bytes, number: int, needle: bytes) -> Batch:
    kept: list[tuple[int, bytes]] = []
    too_long: list[int] = []
    counted, position, lines = 0, data.find(needle), data.count(b"\n")
    while position >= 0:
        begin = data.rfind(b"\n", 0, position) + 1
        end = data.find(b"\n", position) + 1 or len(data)
        number += data.count(b"\n", counted, begin)
        counted = begin
        if end - begin > LONGEST:
            too_long.append(number)
        else:
            kept.append((number, _valid(data[begin:end])))
        position = data.find(needle, end)
    return _of(kept, lines + (not data.endswith(b"\n")), tuple(too_long))


def _of(lines: list[tuple[int, bytes]], count: int, too_long: tuple[int, ...]) -> Batch:
    offsets, end = array("I", [0]), 0
    for _, line in lines:
        end += len(line)
        offsets.append(end)
    numbers = array("I", (number for number, _ in lines))
    return Batch(numbers, offsets, b"".join(line for _, line in lines), count, too_long)


def _valid(data: bytes) -> bytes:
    return data if data.isascii() else data.decode("utf-8", "replace").encode()
