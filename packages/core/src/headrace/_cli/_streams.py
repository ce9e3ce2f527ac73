"""Writing to a terminal, a pipe or a file, whatever it can take."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TextIO


def write(stream: TextIO, text: str) -> None:
    """Write `text` and a line break; what the stream cannot encode stands as an escape."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    text = text.encode(encoding, "backslashreplace").decode(encoding)
    try:
        stream.write(text + "\n")
        stream.flush()
    except BrokenPipeError:
        # The reader, head or less, has had enough. Python would complain at exit, too.
        if stream is sys.stdout:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def welcomes_colors(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Tell whether colours are welcome on `stream`.

    Args:
        stream: where to write: what it is decides, unless the environment does.
        environment: the variables ``NO_COLOR``, ``FORCE_COLOR`` and ``TERM`` are read from it.
    """
    if environment.get("NO_COLOR"):
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
