"""``headrace graph --traces``: the core draws, and asks for figures here."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from headrace.commands import PictureFigures, printable
from headrace_trace._stats import Pair, Step, graph_figures
from headrace_trace._store import SKELETON, load

from ._options import reject_text


def figures(
    words: Sequence[str], edges: Collection[Pair]
) -> tuple[dict[Step, PictureFigures], dict[Pair, PictureFigures], list[str]]:
    """Return the figures of steps and of `edges` in logs, and what could not be read.

    Args:
        words: files, folders, patterns, or ``-``.
        edges: pairs of steps.

    Raises:
        CommandError: a source cannot be read.
    """
    with load(words, columns=SKELETON) as logs:
        steps, pairs = graph_figures(logs, edges)
        return steps, pairs, [printable(reject_text(one)) for one in logs.rejects]
