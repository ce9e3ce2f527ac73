"""The graph as layers, in which dummy nodes cut long links into pieces of one rank."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from .ranks import Link

DUMMY_WIDTH = 6.0
# The minimum space between two nodes, between a node and a passing edge, and between two edges.
_GAPS = (28.0, 20.0, 10.0)


@dataclass(slots=True)
class Layers:
    """A layered graph; its nodes are renumbered, the real ones first.

    Attributes:
        nodes: the original numbers of the real nodes.
        widths: the width of each node, including dummies.
        heights: the height of each node, including dummies.
        ranks: the rank of each node.
        above: each node's neighbours in the rank above.
        below: each node's neighbours in the rank below.
        order: the nodes of each rank, from left to right.
        dummies: the dummy nodes of each link, from top to bottom.
    """

    nodes: list[int]
    widths: list[float]
    heights: list[float]
    ranks: list[int]
    above: list[list[int]] = field(default_factory=list)
    below: list[list[int]] = field(default_factory=list)
    order: list[list[int]] = field(default_factory=list)
    dummies: dict[Link, list[int]] = field(default_factory=dict)

    def is_dummy(self, node: int) -> bool:
        """Return whether `node` is a bend of a long link."""
        return node >= len(self.nodes)

    def distance(self, left: int, right: int) -> float:
        """Return the minimum distance between the centres of two neighbours in a rank."""
        gap = _GAPS[self.is_dummy(left) + self.is_dummy(right)]
        return (self.widths[left] + self.widths[right]) / 2 + gap

    def walk(
        self, before: Sequence[Sequence[int]], ways: Sequence[Sequence[Sequence[int]]]
    ) -> list[list[int]]:
        """Order the ranks by a depth-first walk, which puts linked nodes side by side.

        Args:
            before: `above` or `below`; the walk starts at nodes that have no such neighbours.
            ways: `above`, `below` or both: the links that the walk follows.
        """
        order: list[list[int]] = [[] for _ in range(max(self.ranks) + 1)]
        seen = [False] * len(self.ranks)
        for root in sorted(range(len(seen)), key=lambda node: (len(before[node]) > 0, node)):
            waiting = [root]
            while waiting:
                node = waiting.pop()
                if not seen[node]:
                    seen[node] = True
                    order[self.ranks[node]].append(node)
                    for way in ways:
                        waiting.extend(reversed(way[node]))
        return order


def build_layers(
    nodes: Sequence[int],
    links: Sequence[Link],
    ranks: dict[int, int],
    sizes: Sequence[tuple[float, float]],
) -> Layers:
    """Return the layers of `nodes` with downward `links`, in an initial order.

    Args:
        nodes: the nodes.
        links: the links between the nodes.
        ranks: the rank of each node.
        sizes: the width and height of each node, parallel to `nodes`.
    """
    layers = Layers(
        list(nodes),
        [width for width, _ in sizes],
        [height for _, height in sizes],
        [ranks[node] for node in nodes],
    )
    layers.above = [[] for _ in nodes]
    layers.below = [[] for _ in nodes]
    local = {node: i for i, node in enumerate(nodes)}
    for link in links:
        _add_link(layers, link, local[link[0]], local[link[1]])
    layers.order = layers.walk(layers.above, [layers.below])
    return layers


def _add_link(layers: Layers, link: Link, source: int, target: int) -> None:
    chain = [source]
    for rank in range(layers.ranks[source] + 1, layers.ranks[target]):
        chain.append(len(layers.ranks))
        layers.ranks.append(rank)
        layers.widths.append(DUMMY_WIDTH)
        layers.heights.append(0.0)
        layers.above.append([])
        layers.below.append([])
    layers.dummies[link] = chain[1:]
    chain.append(target)
    for upper, lower in itertools.pairwise(chain):
        layers.below[upper].append(lower)
        layers.above[lower].append(upper)
