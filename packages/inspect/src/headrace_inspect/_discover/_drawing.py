"""Pictures of a map: one of the whole map, grouped by package, or one for each package."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from headrace.backends import StepInfo
from headrace.commands import Picture, PictureEdge, PictureNode, draw, draw_chapters

from ._map import Edge, Map
from ._nodes import Node

_MAX_NODES = 60
"""The maximum number of nodes in a picture that is readable at a glance."""
_ENTRY_KINDS = frozenset(["route", "command", "schedule"])
_SHORT_LABELS = frozenset(["task", "receiver", "function"])


def drawn(found: Map, title: str, format: str) -> str:
    """Draw a map without its isolated nodes.

    The HTML page of a large map has a picture for each package, with all edges that touch it.
    """
    packages = _packages_of(found.linked)
    if len(packages) <= _MAX_NODES or format != "html":
        return draw(_picture(title, found.edges, packages), format)
    touching: dict[str, list[Edge]] = {name: [] for name in sorted({*packages.values()})}
    for edge in found.edges:
        for name in {packages[edge.source], packages[edge.target]}:
            touching[name].append(edge)
    return draw_chapters(title, [_picture(*one, packages) for one in touching.items()])


def _packages_of(nodes: Collection[Node]) -> dict[Node, str]:
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
    linked = Map([], edges).linked
    nodes = sorted(linked, key=lambda node: (packages[node] != title, packages[node], node.id))
    pairs = sorted([(edge.source.id, edge.target.id, edge.kind) for edge in edges])
    return Picture(
        title,
        tuple(dict.fromkeys([packages[node] for node in nodes])),
        tuple([_node(node, packages[node]) for node in nodes]),
        tuple([PictureEdge(*one, crosses=False, identity="->".join(one[:2])) for one in pairs]),
        "node",
    )


def _node(node: Node, package: str) -> PictureNode:
    label = node.id.rpartition(".")[2] if node.kind in _SHORT_LABELS else node.name
    is_entry, place = node.kind in _ENTRY_KINDS, (node.module.path, node.line)
    info = StepInfo(node.name, package, (), node.kind, is_entry, "", *place)
    return PictureNode(node.id, label, package, node.kind, info)
