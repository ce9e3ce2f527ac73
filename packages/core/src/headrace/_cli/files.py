"""Output files."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import CommandError


def check_output(output: str | os.PathLike[str]) -> None:
    """Reject a file that `save` could not write, before any work is done.

    Args:
        output: the file.

    Raises:
        CommandError: its folder does not exist, it is a folder itself, or it is not writable.
    """
    path = Path(output)
    if not path.parent.is_dir():
        raise CommandError(f"cannot write {output}: the folder {path.parent} does not exist")
    if path.is_dir():
        raise CommandError(f"cannot write {output}: it is a folder")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise CommandError(f"cannot write {output}: permission denied")


def save(output: str | os.PathLike[str], text: str) -> None:
    """Write `text` and a line break to a file in UTF-8, replacing its content.

    Args:
        output: the file.
        text: the content; a lone surrogate is written as an escape.

    Raises:
        CommandError: the file cannot be written; `check_output` finds most causes beforehand.
    """
    check_output(output)
    try:
        Path(output).write_bytes(encoded(text))
    except OSError as error:
        raise CommandError(f"cannot write {output}: {error.strerror}") from error


def encoded(text: str) -> bytes:
    """Return the bytes that `save` writes for `text`."""
    return f"{text}\n".encode("utf-8", "backslashreplace")
