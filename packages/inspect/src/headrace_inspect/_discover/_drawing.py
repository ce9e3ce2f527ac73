"""Pictures of a map: one of the whole map, grouped by package, or one for each package."""

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

_MAX_NODES = 60
"""The maximum number of nodes in a picture that is readable at a glance."""
_MAX_LISTED = 3
_ENTRY_KINDS = frozenset(["route", "command", "schedule"])
_SHORT_LABELS = frozenset(["task", "receiver", "function"])


def drawn(found: Map, title: str, format: str) -> str:
    """Draw a map without its isolated nodes.

    The HTML page of a large map has a picture for each package, with all edges that touch it.
    """
    packages = _packages_of(found.linked)
    whole = _picture(title, found.edges, packages)
    if len(whole.nodes) > _MAX_NODES and format == "html":
        touching: dict[str, list[Edge]] = {name: [] for name in sorted({*packages.values()})}
        for edge in found.edges:
            for name in {packages[edge.source], packages[edge.target]}:
                touching[name].append(edge)
        chapters = [_picture(name, edges, packages) for name, edges in touching.items()]
        return draw_chapters(title, chapters)
    if len(whole.nodes) > _MAX_NODES and format in {"svg", "mermaid"}:
        tell(sys.stderr, "this is a large drawing: an HTML page has one for each package, and "
                         "--focus NAME draws a part")  # fmt: skip
    return draw(whole, format)


def _packages_of(nodes: Iterable[Node]) -> dict[Node, str]:
    """Return the package of each node: the outermost one that keeps pictures readable."""
    parts = {node: node.id.split(".")[:-1] for node in nodes}
    depth = dict.fromkeys(parts, 1)
    while True:
        names = {node: ".".join(parts[node][: depth[node]]) for node in parts}
        sizes = Counter(names.values())
        large = [node for node in parts if sizes[names[node]] > _MAX_NODES or len(sizes) == 1]
        deeper = [node for node in large if depth[node] < len(parts[node])]
        if not deeper:
            return names
        for node in deeper:
            depth[node] += 1


def _picture(title: str, edges: Collection[Edge], packages: Mapping[Node, str]) -> Picture:
    groups = _group_similar(edges, packages)
    nodes = sorted(groups, key=lambda node: (packages[node] != title, packages[node], node.id))
    place = {node: number for number, node in enumerate(nodes)}
    kept = [edge for edge in edges if edge.source in place]
    kept.sort(key=lambda edge: (place[edge.source], place[edge.target]))
    pairs = [(edge.source.id, edge.target.id, edge.kind) for edge in kept]
    return Picture(
        title,
        tuple(dict.fromkeys([packages[node] for node in nodes])),
        tuple([_node(node, groups[node], packages[node]) for node in nodes]),
        tuple([PictureEdge(*one, crosses=False, identity="->".join(one[:2])) for one in pairs]),
        "node",
    )


def _group_similar(edges: Iterable[Edge], packages: Mapping[Node, str]) -> dict[Node, list[Node]]:
    """Return the nodes to draw, each with the similar nodes that it stands for.

    Nodes of a package are similar if they have no incoming edges and the same outgoing edges.
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
    label = node.id.rpartition(".")[2] if node.kind in _SHORT_LABELS else node.name
    if others:
        label += f" and {counted(len(others), 'other')}"
    also = "; ".join([other.name for other in others[:_MAX_LISTED]])
    place = node.module.path, node.line
    info = StepInfo(node.name, package, (), node.kind, node.kind in _ENTRY_KINDS, also, *place)
    return PictureNode(node.id, label, package, node.kind, info)
