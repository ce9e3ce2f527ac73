"""Batches of whole lines, with the number of each; lines that are too long are left out."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

SIZE = 4 << 20
"""How many bytes are read at a time."""
LONGEST = 1 << 20
"""The longest line that is kept, in bytes."""


@dataclass(frozen=True)
class Batch:
    """Consecutive lines of one source, as Arrow stores text: one buffer and offsets into it."""

    numbers: array[int] = field(default_factory=lambda: array("i"))
    """The number of each line, from 1."""
    offsets: array[int] = field(default_factory=lambda: array("i", [0]))
    """Where each line begins in `text`, and where the last one ends."""
    text: bytes = b""
    """The lines, in valid UTF-8: each bad byte is replaced by U+FFFD."""
    lines: int = 0
    """How many lines were read, those included that are not in `text`."""
    too_long: tuple[int, ...] = ()
    """The numbers of the lines that were longer than `LONGEST`."""
    broken: str = ""
    """Why the source ended early, such as a truncated gzip file."""


def batches(stream: IO[bytes], needle: bytes = b"", *, size: int = SIZE) -> Iterator[Batch]:
    """Yield the lines of `stream`, at most a few MB at a time.

    Args:
        stream: the bytes; the last line may lack its line break.
        needle: if given, only lines that contain these bytes are in the batches.
        size: how many bytes to read at a time.
    """
    number = 1
    for piece in _pieces(stream, size):
        if isinstance(piece, str):
            yield Batch(broken=piece)
        elif piece is None:
            yield Batch(lines=1, too_long=(number,))
            number += 1
        else:
            batch = _picked(piece, number, needle) if needle else _all(piece, number)
            number += batch.lines
            yield batch


def follow_batch(data: bytes, number: int, needle: bytes = b"") -> Batch:
    """Return the batch of `data`, whole lines that begin with line `number` of their file."""
    return _picked(data, number, needle) if needle else _all(data, number)


def _pieces(stream: IO[bytes], size: int) -> Iterator[bytes | str | None]:
    # Yields whole lines; None for a line that exceeds the limit; text if the stream breaks off.
    rest, skipping = b"", False
    while True:
        try:
            data = stream.read(size)
        except Exception as error:  # gzip and Zstandard raise several kinds
            yield f"{type(error).__name__}: {error}"
            data = b""
        if not data:
            break
        if skipping:
            end = data.find(b"\n") + 1
            if not end:
                continue
            skipping, data = False, data[end:]
        cut = data.rfind(b"\n") + 1
        if cut:
            yield rest + data[:cut]
            rest = data[cut:]
        else:
            rest += data
        if len(rest) > LONGEST:
            yield None
            rest, skipping = b"", True
    if rest:
        yield rest


def _all(data: bytes, number: int) -> Batch:
    text = _valid(data)
    offsets = array("i", [0])
    find, add, end = text.find, offsets.append, 0
    while end := find(b"\n", end) + 1:
        add(end)
    if offsets[-1] < len(text):
        add(len(text))
    count = len(offsets) - 1
    batch = Batch(array("i", range(number, number + count)), offsets, text, count)
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


def _picked(data: bytes, number: int, needle: bytes) -> Batch:
    kept: list[tuple[int, bytes]] = []
    too_long: list[int] = []
    start, position = 0, data.find(needle)
    while position >= 0:
        begin = data.rfind(b"\n", 0, position) + 1
        end = data.find(b"\n", position) + 1 or len(data)
        number += data.count(b"\n", start, begin)
        if end - begin > LONGEST:
            too_long.append(number)
        else:
            kept.append((number, _valid(data[begin:end])))
        start = begin
        position = data.find(needle, end)
    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    return _of(kept, lines, tuple(too_long))


def _of(lines: list[tuple[int, bytes]], count: int, too_long: tuple[int, ...]) -> Batch:
    offsets, end = array("i", [0]), 0
    for _, line in lines:
        end += len(line)
        offsets.append(end)
    numbers = array("i", (number for number, _ in lines))
    return Batch(numbers, offsets, b"".join(line for _, line in lines), count, too_long)


def _valid(data: bytes) -> bytes:
    return data if data.isascii() else data.decode("utf-8", "replace").encode()
