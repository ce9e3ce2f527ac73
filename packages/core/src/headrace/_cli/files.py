"""Writing what was asked for to a file."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import CommandError


def check_output(output: str | os.PathLike[str]) -> None:
    """Refuse a file that `save` could not write; for before the work is done.

    Args:
        output: the file.

    Raises:
        CommandError: its folder is not there, it is a folder itself, or must not be written.
    """
    path = Path(output)
    if not path.parent.is_dir():
        raise CommandError(f"cannot write {output}: there is no folder {path.parent}")
    if path.is_dir():
        raise CommandError(f"cannot write {output}: it is a folder")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise CommandError(f"cannot write {output}: permission denied")


def save(output: str | os.PathLike[str], text: str) -> None:
    """Write `text` and a line break to a file, in UTF-8, instead of what was there.

    Args:
        output: the file.
        text: what to write; half a character stands as an escape.

    Raises:
        CommandError: it cannot be written; `check_output` tells most of that before.
    """
    check_output(output)
    try:
        Path(output).write_bytes(encoded(text))
    except OSError as error:
        raise CommandError(f"cannot write {output}: {error.strerror}") from error


def encoded(text: str) -> bytes:
    """Return the content of a file to which `text` is saved."""
    return f"{text}\n".encode("utf-8", "backslashreplace")
