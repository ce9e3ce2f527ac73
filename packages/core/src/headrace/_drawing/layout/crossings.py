"""Edge crossings: counting them, and exchanging neighbours within a rank to remove them."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence

from .layers import Layers


def count_crossings(layers: Layers) -> int:
    """Return how many pairs of links cross."""
    return sum(crossings_below(layers, rank) for rank in range(len(layers.order) - 1))


def crossings_below(layers: Layers, rank: int) -> int:
    """Return how many pairs of links cross between `rank` and the next."""
    position = {node: i for i, node in enumerate(layers.order[rank + 1])}
    passed: list[int] = []
    total = 0
    for node in layers.order[rank]:
        ends = [position[target] for target in layers.below[node]]
        total += sum(len(passed) - bisect_right(passed, end) for end in ends)
        for end in ends:
            insort(passed, end)
    return total


def exchange(
    layers: Layers, ranks: Iterable[int] | None = None, *, ties: bool = False
) -> dict[int, list[int]]:
    """Exchange neighbours as long as that removes crossings.

    Args:
        layers: the graph, whose order is changed.
        ranks: the ranks to begin with; all by default.
        ties: whether to also exchange neighbours whose exchange changes nothing, to escape a local
            minimum.

    Returns:
        The previous order of each rank that changed.
    """
    count = len(layers.order)
    waiting = set(range(count) if ranks is None else ranks)
    before: dict[int, list[int]] = {}
    while waiting:
        rank = min(waiting)
        waiting.discard(rank)
        old = layers.order[rank].copy()
        if _exchange_in(layers, rank, ties=ties):
            waiting.update(other for other in (rank - 1, rank + 1) if 0 <= other < count)
        if layers.order[rank] != old:
            before.setdefault(rank, old)
    return before


def _exchange_in(layers: Layers, rank: int, *, ties: bool) -> bool:
    """Exchange neighbours in `rank`; return whether crossings were removed."""
    layer = layers.order[rank]
    above = _sorted_positions(layers.above, layer, layers.order[rank - 1] if rank else [])
    is_last = rank + 1 == len(layers.order)
    below = _sorted_positions(layers.below, layer, [] if is_last else layers.order[rank + 1])
    improved, again = False, True
    while again:
        again = False
        for i in range(len(layer) - 1):
            left, right = layer[i], layer[i + 1]
            now = _crossings(above[left], above[right]) + _crossings(below[left], below[right])
            if now == 0:
                continue
            then = _crossings(above[right], above[left]) + _crossings(below[right], below[left])
            if then < now or (ties and then == now):
                layer[i], layer[i + 1] = right, left
                again = again or then < now
        improved = improved or again
    return improved


def _sorted_positions(
    neighbours: Sequence[Sequence[int]], layer: Sequence[int], fixed: Sequence[int]
) -> dict[int, list[int]]:
    position = {node: i for i, node in enumerate(fixed)}
    return {node: sorted([position[other] for other in neighbours[node]]) for node in layer}


def _crossings(left: Sequence[int], right: Sequence[int]) -> int:
    """Return how many pairs of links of the left and the right node cross."""
    if not left or not right or left[-1] <= right[0]:
        return 0
    return len([None for a in left for b in right if a > b])
