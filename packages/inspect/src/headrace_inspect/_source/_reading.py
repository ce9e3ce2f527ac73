"""The bytes of a file, its lines and its syntax tree, whatever the bytes are."""

from __future__ import annotations

import ast
import io
import os
import re
import stat
import sys
import tokenize
import warnings
from collections.abc import Sequence

from headrace_inspect._report import Problem

from ._discovery import shown

_end_of_line = re.compile(r"\r\n|\r|\n")


class UnreadableError(Exception):
    """A file that cannot be read or parsed: the line concerned, or 0, and why."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def contents_of(files: Sequence[str], problems: list[Problem]) -> dict[str, bytes]:
    """Return the content of each file that can be read, and add what is wrong with the others."""
    contents: dict[str, bytes] = {}
    for file in files:
        try:
            contents[file] = read(file)
        except UnreadableError as error:
            problems.append(Problem(shown(file), error.line, error.message))
    return contents


def read(path: str) -> bytes:
    """Return the content of the file `path`, or raise `UnreadableError`."""
    try:
        # Looked at first: to open a pipe would wait for its other end.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise UnreadableError("not a regular file")
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise UnreadableError(f"cannot be read: {reason}") from None


def parse(content: bytes) -> ast.Module:
    """Return the syntax tree of a file, or raise `UnreadableError` if it is not valid Python."""
    if b"\0" in content:
        raise UnreadableError("is binary: it contains null bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(content)
    except SyntaxError as error:
        version = ".".join(map(str, sys.version_info[:2]))
        message = f"does not parse with Python {version}: {error.msg}"
        raise UnreadableError(message, error.lineno or 0) from None
    except (ValueError, OverflowError) as error:
        raise UnreadableError(f"does not parse: {error}") from None
    except (RecursionError, MemoryError):
        raise UnreadableError("does not parse: nested too deeply") from None


def lines_of(content: bytes) -> list[str]:
    """Return the lines of a file as Python counts them; what cannot be decoded is replaced."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    except SyntaxError:  # it names an encoding that there is none of
        encoding = "utf-8"
    return _end_of_line.split(content.decode(encoding, errors="replace"))


def span_in(text: str, *patterns: str) -> tuple[int, int]:
    """Return the column, from 1, and the width of the first group that a pattern finds.

    Where none fits it is the line without its indent.
    """
    found = [found for one in (*patterns, r"(\S.*\S|\S?)") if (found := re.search(one, text))]
    return found[0].start(1) + 1, max(len(found[0][1]), 1)
