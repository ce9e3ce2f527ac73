"""Pictures of a map: all of it in groups, an overview of its packages, and one for each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from headrace.backends import StepInfo
from headrace.commands import Picture, PictureEdge, PictureNode, chapter_id, counted

from ._map import Edge, Map
from ._nodes import Node

LARGE = 60
"""The most nodes in a picture that is still read at a glance."""
_TOLD = 3
_PACKAGE = "package"
_STARTS = frozenset(["route", "command", "schedule"])
_SHORT = frozenset(["task", "receiver", "function"])


class Pictures:
    """Draws a map.

    Args:
        title: what the map is of.
        found: the map; nodes that reach nothing, and that nothing reaches, are left out.
    """

    def __init__(self, title: str, found: Map) -> None:
        self._title = title
        self._edges = found.edges
        linked = {node: None for edge in found.edges for node in (edge.source, edge.target)}
        self._nodes = list(linked)
        self._packages = packages_of(self._nodes)
        self._of_packages: dict[str, Node] = {}

    def whole(self) -> Picture:
        """Return a picture of everything, in groups."""
        return self._picture(self._title, self._edges)

    def chapters(self) -> list[Picture]:
        """Return an overview of the packages, and a picture of each: what leads to it and from it.

        Each other package that leads to it is one node there.
        """
        names = sorted(set(self._packages.values()))
        found = [self._overview(names)] if len(names) > 1 else []
        for name in names:
            edges: dict[tuple[Node, Node], Edge] = {}
            for edge in self._edges:
                source = edge.source
                if self._packages[source] != name:
                    if self._packages[edge.target] != name:
                        continue
                    source = self._package(self._packages[source])
                edges[source, edge.target] = replace(edge, source=source)
            found.append(self._picture(name, list(edges.values())))
        return found

    def _package(self, name: str) -> Node:
        """Return the node that stands for a package."""
        if name not in self._of_packages:
            members = [node for node in self._nodes if self._packages[node] == name]
            node = Node(name, _PACKAGE, counted(len(members), "node"), members[0].module, 0)
            self._of_packages[name] = node
            self._packages[node] = name
        return self._of_packages[name]

    def _overview(self, names: Sequence[str]) -> Picture:
        edges: dict[tuple[str, str], PictureEdge] = {}
        for edge in sorted(self._edges, key=lambda edge: edge.kind != "call"):
            source, target = self._packages[edge.source], self._packages[edge.target]
            if source != target:
                edges[source, target] = _edge(source, target, edge.kind)
        nodes = []
        for name in names:
            node = self._node(self._package(name), ())
            nodes.append(replace(node, label=f"{name} ({node.label})", flow=""))
        title = f"{self._title}: packages"
        return Picture(title, ("",), tuple(nodes), tuple(edges.values()), "package")

    def _picture(self, title: str, edges: Sequence[Edge]) -> Picture:
        alike = _alike(edges, self._packages)
        nodes = {node: self._node(node, others) for node, others in alike.items()}
        drawn = {
            (edge.source, edge.target): _edge(edge.source.id, edge.target.id, edge.kind)
            for edge in edges
            if edge.source in nodes
        }
        groups = sorted(
            {self._packages[node] for node in nodes}, key=lambda one: (one != title, one)
        )
        order = sorted(nodes, key=lambda node: (groups.index(self._packages[node]), node.id))
        place = {node: number for number, node in enumerate(order)}
        kept = sorted(drawn, key=lambda pair: (place[pair[0]], place[pair[1]]))
        return Picture(
            title,
            tuple(groups),
            tuple([nodes[node] for node in order]),
            tuple([drawn[pair] for pair in kept]),
            "node",
        )

    def _node(self, node: Node, others: Sequence[Node]) -> PictureNode:
        label = node.id.rpartition(".")[2] if node.kind in _SHORT else node.name
        if others:
            label += f" and {counted(len(others), 'other')}"
        group = self._packages[node]
        if node.kind == _PACKAGE:
            href = f"#{chapter_id(Picture(node.id, (), (), ()))}"
            return PictureNode(node.id, label, group, _PACKAGE, None, (), href)
        also = "; ".join([other.name for other in others[:_TOLD]])
        place = node.module.path, node.line
        info = StepInfo(node.name, group, (), node.kind, node.kind in _STARTS, also, *place)
        return PictureNode(node.id, label, group, node.kind, info)


def _edge(source: str, target: str, kind: str) -> PictureEdge:
    return PictureEdge(source, target, kind, False, f"{source}->{target}")


def _alike(edges: Iterable[Edge], packages: dict[Node, str]) -> dict[Node, list[Node]]:
    """Return the nodes to draw, each with those of its package that are reached as it is.

    Nothing leads to such nodes, and they lead to the same.
    """
    targets: dict[Node, list[tuple[str, str]]] = {}
    reached = set()
    for edge in edges:
        targets.setdefault(edge.source, []).append((edge.target.id, edge.kind))
        targets.setdefault(edge.target, [])
        reached.add(edge.target)
    found: dict[object, list[Node]] = {}
    for node, leads in targets.items():
        key = node if node in reached else (packages[node], node.kind, frozenset(leads))
        found.setdefault(key, []).append(node)
    return {first: others for first, *others in found.values()}


def packages_of(nodes: Sequence[Node]) -> dict[Node, str]:
    """Return the package of each node: as near to the top as leaves them readable."""
    parts = {node: node.id.split(".")[:-1] for node in nodes}
    depth = dict.fromkeys(nodes, 1)
    while True:
        names = {node: ".".join(parts[node][: depth[node]]) for node in nodes}
        sizes = Counter(names.values())
        large = [node for node in nodes if sizes[names[node]] > LARGE or len(sizes) == 1]
        deeper = [node for node in large if depth[node] < len(parts[node])]
        if not deeper:
            return names
        for node in deeper:
            depth[node] += 1
