"""Horizontal coordinates: long links are straight, nodes are centred above their neighbours.

This follows Brandes and Köpf, "Fast and simple horizontal coordinate assignment" (2001), but
compacts a graph of blocks.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from .layers import Layers

_Xs = list[float]


def assign_x(layers: Layers) -> list[float]:
    """Return the horizontal centre of each node, including dummies; their order must be final."""
    conflicts = _conflicts(layers)
    drawings: list[_Xs] = []
    for upward in (False, True):
        for mirrored in (False, True):
            order = [layer[::-1] if mirrored else layer for layer in layers.order]
            roots = _align(layers, order, conflicts, upward=upward)
            xs = _compact(layers, order, roots)
            drawings.append([-x for x in xs] if mirrored else xs)
    return _separated(layers, _balanced(layers, drawings))


def _conflicts(layers: Layers) -> set[tuple[int, int]]:
    """Return the link pieces that cross an inner piece of a long link, which takes precedence."""
    found: set[tuple[int, int]] = set()
    for upper, lower in zip(layers.order, layers.order[1:], strict=False):
        above_at = {node: i for i, node in enumerate(upper)}
        inner: list[tuple[int, int]] = []
        outer: list[tuple[int, int, tuple[int, int]]] = []
        for i, node in enumerate(lower):
            for source in layers.above[node]:
                at = above_at[source]
                if not (layers.is_dummy(node) and layers.is_dummy(source)):
                    outer.append((at, i, (source, node)))
                elif any(a > at for a, _ in inner):
                    found.add((source, node))
                else:
                    inner.append((at, i))
        found.update(
            link
            for at, i, link in outer
            if any((a < at) != (b < i) and a != at and b != i for a, b in inner)
        )
    return found


def _align(
    layers: Layers,
    order: Sequence[Sequence[int]],
    conflicts: set[tuple[int, int]],
    *,
    upward: bool,
) -> list[int]:
    """Align each node with a median neighbour in a vertical block; return each node's root."""
    roots = list(range(len(layers.ranks)))
    neighbours = layers.below if upward else layers.above
    sequence = list(reversed(order)) if upward else order
    for fixed, layer in itertools.pairwise(sequence):
        position = {node: i for i, node in enumerate(fixed)}
        taken = -1
        for node in layer:
            for other in _medians(neighbours[node], position):
                link = (node, other) if upward else (other, node)
                if position[other] > taken and link not in conflicts:
                    roots[node] = roots[other]
                    taken = position[other]
                    break
    return roots


def _medians(neighbours: Sequence[int], position: dict[int, int]) -> list[int]:
    if not neighbours:
        return []
    ranked = sorted(neighbours, key=position.__getitem__)
    middle = len(ranked) // 2
    return [ranked[middle]] if len(ranked) % 2 else [ranked[middle - 1], ranked[middle]]


def _compact(layers: Layers, order: Sequence[Sequence[int]], roots: Sequence[int]) -> _Xs:
    """Push the blocks together, first to the left, then back towards their right neighbours."""
    right_of: dict[int, dict[int, float]] = {root: {} for root in roots}
    waiting = dict.fromkeys(right_of, 0)
    for layer in order:
        for left, right in itertools.pairwise(layer):
            space = layers.distance(left, right)
            targets = right_of[roots[left]]
            if roots[right] not in targets:
                waiting[roots[right]] += 1
            targets[roots[right]] = max(space, targets.get(roots[right], 0.0))
    blocks = [root for root, count in waiting.items() if count == 0]
    xs = dict.fromkeys(right_of, 0.0)
    for block in blocks:
        for right, space in right_of[block].items():
            xs[right] = max(xs[right], xs[block] + space)
            waiting[right] -= 1
            if waiting[right] == 0:
                blocks.append(right)
    for block in reversed(blocks):
        limit = min((xs[r] - space for r, space in right_of[block].items()), default=xs[block])
        xs[block] = max(xs[block], limit)
    return [xs[root] for root in roots]


def _balanced(layers: Layers, drawings: Sequence[_Xs]) -> _Xs:
    """Return the mean of each node's two middle positions in the aligned drawings."""
    narrowest = min(drawings, key=lambda xs: _right(layers, xs) - _left(layers, xs))
    shifted = []
    for i, xs in enumerate(drawings):
        edge = _right if i % 2 else _left  # every second drawing is mirrored
        shift = edge(layers, narrowest) - edge(layers, xs)
        shifted.append([x + shift for x in xs])
    middle = [sorted(four)[1:3] for four in zip(*shifted, strict=True)]
    return [(a + b) / 2 for a, b in middle]


def _left(layers: Layers, xs: _Xs) -> float:
    return min(x - width / 2 for x, width in zip(xs, layers.widths, strict=True))


def _right(layers: Layers, xs: _Xs) -> float:
    return max(x + width / 2 for x, width in zip(xs, layers.widths, strict=True))


def _separated(layers: Layers, xs: _Xs) -> _Xs:
    """Push nodes apart that the balancing has left too close."""
    for layer in layers.order:
        for left, right in itertools.pairwise(layer):
            space = layers.distance(left, right)
            xs[right] = max(xs[right], xs[left] + space)
    return xs
