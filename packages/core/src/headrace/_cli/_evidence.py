"""The verdicts of ``headrace check``, which another package gives."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points

from ._errors import CommandError

GROUP = "headrace.evidence"

Verdicts = Callable[[], tuple[dict[str, str], list[str]]]


def find_verdicts() -> tuple[dict[str, str], list[str]]:
    """Return the verdict of each declared edge, by its identity, and what could not be analysed.

    Raises:
        CommandError: the package is not installed, or cannot be loaded.
    """
    point: EntryPoint | None = next(iter(entry_points(group=GROUP)), None)
    if point is None:
        raise CommandError("--evidence needs headrace-inspect: pip install headrace-inspect")
    try:
        verdicts: Verdicts = point.load()
    except Exception as error:
        raise CommandError(
            f"--evidence cannot be loaded from {point.value}: {type(error).__name__}: {error}"
        ) from error
    return verdicts()
