"""Layered layout of a directed graph: nodes and edges in, coordinates out.

After Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system
structures" (1981): cycles are broken, nodes get ranks, the order within the ranks is improved until
few edges cross, and coordinates are assigned. The result depends on the input alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ._coordinates import assign_x
from ._layers import Layers, build_layers
from ._order import reduce_crossings
from ._ranks import assign_ranks, components, downward

__all__ = ["Layout", "Point", "layout"]

Point = tuple[float, float]

_NODE_GAP = 28.0
_RANK_GAP = 48.0
_COMPONENT_GAP = 48.0
_ROW_WIDTH = 1400.0


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands, in the unit of the given sizes; the origin is at the top left.

    Attributes:
        centers: the centre of each node.
        routes: the points of each edge, from its source's border to its target's.
        width: the width of the whole.
        height: the height of the whole.
    """

    centers: dict[str, Point]
    routes: dict[tuple[str, str], list[Point]]
    width: float
    height: float


def layout(sizes: Mapping[str, tuple[float, float]], edges: Sequence[tuple[str, str]]) -> Layout:
    """Lay a graph out from top to bottom.

    Args:
        sizes: the width and height of each node; its order breaks ties.
        edges: pairs of nodes; cycles and loops are allowed.
    """
    names = list(sizes)
    index = {name: i for i, name in enumerate(names)}
    plain = list(sizes.values())
    links = list(dict.fromkeys((index[a], index[b]) for a, b in edges))
    placed = [_lay_component(group, plain, links) for group in components(len(names), links)]
    return _packed(names, placed)


@dataclass(slots=True)
class _Part:
    centers: dict[int, Point]
    routes: dict[tuple[int, int], list[Point]]
    width: float
    height: float


def _lay_component(
    group: list[int], sizes: Sequence[tuple[float, float]], links: Sequence[tuple[int, int]]
) -> _Part:
    members = set(group)
    own = [link for link in links if link[0] in members and link[0] != link[1]]
    loops = [link for link in links if link[0] in members and link[0] == link[1]]
    directed, reversed_links = downward(group, own)
    ranks = assign_ranks(group, directed)
    layers = build_layers(group, directed, ranks, [sizes[node] for node in group])
    reduce_crossings(layers)
    xs = assign_x(layers, _NODE_GAP)
    ys, height = _rank_positions(layers)
    part = _collect(layers, directed, reversed_links, xs, ys)
    part.height = height
    for node, _ in loops:
        part.routes[node, node] = _loop(part.centers[node], sizes[node])
        part.width = max(part.width, part.centers[node][0] + sizes[node][0] / 2 + 30.0)
    return part


def _rank_positions(layers: Layers) -> tuple[list[float], float]:
    ys: list[float] = []
    y = 0.0
    for layer in layers.order:
        tallest = max(layers.heights[node] for node in layer)
        ys.append(y + tallest / 2)
        y += tallest + _RANK_GAP
    return ys, y - _RANK_GAP


def _collect(
    layers: Layers,
    directed: Sequence[tuple[int, int]],
    reversed_links: set[tuple[int, int]],
    xs: Sequence[float],
    ys: Sequence[float],
) -> _Part:
    left = min(x - layers.widths[i] / 2 for i, x in enumerate(xs))
    right = max(x + layers.widths[i] / 2 for i, x in enumerate(xs))
    points = [(x - left, ys[layers.ranks[i]]) for i, x in enumerate(xs)]
    local = {node: i for i, node in enumerate(layers.nodes)}
    routes: dict[tuple[int, int], list[Point]] = {}
    for link in directed:
        chain = [points[i] for i in (local[link[0]], *layers.dummies[link], local[link[1]])]
        chain[0] = (chain[0][0], chain[0][1] + layers.heights[local[link[0]]] / 2)
        chain[-1] = (chain[-1][0], chain[-1][1] - layers.heights[local[link[1]]] / 2)
        if link in reversed_links:
            routes[link[1], link[0]] = chain[::-1]
        # Both directions may be there: then this one keeps its own, in the same chain's place.
        if link not in reversed_links or link in layers.both_ways:
            routes[link] = chain
    centers = {node: points[i] for node, i in local.items()}
    return _Part(centers, routes, right - left, 0.0)


def _loop(center: Point, size: tuple[float, float]) -> list[Point]:
    right, height = center[0] + size[0] / 2, size[1]
    top, bottom = center[1] - height / 4, center[1] + height / 4
    return [(right, top), (right + 24.0, top), (right + 24.0, bottom), (right, bottom)]


def _packed(names: Sequence[str], parts: Sequence[_Part]) -> Layout:
    """Put the components side by side, in rows."""
    result = Layout({}, {}, 0.0, 0.0)
    x = y = row_height = width = 0.0
    for part in parts:
        if x > 0 and x + part.width > _ROW_WIDTH:
            x, y, row_height = 0.0, y + row_height + _COMPONENT_GAP, 0.0
        for node, (cx, cy) in part.centers.items():
            result.centers[names[node]] = (cx + x, cy + y)
        for (source, target), points in part.routes.items():
            moved = [(px + x, py + y) for px, py in points]
            result.routes[names[source], names[target]] = moved
        width = max(width, x + part.width)
        row_height = max(row_height, part.height)
        x += part.width + _COMPONENT_GAP
    return Layout(result.centers, result.routes, width, y + row_height)
