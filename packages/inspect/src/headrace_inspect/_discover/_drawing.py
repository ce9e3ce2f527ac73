"""Pictures of a map: all of it in groups by package, or one for each package."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from headrace.backends import StepInfo
from headrace.commands import (
    Picture,
    PictureEdge,
    PictureNode,
    counted,
    draw,
    draw_chapters,
    tell,
)

from ._map import Edge, Map
from ._nodes import Node

_LARGE = 60
"""The most nodes in a picture that is still read at a glance."""
_TOLD = 3
_STARTS = frozenset(["route", "command", "schedule"])
_SHORT = frozenset(["task", "receiver", "function"])


def drawn(found: Map, title: str, format: str) -> str:
    """Draw a map; nodes that reach nothing, and that nothing reaches, are left out.

    On a page, one with many nodes has a picture for each package: what leads to it and from it.
    """
    packages = _packages_of(found.linked)
    whole = _picture(title, found.edges, packages)
    if len(whole.nodes) > _LARGE and format == "html":
        touching: dict[str, list[Edge]] = {name: [] for name in sorted({*packages.values()})}
        for edge in found.edges:
            for name in {packages[edge.source], packages[edge.target]}:
                touching[name].append(edge)
        chapters = [_picture(name, edges, packages) for name, edges in touching.items()]
        return draw_chapters(title, chapters)
    if len(whole.nodes) > _LARGE and format in {"svg", "mermaid"}:
        tell(sys.stderr, "this is a large drawing: an HTML page has one for each package, and "
                         "--focus NAME draws a part")  # fmt: skip
    return draw(whole, format)


def _packages_of(nodes: Iterable[Node]) -> dict[Node, str]:
    """Return the package of each node: as near to the top as leaves them readable."""
    parts = {node: node.id.split(".")[:-1] for node in nodes}
    depth = dict.fromkeys(parts, 1)
    while True:
        names = {node: ".".join(parts[node][: depth[node]]) for node in parts}
        sizes = Counter(names.values())
        large = [node for node in parts if sizes[names[node]] > _LARGE or len(sizes) == 1]
        deeper = [node for node in large if depth[node] < len(parts[node])]
        if not deeper:
            return names
        for node in deeper:
            depth[node] += 1


def _picture(title: str, edges: Collection[Edge], packages: Mapping[Node, str]) -> Picture:
    alike = _alike(edges, packages)
    nodes = sorted(alike, key=lambda node: (packages[node] != title, packages[node], node.id))
    place = {node: number for number, node in enumerate(nodes)}
    kept = [edge for edge in edges if edge.source in place]
    kept.sort(key=lambda edge: (place[edge.source], place[edge.target]))
    pairs = [(edge.source.id, edge.target.id, edge.kind) for edge in kept]
    return Picture(
        title,
        tuple(dict.fromkeys([packages[node] for node in nodes])),
        tuple([_node(node, alike[node], packages[node]) for node in nodes]),
        tuple([PictureEdge(*one, crosses=False, identity="->".join(one[:2])) for one in pairs]),
        "node",
    )


def _alike(edges: Iterable[Edge], packages: Mapping[Node, str]) -> dict[Node, list[Node]]:
    """Return the nodes to draw, each with those of its package that are reached as it is.

    Nothing leads to such nodes, and they lead to the same.
    """
    targets: dict[Node, set[tuple[Node, str]]] = {}
    for edge in edges:
        targets.setdefault(edge.source, set()).add((edge.target, edge.kind))
    reached = {target for found in targets.values() for target, _ in found}
    found: dict[object, list[Node]] = {node: [node] for node in reached}
    for node in [one for one in targets if one not in reached]:
        key = (packages[node], node.kind, frozenset(targets[node]))
        found.setdefault(key, []).append(node)
    return {first: others for first, *others in found.values()}


def _node(node: Node, others: Sequence[Node], package: str) -> PictureNode:
    label = node.id.rpartition(".")[2] if node.kind in _SHORT else node.name
    if others:
        label += f" and {counted(len(others), 'other')}"
    also = "; ".join([other.name for other in others[:_TOLD]])
    place = node.module.path, node.line
    info = StepInfo(node.name, package, (), node.kind, node.kind in _STARTS, also, *place)
    return PictureNode(node.id, label, package, node.kind, info)
