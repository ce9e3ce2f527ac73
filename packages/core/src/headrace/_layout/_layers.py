"""The graph as layers: long links are cut into pieces of one rank by dummy nodes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from ._ranks import Link

DUMMY_WIDTH = 6.0


@dataclass(slots=True)
class Layers:
    """A layered graph; its nodes are numbered anew, the real ones first.

    Attributes:
        nodes: the original numbers of the real nodes.
        widths: the width of each node, dummies included.
        heights: likewise the height.
        ranks: the rank of each node.
        above: each node's neighbours in the rank above.
        below: each node's neighbours in the rank below.
        order: the nodes of each rank, from left to right.
        dummies: the dummy nodes of each link, from top to bottom.
        both_ways: the links that were there in both directions.
    """

    nodes: list[int]
    widths: list[float]
    heights: list[float]
    ranks: list[int]
    above: list[list[int]] = field(default_factory=list)
    below: list[list[int]] = field(default_factory=list)
    order: list[list[int]] = field(default_factory=list)
    dummies: dict[Link, list[int]] = field(default_factory=dict)
    both_ways: set[Link] = field(default_factory=set)

    def is_dummy(self, node: int) -> bool:
        """Tell whether `node` is a bend of a long link."""
        return node >= len(self.nodes)


def build_layers(
    nodes: Sequence[int],
    links: Sequence[Link],
    ranks: dict[int, int],
    sizes: Sequence[tuple[float, float]],
) -> Layers:
    """Return the layers of `nodes` with downward `links`, in a first order.

    Args:
        nodes: the nodes.
        links: the links between them.
        ranks: each node's rank.
        sizes: width and height, parallel to `nodes`.
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
    layers.order = _first_order(layers)
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


def _first_order(layers: Layers) -> list[list[int]]:
    """Order by a depth-first walk down from the roots: neighbours begin side by side."""
    order: list[list[int]] = [[] for _ in range(max(layers.ranks) + 1)]
    seen = [False] * len(layers.ranks)
    roots = sorted(range(len(layers.ranks)), key=lambda node: (len(layers.above[node]) > 0, node))
    for root in roots:
        waiting = [root]
        while waiting:
            node = waiting.pop()
            if not seen[node]:
                seen[node] = True
                order[layers.ranks[node]].append(node)
                waiting.extend(reversed(layers.below[node]))
    return order
