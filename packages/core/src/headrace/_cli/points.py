"""Loads other packages' entry points."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

from .errors import CommandError


def load_point(point: EntryPoint, what: str) -> Any:
    """Return the object that `point` names.

    Args:
        point: the entry point.
        what: the name that the user knows, for the error message.

    Raises:
        CommandError: the object cannot be imported; the message says why.
    """
    try:
        return point.load()
    except Exception as error:
        raise CommandError(
            f"cannot load {what} from {point.value}: {type(error).__name__}: {error}"
        ) from error
