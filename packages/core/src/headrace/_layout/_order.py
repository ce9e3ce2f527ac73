"""The order within the ranks: sweeps by medians, and exchanges of neighbours.

After Gansner, Koutsofios, North and Vo, "A technique for drawing directed graphs" (1993).
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence

from ._layers import Layers

_SWEEPS = 24
_PATIENCE = 8


def reduce_crossings(layers: Layers) -> None:
    """Reorder the ranks of `layers` so that few links cross."""
    best = [layer.copy() for layer in layers.order]
    fewest = count_crossings(layers)
    stale = 0
    for sweep in range(_SWEEPS):
        if fewest == 0 or stale == _PATIENCE:
            break
        _sweep(layers, down=sweep % 2 == 0, flip_ties=sweep % 4 >= 2)
        _exchange(layers)
        crossings = count_crossings(layers)
        stale += 1
        if crossings < fewest:
            best, fewest, stale = [layer.copy() for layer in layers.order], crossings, 0
    layers.order = best


def count_crossings(layers: Layers) -> int:
    """Return how many pairs of links cross."""
    total = 0
    for upper, lower in zip(layers.order, layers.order[1:], strict=False):
        position = {node: i for i, node in enumerate(lower)}
        passed: list[int] = []
        for node in upper:
            ends = [position[target] for target in layers.below[node]]
            total += sum(len(passed) - bisect_right(passed, end) for end in ends)
            for end in ends:
                insort(passed, end)
    return total


def _sweep(layers: Layers, *, down: bool, flip_ties: bool) -> None:
    ranks = range(1, len(layers.order)) if down else range(len(layers.order) - 2, -1, -1)
    neighbours = layers.above if down else layers.below
    for rank in ranks:
        fixed = layers.order[rank - 1 if down else rank + 1]
        position = {node: i for i, node in enumerate(fixed)}
        layer = layers.order[rank]
        if flip_ties:
            layer = layer[::-1]
        layers.order[rank] = _by_medians(layer, neighbours, position)


def _by_medians(
    layer: Sequence[int], neighbours: Sequence[Sequence[int]], position: dict[int, int]
) -> list[int]:
    """Sort the nodes that have neighbours; the others keep their places."""
    medians = {
        node: _median(sorted(position[other] for other in neighbours[node]))
        for node in layer
        if neighbours[node]
    }
    ranked = iter(sorted(medians, key=medians.__getitem__))
    return [next(ranked) if node in medians else node for node in layer]


def _median(positions: Sequence[int]) -> float:
    """Return the median, which leans to the side where the neighbours are closer together."""
    middle = len(positions) // 2
    if len(positions) % 2 == 1:
        return float(positions[middle])
    if len(positions) == 2:
        return (positions[0] + positions[1]) / 2
    left = positions[middle - 1] - positions[0]
    right = positions[-1] - positions[middle]
    if left + right == 0:
        return (positions[middle - 1] + positions[middle]) / 2
    return (positions[middle - 1] * right + positions[middle] * left) / (left + right)


def _exchange(layers: Layers) -> None:
    """Exchange neighbours within a rank as long as that removes crossings."""
    improved = True
    while improved:
        improved = False
        for rank, layer in enumerate(layers.order):
            above = _sorted_positions(layers.above, layer, layers.order[rank - 1] if rank else [])
            last = rank + 1 == len(layers.order)
            below = _sorted_positions(layers.below, layer, [] if last else layers.order[rank + 1])
            for i in range(len(layer) - 1):
                left, right = layer[i], layer[i + 1]
                now = _crossings(above[left], above[right]) + _crossings(below[left], below[right])
                if now == 0:
                    continue
                then = _crossings(above[right], above[left]) + _crossings(below[right], below[left])
                if then < now:
                    layer[i], layer[i + 1] = right, left
                    improved = True


def _sorted_positions(
    neighbours: Sequence[Sequence[int]], layer: Sequence[int], fixed: Sequence[int]
) -> dict[int, list[int]]:
    position = {node: i for i, node in enumerate(fixed)}
    return {node: sorted(position[other] for other in neighbours[node]) for node in layer}


def _crossings(left: Sequence[int], right: Sequence[int]) -> int:
    """Return how many links of the left node cross one of the right node."""
    if not left or not right or left[-1] <= right[0]:
        return 0
    return sum(1 for a in left for b in right if a > b)
