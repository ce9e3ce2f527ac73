"""What other packages add by entry points, loaded."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

from .errors import CommandError


def load_point(point: EntryPoint, what: str) -> Any:
    """Return what `point` names.

    Args:
        point: the entry point.
        what: what it is to the user, for the message.

    Raises:
        CommandError: it cannot be imported; the message says why.
    """
    try:
        return point.load()
    except Exception as error:
        raise CommandError(
            f"{what} cannot be loaded from {point.value}: {type(error).__name__}: {error}"
        ) from error
