"""Writing to a terminal, a pipe or a file, whatever it can take."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TextIO

from headrace._messages.text import printable

from .errors import CommandError


def write(stream: TextIO | None, text: str) -> None:
    """Write `text` and a line break; what the stream cannot encode stands as an escape.

    Args:
        stream: where to; None, as `sys.stdout` is in a process that was started without it, is
            nowhere.
        text: what to write.

    Raises:
        CommandError: the disk is full, or the like; a reader that has gone away is no error.
    """
    if stream is None:
        return
    encoding = getattr(stream, "encoding", None) or "utf-8"
    text = text.encode(encoding, "backslashreplace").decode(encoding)
    try:
        stream.write(text + "\n")
        stream.flush()
    except BrokenPipeError:  # the reader, head or less, has had enough
        _give_up(stream)
    except OSError as error:
        _give_up(stream)
        raise CommandError(f"cannot write: {error.strerror}") from error


def tell(stream: TextIO | None, message: str) -> None:
    """Write a message of this command line, which begins with ``headrace:`` and is one line.

    Args:
        stream: standard error, or what stands for it.
        message: what is wrong, or is to be known, and what to do.

    Raises:
        CommandError: as for `write`.
    """
    write(stream, printable(f"headrace: {message}"))


def _give_up(stream: TextIO) -> None:
    # Python writes what is left at exit, and would complain then.
    if stream is sys.stdout:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def welcomes_colors(stream: TextIO | None, environment: Mapping[str, str]) -> bool:
    """Tell whether colours are welcome on `stream`.

    Args:
        stream: where to write: what it is decides, unless the environment does.
        environment: the variables ``NO_COLOR``, ``FORCE_COLOR`` and ``TERM`` are read from it.
    """
    if stream is None or environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return stream.isatty() and environment.get("TERM") != "dumb"


def shows_ascii_only(stream: TextIO) -> bool:
    """Tell whether the stream cannot take line-drawing characters."""
    try:
        "├└│↑●".encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return True
    return False
