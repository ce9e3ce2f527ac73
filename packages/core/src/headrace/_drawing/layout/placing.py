"""Layout of one graph: each component separately, then all of them side by side."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from .coordinates import assign_x
from .layers import Layers, build_layers
from .order import reduce_crossings
from .ranks import assign_ranks, components, downward
from .routes import Point, Route, collect_routes, loop_route

RANK_GAP = 44.0
"""The minimum space between two ranks."""
_SLOPE = 0.12
_WIDEST_RANK_GAP = 88.0
_COMPONENT_GAP = 40.0
_ROW_WIDTH = 1400.0
_LOOP_WIDTH = 28.0

Box = tuple[float, float, float, float]
"""Left, top, width, height."""


@dataclass(slots=True)
class Layout:
    """Positions of all elements, in the unit of the given sizes; the origin is at the top left.

    Attributes:
        centers: the centre of each node.
        routes: the points of each edge, from its source's border to its target's.
        width: the total width.
        height: the total height.
        bands: the top and the bottom of each node's rank.
        boxes: the box of each group, if there are groups.
    """

    centers: dict[str, Point] = field(default_factory=dict)
    routes: dict[tuple[str, str], list[Point]] = field(default_factory=dict)
    width: float = 0.0
    height: float = 0.0
    bands: dict[str, tuple[float, float]] = field(default_factory=dict)
    boxes: dict[str, Box] = field(default_factory=dict)


def layout(
    sizes: Mapping[str, tuple[float, float]],
    edges: Sequence[tuple[str, str]],
    *,
    first: Collection[str] = (),
    last: Collection[str] = (),
    gap: float = RANK_GAP,
) -> Layout:
    """Lay out a graph from top to bottom.

    Args:
        sizes: the width and height of each node; its order breaks ties.
        edges: pairs of nodes; cycles and loops are allowed.
        first: nodes to place above all others; no edge may lead to them.
        last: nodes to place below all others; no edge may lead away from them.
        gap: the least space between two ranks.
    """
    names = list(sizes)
    index = {name: i for i, name in enumerate(names)}
    links = list(dict.fromkeys((index[a], index[b]) for a, b in edges))
    ends = {index[name] for name in first}, {index[name] for name in last}
    plain = list(sizes.values())
    groups = components(len(names), links)
    parts = [_lay_component(group, plain, links, ends, gap) for group in groups]
    return _packed(names, parts)


@dataclass(slots=True)
class _Part:
    centers: dict[int, Point]
    routes: dict[tuple[int, int], Route]
    bands: dict[int, tuple[float, float]]
    width: float
    height: float


def _lay_component(
    group: list[int],
    sizes: Sequence[tuple[float, float]],
    links: Sequence[tuple[int, int]],
    ends: tuple[set[int], set[int]],
    gap: float,
) -> _Part:
    members = set(group)
    own = [link for link in links if link[0] in members and link[0] != link[1]]
    directed, back = downward(group, own)
    ranks = _with_ends(assign_ranks(group, directed), ends)
    layers = build_layers(group, directed, ranks, [sizes[node] for node in group])
    reduce_crossings(layers)
    xs = assign_x(layers)
    left = min(x - layers.widths[i] / 2 for i, x in enumerate(xs))
    xs = [x - left for x in xs]
    bands = _bands(layers, xs, gap)
    middles = [sum(bands[rank]) / 2 for rank in layers.ranks]
    centers = {node: (xs[i], middles[i]) for i, node in enumerate(group)}
    routes = collect_routes(layers, own, back, xs, bands)
    width = max(x + layers.widths[i] / 2 for i, x in enumerate(xs))
    for node in (a for a, b in links if a == b and a in members):
        routes[node, node] = loop_route(centers[node], sizes[node])
        width = max(width, centers[node][0] + sizes[node][0] / 2 + _LOOP_WIDTH)
    node_bands = {node: bands[layers.ranks[i]] for i, node in enumerate(group)}
    return _Part(centers, routes, node_bands, width, bands[-1][1])


def _with_ends(ranks: dict[int, int], ends: tuple[set[int], set[int]]) -> dict[int, int]:
    """Move the nodes that must be first and last to their own ranks."""
    first, last = ({node for node in each if node in ranks} for each in ends)
    inner = [rank for node, rank in ranks.items() if node not in first and node not in last]
    lowest, highest = min(inner, default=0), max(inner, default=0)
    offset = 1 - lowest if first else -lowest
    moved = {node: rank + offset for node, rank in ranks.items()}
    moved.update(dict.fromkeys(first, 0))
    moved.update(dict.fromkeys(last, highest + offset + 1))
    return moved


def _bands(layers: Layers, xs: Sequence[float], gap: float) -> list[tuple[float, float]]:
    """Return the top and bottom of each rank; long sideways edges push ranks apart."""
    bands: list[tuple[float, float]] = []
    top = 0.0
    for layer in layers.order:
        bottom = top + max(layers.heights[node] for node in layer)
        bands.append((top, bottom))
        aside = max((abs(xs[n] - xs[below]) for n in layer for below in layers.below[n]), default=0)
        top = bottom + min(max(gap, aside * _SLOPE), _WIDEST_RANK_GAP)
    return bands


def _packed(names: Sequence[str], parts: Sequence[_Part]) -> Layout:
    """Put the components side by side, in rows."""
    result = Layout()
    x = y = row_height = 0.0
    for part in parts:
        if x > 0 and x + part.width > _ROW_WIDTH:
            x, y, row_height = 0.0, y + row_height + _COMPONENT_GAP, 0.0
        for node, (cx, cy) in part.centers.items():
            result.centers[names[node]] = (cx + x, cy + y)
            result.bands[names[node]] = (part.bands[node][0] + y, part.bands[node][1] + y)
        for (source, target), points in part.routes.items():
            moved = [(px + x, py + y) for px, py in points]
            result.routes[names[source], names[target]] = moved
        result.width = max(result.width, x + part.width)
        row_height = max(row_height, part.height)
        x += part.width + _COMPONENT_GAP
    result.height = y + row_height
    return result
