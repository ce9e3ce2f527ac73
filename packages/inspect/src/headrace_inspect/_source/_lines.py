"""The lines of a file, as Python counts them."""

from __future__ import annotations

import io
import re
import tokenize

_end_of_line = re.compile(r"\r\n|\r|\n")


def lines_of(content: bytes) -> list[str]:
    """Return the lines of a file, without their ends; what cannot be decoded is replaced."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    except SyntaxError:  # it names an encoding that there is none of
        encoding = "utf-8"
    return _end_of_line.split(content.decode(encoding, errors="replace"))


def line_of(lines: list[str], number: int) -> str:
    """Return line `number`, from 1, or ``""`` where there is none."""
    return lines[number - 1] if 0 < number <= len(lines) else ""
