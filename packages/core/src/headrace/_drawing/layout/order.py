"""The order within the ranks: median sweeps from several starts, then a search near the best.

The sweeps follow Gansner, Koutsofios, North and Vo, "A technique for drawing directed graphs"
(1993). The search is an iterated local search with a fixed random sequence.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from .crossings import count_crossings, crossings_below, exchange
from .layers import Layers

_SWEEPS = 24
_PATIENCE = 4
_TRIALS = 100
# The number of link pieces up to which the full effort is made; beyond it, the effort shrinks.
_LARGE = 1500


def reduce_crossings(layers: Layers) -> None:
    """Reorder the ranks of `layers` so that few links cross."""
    best = layers.order
    fewest = count_crossings(layers)
    effort = min(1.0, _LARGE / max(1, sum(map(len, layers.below))))
    starts = ((_from_roots, True), (_from_leaves, False), (_around, True))
    for start, begin_down in starts if effort == 1.0 else starts[:1]:
        if fewest == 0:
            break
        layers.order = start(layers)
        crossings = _sweeps(layers, max(2, int(_SWEEPS * effort)), begin_down=begin_down)
        if crossings < fewest:
            best, fewest = layers.order, crossings
    layers.order = best
    if fewest:
        _search(layers, int(_TRIALS * effort * effort))


def _from_roots(layers: Layers) -> list[list[int]]:
    return layers.walk(layers.above, [layers.below])


def _from_leaves(layers: Layers) -> list[list[int]]:
    return layers.walk(layers.below, [layers.above])


def _around(layers: Layers) -> list[list[int]]:
    return layers.walk(layers.above, [layers.above, layers.below])


def _sweeps(layers: Layers, limit: int, *, begin_down: bool) -> int:
    """Sweep down and up until that stops helping; keep the best order and return its count."""
    best = [layer.copy() for layer in layers.order]
    fewest = count_crossings(layers)
    stale = 0
    for sweep in range(limit):
        if fewest == 0 or stale == _PATIENCE:
            break
        _sweep(layers, down=(sweep % 2 == 0) == begin_down, flip_ties=sweep % 4 >= 2)
        exchange(layers, ties=sweep % 4 < 2)
        crossings = count_crossings(layers)
        stale += 1
        if crossings < fewest:
            best, fewest, stale = [layer.copy() for layer in layers.order], crossings, 0
    layers.order = best
    exchange(layers)
    return count_crossings(layers)


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
    """Sort the nodes that have neighbours; the others keep their positions."""
    medians = {
        node: _median(sorted(position[other] for other in neighbours[node]))
        for node in layer
        if neighbours[node]
    }
    ranked = iter(sorted(medians, key=medians.__getitem__))
    return [next(ranked) if node in medians else node for node in layer]


def _median(positions: Sequence[int]) -> float:
    """Return the weighted median, which favours the side with the closer neighbours."""
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


def _search(layers: Layers, trials: int) -> None:
    """Move a node where links cross, reorder around it, and keep the result if it is no worse."""
    # A fixed seed: a graph always looks the same. Only `random()` is the same on every Python.
    draw = random.Random(1).random  # noqa: S311 - no secret
    counts = [crossings_below(layers, rank) for rank in range(len(layers.order) - 1)]
    for trial in range(trials):
        crossed = [rank for rank, count in enumerate(counts) if count]
        if not crossed:
            return
        rank = crossed[int(draw() * len(crossed))] + int(draw() * 2)
        before = {rank: layers.order[rank].copy()}
        layer = layers.order[rank]
        node = layer.pop(int(draw() * len(layer)))
        layer.insert(int(draw() * (len(layer) + 1)), node)
        _settle(layers, before, ties=trial % 2 == 0)
        _keep_better(layers, counts, before)


def _settle(layers: Layers, before: dict[int, list[int]], *, ties: bool) -> None:
    for with_ties in (True, False) if ties else (False,):
        for rank, old in exchange(layers, _beside(layers, before), ties=with_ties).items():
            before.setdefault(rank, old)


def _beside(layers: Layers, ranks: dict[int, list[int]]) -> set[int]:
    near = {other for rank in ranks for other in (rank - 1, rank, rank + 1)}
    return {rank for rank in near if 0 <= rank < len(layers.order)}


def _keep_better(layers: Layers, counts: list[int], before: dict[int, list[int]]) -> None:
    """Keep the changed order and its counts, or restore the previous order."""
    near = {other for rank in before for other in (rank - 1, rank) if 0 <= other < len(counts)}
    changed = {rank: crossings_below(layers, rank) for rank in near}
    if sum(changed.values()) > sum(counts[rank] for rank in changed):
        for rank, old in before.items():
            layers.order[rank] = old
    else:
        for rank, count in changed.items():
            counts[rank] = count
