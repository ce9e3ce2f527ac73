"""The verdicts for ``headrace graph --evidence``, by the entry point ``headrace.evidence``."""

from __future__ import annotations

from headrace.commands import printable

from ._check import check
from ._settings import read_settings


def verdicts() -> tuple[dict[str, str], list[str]]:
    """Check what ``headrace check`` without a path checks.

    Returns:
        The verdict of each declared edge, by its ``flow:source->target``, and what could not be
        analysed.

    Raises:
        CommandError: the settings cannot be read.
    """
    settings = read_settings()
    paths = settings.paths or (".",)
    report = check(paths, exclude=settings.exclude, cache=settings.cache)
    return (
        {edge.id: edge.verdict for edge in report.edges},
        [printable(str(problem)) for problem in report.problems],
    )
