"""``headrace discover``: the map of a program as pictures, JSON or a patch."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from headrace import commands
from headrace.backends import StepInfo
from headrace.commands import counted, tell
from headrace_inspect._documents import encoded, plain
from headrace_inspect._pipeline import analysis_runtime, evaluate
from headrace_inspect._settings import parser_of, settings_for, write_output
from headrace_inspect._sources import read_files

from ._declaring import patch_for
from ._map import Edge, Node, map_of

_ENDINGS = {
    ".dot": "dot", ".gv": "dot", ".htm": "html", ".html": "html", ".json": "json", ".svg": "svg",
    ".mermaid": "mermaid", ".mmd": "mermaid",
}  # fmt: skip
_MAX_NODES = 60
"""The maximum number of nodes in a picture that is readable at a glance."""
_ENTRY_KINDS = frozenset(["route", "command", "schedule"])
_SHORT_LABELS = frozenset(["task", "receiver", "function"])
_DESCRIPTION = """\
Draw a map of a program that declares no flows: its routes, commands, schedules, tasks and signal
receivers, and how they reach each other. The source is read, never imported. The exit status is 0,
or 2 if something could not be analysed.
"""


def main(words: list[str]) -> int:
    """Run the command with the arguments `words`; return the exit status.

    Raises:
        CommandError: an argument or a setting is wrong.
    """
    parser = parser_of("discover", _DESCRIPTION, commands.PICTURE_FORMATS)
    says = "write a patch with the decorators that declare the map as the flow FLOW"
    parser.add_argument("--declare", metavar="FLOW", help=says)
    options = parser.parse_args(words)
    settings = settings_for(options, _ENDINGS)
    paths = settings["paths"]
    contents, problems = read_files(paths, settings["exclude"])
    with analysis_runtime():
        nodes, edges = map_of(evaluate(paths, contents, problems, is_total=True))
    if options.declare is not None:
        text = patch_for(edges, options.declare, contents)
    elif options.format == "json":
        text = encoded(_document(nodes, edges))
    else:
        title = os.path.basename(os.path.abspath(paths[0])) or "program"
        text = _drawn(edges, title, options.format)
    write_output(options, text, problems)
    tell(sys.stderr, f"{counted(len(nodes), 'node')}, {counted(len(edges), 'edge')}")
    return 2 if problems else 0


def _document(nodes: list[Node], edges: list[Edge]) -> dict[str, Any]:
    pairs = [{"source": one.source.id, "target": one.target.id} for one in edges]
    about = [plain(one, "kind", "evidence") for one in edges]
    return {
        "version": 1,
        "nodes": [
            plain(one, "id", "kind", "name", "place", *(["published"] if one.published else []))
            for one in nodes
        ],
        "edges": [pair | rest for pair, rest in zip(pairs, about, strict=True)],
    }


# --- pictures -------------------------------------------------------------------------------------


def _drawn(edges: list[Edge], title: str, format: str) -> str:
    """Draw the edges of a map, and their nodes.

    The HTML page of a large map has a picture for each package, with all edges that touch it.
    """
    packages = _packages_of(_linked(edges))
    if len(packages) <= _MAX_NODES or format != "html":
        return commands.draw(_picture(title, edges, packages), format)
    touching: dict[str, list[Edge]] = {name: [] for name in sorted({*packages.values()})}
    for edge in edges:
        for name in {packages[edge.source], packages[edge.target]}:
            touching[name].append(edge)
    return commands.draw_chapters(title, [_picture(*one, packages) for one in touching.items()])


def _linked(edges: Collection[Edge]) -> set[Node]:
    return {node for edge in edges for node in (edge.source, edge.target)}


def _packages_of(nodes: Collection[Node]) -> dict[Node, str]:
    """Return the package of each node: the outermost ones that keep pictures readable."""
    parts = {node: node.id.split(".")[:-1] for node in nodes}
    found: dict[Node, str] = {}
    for depth in range(max(map(len, parts.values()), default=0)):
        found = {node: ".".join(names[: depth + 1]) for node, names in parts.items()}
        sizes = Counter(found.values())
        if len(sizes) > 1 and max(sizes.values()) <= _MAX_NODES:
            break
    return found


def _picture(title: str, edges: Collection[Edge], packages: Mapping[Node, str]) -> commands.Picture:
    nodes = sorted(
        _linked(edges), key=lambda node: (packages[node] != title, packages[node], node.id)
    )
    pairs = sorted([(edge.source.id, edge.target.id, edge.kind) for edge in edges])
    return commands.Picture(
        title,
        tuple(dict.fromkeys([packages[node] for node in nodes])),
        tuple([_node(node, packages[node]) for node in nodes]),
        tuple([
            commands.PictureEdge(*one, crosses=False, identity="->".join(one[:2])) for one in pairs
        ]),
        "node",
    )


def _node(node: Node, package: str) -> commands.PictureNode:
    label = node.id.rpartition(".")[2] if node.kind in _SHORT_LABELS else node.name
    is_entry, place = node.kind in _ENTRY_KINDS, (node.module.path, node.line)
    info = StepInfo(node.name, package, (), node.kind, is_entry, "", *place)
    return commands.PictureNode(node.id, label, package, node.kind, info)
