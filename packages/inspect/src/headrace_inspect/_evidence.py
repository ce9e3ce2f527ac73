"""The verdicts for ``headrace graph --evidence``, by the entry point ``headrace.evidence``."""

from __future__ import annotations

from headrace.commands import printable

from ._check import check
from ._settings import read_settings


def verdicts() -> tuple[dict[str, str], list[str]]:
    """Check what ``headrace check`` without a path checks.

    Returns:
        ``shown``, ``shown_by_tests`` or ``not_shown`` for each declared edge, by its
        ``flow:source->target``; and what could not be analysed.

    Raises:
        CommandError: the settings cannot be read.
    """
    report = check(**read_settings())
    by_tests = {edge.id: "shown_by_tests" for edge in report.edges if edge.by == ("tests",)}
    found = {edge.id: edge.verdict for edge in report.edges} | by_tests
    return found, [printable(str(problem)) for problem in report.problems]
