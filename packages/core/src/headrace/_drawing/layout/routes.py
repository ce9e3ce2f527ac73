"""The points of edges, which run straight through ranks and sideways only between them."""

from __future__ import annotations

from collections.abc import Sequence

from .layers import Layers
from .ranks import Link

Point = tuple[float, float]
Route = list[Point]

_LEAN = 110.0
_SIDE_SPACE = 18.0
_BOTH_WAYS = 9.0


def collect_routes(
    layers: Layers,
    links: Sequence[Link],
    back: set[Link],
    xs: Sequence[float],
    bands: Sequence[tuple[float, float]],
) -> dict[Link, Route]:
    """Return the points of each link, from its source to its target.

    Args:
        layers: the graph.
        links: the original links, with the nodes' original numbers.
        back: the links that were reversed for the layers, in their reversed direction.
        xs: the horizontal centre of each node of the layers.
        bands: the top and bottom of each rank.
    """
    local = {node: i for i, node in enumerate(layers.nodes)}
    given = set(links)
    routes: dict[Link, Route] = {}
    for link in layers.dummies:
        chain = [local[link[0]], *layers.dummies[link], local[link[1]]]
        down = _points(layers, chain, xs, bands)
        other = link[1], link[0]
        if link not in back:
            routes[link] = down
        elif link in given:  # both directions exist: draw them side by side
            routes[link] = [(x - _BOTH_WAYS, y) for x, y in down]
            routes[other] = [(x + _BOTH_WAYS, y) for x, y in reversed(down)]
        else:
            routes[other] = down[::-1]
    return routes


def loop_route(center: Point, size: tuple[float, float]) -> Route:
    """Return the points of an edge from a node to itself, on its right."""
    right, height = center[0] + size[0] / 2, size[1]
    top, bottom = center[1] - height / 4, center[1] + height / 4
    return [(right, top), (right + 24.0, top), (right + 24.0, bottom), (right, bottom)]


def _points(
    layers: Layers,
    chain: Sequence[int],
    xs: Sequence[float],
    bands: Sequence[tuple[float, float]],
) -> Route:
    first, last = chain[0], chain[-1]
    points = [_port(layers, first, xs[chain[1]], xs, bands, below=True)]
    for bend in chain[1:-1]:
        top, bottom = bands[layers.ranks[bend]]
        points += [(xs[bend], top), (xs[bend], bottom)]
    points.append(_port(layers, last, xs[chain[-2]], xs, bands, below=False))
    return points


def _port(
    layers: Layers,
    node: int,
    towards: float,
    xs: Sequence[float],
    bands: Sequence[tuple[float, float]],
    *,
    below: bool,
) -> Point:
    """Return the point at which an edge leaves a node, shifted towards the edge's other end."""
    most = max(0.0, layers.widths[node] / 2 - _SIDE_SPACE)
    # Never all the way, so that edges to several nodes on one side leave at different points.
    away = towards - xs[node]
    aside = most * away / (abs(away) + _LEAN)
    top, bottom = bands[layers.ranks[node]]
    half = layers.heights[node] / 2
    return xs[node] + aside, (top + bottom) / 2 + (half if below else -half)
