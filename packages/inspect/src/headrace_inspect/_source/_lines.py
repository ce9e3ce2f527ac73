"""The lines of a file, as Python counts them, and what in a line a finding is about."""

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


def span_in(text: str, *patterns: str) -> tuple[int, int]:
    """Return the column, from 1, and the width of what the first fitting pattern finds.

    That is its first group, or all of it. Where none fits it is the line without its indent.
    """
    for pattern in (*patterns, r"\S(?:.*\S)?", ""):
        if found := re.search(pattern, text):
            group = 1 if found.re.groups else 0
            return found.start(group) + 1, max(found.end(group) - found.start(group), 1)
    return 1, 1
