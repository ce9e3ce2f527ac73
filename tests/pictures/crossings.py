"""Crossings of drawn edges, counted in the same way whoever has drawn them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

Point = tuple[float, float]


def count_crossings(lines: Mapping[tuple[str, str], Sequence[Point]]) -> int:
    """Return how many pairs of edges cross; each edge is a polyline.

    Edges that share a node touch there, which is no crossing.
    """
    found = 0
    for (one, a), (other, b) in itertools.combinations(lines.items(), 2):
        ends = [*(a[i] for i in (0, -1)), *(b[i] for i in (0, -1))] if {*one} & {*other} else []
        found += any(
            _cross(p, q, r, s) and not _is_near(_meeting(p, q, r, s), ends)
            for p, q in itertools.pairwise(a)
            for r, s in itertools.pairwise(b)
        )
    return found


def curve(points: Sequence[Point], pieces: int = 12) -> list[Point]:
    """Return points along the Bézier curve of `points`: a start, then three for each piece."""
    line = [points[0]]
    for i in range(0, len(points) - 1, 3):
        a, b, c, d = points[i : i + 4]
        for k in range(1, pieces + 1):
            t = k / pieces
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            x, y = (
                sum(w * p[j] for w, p in zip(weights, (a, b, c, d), strict=True)) for j in (0, 1)
            )
            line.append((x, y))
    return line


def _side(p: Point, q: Point, r: Point) -> float:
    return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])


def _cross(p: Point, q: Point, r: Point, s: Point) -> bool:
    if max(p[0], q[0]) < min(r[0], s[0]) or max(r[0], s[0]) < min(p[0], q[0]):
        return False
    if max(p[1], q[1]) < min(r[1], s[1]) or max(r[1], s[1]) < min(p[1], q[1]):
        return False
    # Nought counts as one side: lines may meet where both have a point.
    return (_side(p, q, r) > 0) != (_side(p, q, s) > 0) and (_side(r, s, p) > 0) != (
        _side(r, s, q) > 0
    )


def _meeting(p: Point, q: Point, r: Point, s: Point) -> Point:
    along = _side(r, s, p) / (_side(r, s, p) - _side(r, s, q))
    return p[0] + along * (q[0] - p[0]), p[1] + along * (q[1] - p[1])


def _is_near(point: Point, ends: Sequence[Point]) -> bool:
    return any(abs(point[0] - x) + abs(point[1] - y) < 16 for x, y in ends)
