"""Layout of a graph in groups: each has its own box, and the boxes are nodes of another graph.

An edge between groups leaves its box through a port at the bottom and enters the other box through
a port at the top. Ports have their own rank, so that the edge is routed around the other nodes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .placing import RANK_GAP, Layout, layout
from .ranks import downward
from .routes import Point, Route

Edge = tuple[str, str]

PADDING = 18.0
TITLE_HEIGHT = 30.0
_PORT = (6.0, 0.0)
_LANE = 8.0
_LANES = 24.0


@dataclass(slots=True)
class _Inside:
    """The contents of one box, including its ports."""

    sizes: dict[str, tuple[float, float]]
    edges: list[Edge] = field(default_factory=list)
    top: list[str] = field(default_factory=list)
    bottom: list[str] = field(default_factory=list)
    ports: dict[str, Edge] = field(default_factory=dict)
    placed: Layout = field(default_factory=Layout)

    def add_port(self, edge: Edge, node: str, *, at_bottom: bool) -> None:
        """Add the port through which `edge`, which begins or ends at `node`, crosses the border."""
        name = _port_name(edge, node)
        self.sizes[name] = _PORT
        self.ports[name] = edge
        (self.bottom if at_bottom else self.top).append(name)
        self.edges.append((node, name) if at_bottom else (name, node))

    def mirror(self) -> None:
        """Exchange left and right."""
        placed = self.placed
        width = placed.width
        placed.centers = {node: (width - x, y) for node, (x, y) in placed.centers.items()}
        placed.routes = {
            edge: [(width - x, y) for x, y in points] for edge, points in placed.routes.items()
        }

    def route(self, name: str, node: str) -> Route:
        """Return the points between a node and its port, downward."""
        routes = self.placed.routes
        return routes[node, name] if (node, name) in routes else routes[name, node]


def layout_groups(
    sizes: Mapping[str, tuple[float, float]],
    edges: Sequence[Edge],
    groups: Mapping[str, str],
    title_widths: Mapping[str, float],
    *,
    gap: float = RANK_GAP,
) -> Layout:
    """Lay out a graph with a box around the nodes of each group.

    Args:
        sizes: the width and height of each node; its order breaks ties.
        edges: pairs of nodes.
        groups: the group of each node.
        title_widths: the width of each group's title, in the order of the groups.
        gap: the least space between two ranks.
    """
    crossing = [edge for edge in edges if groups[edge[0]] != groups[edge[1]]]
    links = list(dict.fromkeys((groups[a], groups[b]) for a, b in crossing))
    upward = _upward(list(title_widths), links)
    insides = {
        name: _Inside({n: s for n, s in sizes.items() if groups[n] == name})
        for name in title_widths
    }
    for edge in edges:
        if groups[edge[0]] == groups[edge[1]]:
            insides[groups[edge[0]]].edges.append(edge)
        else:
            _add_ports(insides, edge, groups, upward)
    for inside in insides.values():
        inside.placed = layout(
            inside.sizes, inside.edges, first=inside.top, last=inside.bottom, gap=gap
        )
    box_sizes = {name: _box_size(insides[name], title_widths[name]) for name in insides}
    frame = layout(box_sizes, links, gap=gap)
    for name, inside in insides.items():
        if _faces_away(name, inside, frame, groups):
            inside.mirror()
    return _assembled(insides, frame, box_sizes, crossing, groups)


def _upward(names: Sequence[str], links: Sequence[Edge]) -> set[Edge]:
    """Return the links between groups that lead up, since they close a cycle."""
    index = {name: i for i, name in enumerate(names)}
    _, back = downward(range(len(names)), [(index[a], index[b]) for a, b in links])
    return {(names[b], names[a]) for a, b in back}


def _faces_away(name: str, inside: _Inside, frame: Layout, groups: Mapping[str, str]) -> bool:
    """Return whether most ports are on the wrong side for their edges."""
    middle = inside.placed.width / 2
    turn = 0.0
    for port, edge in inside.ports.items():
        way = frame.routes[groups[edge[0]], groups[edge[1]]]
        towards = way[1] if groups[edge[0]] == name else way[-2]
        turn += (inside.placed.centers[port][0] - middle) * (towards[0] - frame.centers[name][0])
    return turn < 0


def _port_name(edge: Edge, node: str) -> str:
    # No node has such a name: node names are not empty, and this contains three of them.
    return "\0".join(("", *edge, node))


def _add_ports(
    insides: Mapping[str, _Inside], edge: Edge, groups: Mapping[str, str], upward: set[Edge]
) -> None:
    source, target = edge
    leads_up = (groups[source], groups[target]) in upward
    insides[groups[source]].add_port(edge, source, at_bottom=not leads_up)
    insides[groups[target]].add_port(edge, target, at_bottom=leads_up)


def _box_size(inside: _Inside, title_width: float) -> tuple[float, float]:
    width = max(inside.placed.width, title_width)
    return width + 2 * PADDING, inside.placed.height + 2 * PADDING + TITLE_HEIGHT


def _assembled(
    insides: Mapping[str, _Inside],
    frame: Layout,
    box_sizes: Mapping[str, tuple[float, float]],
    crossing: Sequence[Edge],
    groups: Mapping[str, str],
) -> Layout:
    result = Layout(width=frame.width, height=frame.height)
    for name, inside in insides.items():
        x, y = frame.centers[name]
        width, height = box_sizes[name]
        result.boxes[name] = (x - width / 2, y - height / 2, width, height)
        _place(result, inside, frame.centers[name])
    lanes = _lanes(crossing, groups)
    for edge in crossing:
        source, target = (groups[node] for node in edge)
        between = frame.routes[source, target]
        start = _from_port(insides[source], frame.bands[source], edge, edge[0])
        end = _from_port(insides[target], frame.bands[target], edge, edge[1])
        bends = [(x + lanes[edge], y) for x, y in between[1:-1]]
        result.routes[edge] = [*start, *bends, *reversed(end)]
    return result


def _place(result: Layout, inside: _Inside, center: Point) -> None:
    """Move the contents of a box to the position of the box."""
    placed = inside.placed
    dx = center[0] - placed.width / 2
    dy = center[1] - (placed.height - TITLE_HEIGHT) / 2
    placed.centers = {node: (x + dx, y + dy) for node, (x, y) in placed.centers.items()}
    placed.routes = {
        edge: [(x + dx, y + dy) for x, y in points] for edge, points in placed.routes.items()
    }
    result.centers.update({n: c for n, c in placed.centers.items() if n not in inside.ports})
    result.routes.update({
        e: route for e, route in placed.routes.items() if not inside.ports.keys() & {*e}
    })


def _from_port(inside: _Inside, band: tuple[float, float], edge: Edge, node: str) -> Route:
    """Return the points from a node through its port to the border of its group's rank."""
    name = _port_name(edge, node)
    route = inside.route(name, node)
    x = inside.placed.centers[name][0]
    top, bottom = band
    return [*route, (x, bottom)] if name in inside.bottom else [*reversed(route), (x, top)]


def _lanes(crossing: Sequence[Edge], groups: Mapping[str, str]) -> dict[Edge, float]:
    """Return the horizontal offset of each edge, which separates edges on the same route."""
    ways: dict[Edge, list[Edge]] = {}
    for edge in crossing:
        ways.setdefault((groups[edge[0]], groups[edge[1]]), []).append(edge)
    return {
        edge: (i - (len(way) - 1) / 2) * min(_LANE, _LANES / len(way))
        for way in ways.values()
        for i, edge in enumerate(way)
    }
