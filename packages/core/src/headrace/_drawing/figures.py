"""Figures of steps and edges, as logs show them: counts, errors and times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a step, or of an edge between two steps.

    Attributes:
        count: how often the step ended, or how often the edge's target ran after its source.
        errors: how many of them ended in an error.
        median: the median duration of the step in milliseconds, or of the time from the start of
            the source to the start of the target; None if unknown.
        p95: the 95th percentile of the same times.
    """

    count: int = 0
    errors: int = 0
    median: float | None = None
    p95: float | None = None


def step_words(figures: Figures | None) -> list[str]:
    """Return the figures of a step as two short lines of text, or none without figures."""
    return _words(figures, "run", "no runs", "median ")


def edge_words(figures: Figures | None) -> list[str]:
    """Return the figures of an edge as two short lines of text, or none without figures."""
    return _words(figures, "time", "never", "after ")


def figures_json(figures: Figures) -> dict[str, Any]:
    """Return figures as an object for JSON, with times in milliseconds."""
    return {
        "count": figures.count,
        "errors": figures.errors,
        "median_ms": _rounded(figures.median),
        "p95_ms": _rounded(figures.p95),
    }


def _rounded(ms: float | None) -> float | None:
    return None if ms is None else round(ms, 3)


def _words(figures: Figures | None, noun: str, none: str, before: str) -> list[str]:
    if figures is None:
        return []
    if not figures.count:
        return [none]
    counts = [_counted(figures.count, noun)]
    counts += [_counted(figures.errors, "error")] if figures.errors else []
    words = [", ".join(counts)]
    if figures.median is not None and figures.p95 is not None:
        words.append(f"{before}{_duration(figures.median)}, p95 {_duration(figures.p95)}")
    return words


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _duration(ms: float) -> str:
    for size, unit in ((60_000, "min"), (1000, "s")):
        if ms >= size:
            return f"{ms / size:.1f} {unit}"
    return f"{ms:.2g} ms" if ms < 10 else f"{ms:.0f} ms"
