"""The verdicts of ``headrace check``, from the package headrace-inspect."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points

from .errors import CommandError
from .points import load_point

GROUP = "headrace.evidence"

Verdicts = Callable[[], tuple[dict[str, str], list[str]]]


def find_verdicts() -> tuple[dict[str, str], list[str]]:
    """Return the verdict on each declared edge, by its identity, and the problems of the analysis.

    Raises:
        CommandError: the package is not installed or cannot be loaded.
    """
    point: EntryPoint | None = next(iter(entry_points(group=GROUP)), None)
    if point is None:
        raise CommandError("--evidence needs headrace-inspect: pip install headrace-inspect")
    verdicts: Verdicts = load_point(point, "--evidence")
    return verdicts()
