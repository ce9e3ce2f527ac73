"""The verdicts of ``headrace check``, from the package headrace-inspect."""

from __future__ import annotations

from collections.abc import Callable

from .points import find_point

GROUP = "headrace.evidence"

Verdicts = Callable[[], tuple[dict[str, str], list[str]]]


def find_verdicts() -> tuple[dict[str, str], list[str]]:
    """Return the verdict on each declared edge, by its identity, and the problems of the analysis.

    Raises:
        CommandError: the package is not installed or cannot be loaded.
    """
    verdicts: Verdicts = find_point(GROUP, "--evidence", "headrace-inspect")
    return verdicts()
