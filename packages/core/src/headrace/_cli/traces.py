"""Figures of steps and edges in logs, from the package headrace-trace."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from headrace._drawing.figures import Figures
from headrace._drawing.picture import Step

from .points import find_point

GROUP = "headrace.traces"

Pair = tuple[Step, Step]
Found = tuple[dict[Step, Figures], dict[Pair, Figures], list[str]]


def find_figures(logs: Sequence[str], edges: Collection[Pair]) -> Found:
    """Return the figures of the steps and of `edges`, and what could not be read.

    Args:
        logs: files, folders, patterns, or ``-``.
        edges: pairs of steps.

    Raises:
        CommandError: the package is not installed, cannot be loaded, or cannot read the logs.
    """
    find: Callable[[Sequence[str], Collection[Pair]], Found]
    find = find_point(GROUP, "--traces", "headrace-trace")
    return find(logs, edges)
