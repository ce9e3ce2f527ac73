"""Bytes of a file to its syntax tree, whatever the bytes are."""

from __future__ import annotations

import ast
import os
import stat
import sys
import warnings


class UnreadableError(Exception):
    """A file that cannot be read or parsed.

    Attributes:
        line: the line concerned, or 0.
        message: why.
    """

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def read(path: str) -> bytes:
    """Return the content of the file `path`.

    Raises:
        UnreadableError: it is gone, no regular file, not permitted, or a loop of symbolic links.
    """
    try:
        # Looked at first: to open a pipe would wait for its other end.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise UnreadableError("not a regular file")
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:
        raise UnreadableError(f"cannot be read: {_reason(error)}") from None


def parse(content: bytes) -> ast.Module:
    """Return the syntax tree of a file with this content.

    Raises:
        UnreadableError: it is not valid Python, for the Python that runs this.
    """
    if b"\0" in content:
        raise UnreadableError("is binary: it contains null bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(content)
    except SyntaxError as error:
        version = ".".join(map(str, sys.version_info[:2]))
        raise UnreadableError(
            f"does not parse with Python {version}: {error.msg}", error.lineno or 0
        ) from None
    except (ValueError, OverflowError) as error:
        raise UnreadableError(f"does not parse: {error}") from None
    except (RecursionError, MemoryError):
        raise UnreadableError("does not parse: nested too deeply") from None


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
