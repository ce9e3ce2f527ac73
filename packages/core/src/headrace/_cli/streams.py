"""Writing to a terminal, a pipe or a file, whatever its encoding."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from io import TextIOWrapper
from typing import TextIO

from headrace._messages.text import printable

from .errors import CommandError


def escape_unencodable(stream: TextIO | None) -> None:
    """Let `stream` escape characters that it cannot encode, as standard error does by default."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def write(stream: TextIO | None, text: str) -> None:
    """Write `text` and a line break; characters that the stream cannot encode become escapes.

    Args:
        stream: the stream. If it is None, as `sys.stdout` may be, nothing is written.
        text: the text.

    Raises:
        CommandError: writing failed, for instance on a full disk. It is not an error if the reader
            has closed the pipe.
    """
    if stream is None:
        return
    encoding = getattr(stream, "encoding", None) or "utf-8"
    text = text.encode(encoding, "backslashreplace").decode(encoding)
    try:
        stream.write(text + "\n")
        stream.flush()
    except BrokenPipeError:  # the reader, such as head or less, has closed the pipe
        _give_up(stream)
    except OSError as error:
        _give_up(stream)
        raise CommandError(f"cannot write: {error.strerror}") from error


def tell(stream: TextIO | None, message: str) -> None:
    """Write a one-line message that begins with ``headrace:``.

    Args:
        stream: standard error, or its replacement.
        message: the problem or notice, and what to do.

    Raises:
        CommandError: as for `write`.
    """
    write(stream, printable(f"headrace: {message}"))


def _give_up(stream: TextIO) -> None:
    # Python flushes the stream at exit and would report an error then.
    if stream is sys.stdout:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def welcomes_colors(stream: TextIO | None, environment: Mapping[str, str]) -> bool:
    """Return whether to use colours on `stream`.

    Args:
        stream: the output; colours are for terminals, unless the environment says otherwise.
        environment: the environment, with ``NO_COLOR``, ``FORCE_COLOR`` and ``TERM``.
    """
    if stream is None or environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return stream.isatty() and environment.get("TERM") != "dumb"


def shows_ascii_only(stream: TextIO) -> bool:
    """Return whether the stream cannot encode line-drawing characters."""
    try:
        "├└│↑●".encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return True
    return False
