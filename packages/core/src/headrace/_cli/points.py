"""Loads other packages' entry points."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from .errors import CommandError


def find_point(group: str, option: str, package: str) -> Any:
    """Return the object that the entry point in `group` names.

    Args:
        group: a group with one entry point.
        option: the option that needs it.
        package: the package that provides it.

    Raises:
        CommandError: the package is not installed or cannot be loaded.
    """
    point: EntryPoint | None = next(iter(entry_points(group=group)), None)
    if point is None:
        raise CommandError(f"{option} needs {package}: pip install {package}")
    return load_point(point, option)


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
