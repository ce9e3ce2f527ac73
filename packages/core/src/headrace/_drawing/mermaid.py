"""Mermaid: https://mermaid.js.org/syntax/flowchart.html."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from headrace._messages.text import counted, printable

from .figures import edge_words, step_words
from .picture import FOREIGN, NOT_SHOWN, SHOWN_BY_TESTS, UNKNOWN
from .words import note_text

if TYPE_CHECKING:
    from .picture import Edge, Node, Picture

# The defaults of maxEdges and maxTextSize, which a diagram cannot change.
MAX_EDGES = 500
MAX_TEXT_SIZE = 50_000

_is_plain = re.compile(r"[A-Za-z_][A-Za-z0-9_]*").fullmatch
_unsafe = re.compile(r"[^A-Za-z0-9 _.,/()\u00a1-\U0010ffff-]")
_RESERVED = frozenset([
    "_blank",
    "_parent",
    "_self",
    "_top",
    "end",
    "graph",
    "subgraph",
    "flowchart",
    "style",
    "linkstyle",
    "classdef",
    "class",
    "click",
    "call",
    "href",
    "default",
    "direction",
    "interpolate",
    "accdescr",
    "acctitle",
    # Properties of every JavaScript object; Mermaid's layout looks up IDs in plain objects.
    "__definegetter__",
    "__definesetter__",
    "__lookupgetter__",
    "__lookupsetter__",
    "__proto__",
    "constructor",
    "hasownproperty",
    "isprototypeof",
    "propertyisenumerable",
    "tolocalestring",
    "tostring",
    "valueof",
])

# Legible on light and dark backgrounds, since the theme of the page is unknown.
_CLASSES = {
    "entrypoint": "fill:#0b63b5,stroke:#084c8d,color:#ffffff",
    "task": "fill:#8a5a00,stroke:#6b4500,color:#ffffff",
    "foreign": "fill:#6a5acd,stroke:#4b3fa0,color:#ffffff,stroke-dasharray:4 3",
    "unknown": "fill:#b42318,stroke:#7a1710,color:#ffffff,stroke-dasharray:4 3",
}
_SHAPES = {
    "entrypoint": ("([", "])"),
    "task": ("[[", "]]"),
    FOREIGN: ("[", "]"),
    UNKNOWN: ("{{", "}}"),
}


def draw_plain(picture: Picture) -> str:
    """Draw as ``graph TD`` with a line per edge, and one for each step without edges.

    A name that Mermaid rejects as an ID becomes the label of a synthetic ID.
    """
    ids = _ids(picture)
    if picture.is_map:
        lines = _grouped(picture, {node.id: _labelled(ids, node) for node in picture.nodes})
    else:
        labelled = {n.id for n in picture.nodes if ids[n.id] != n.id or n.figures}
        lines = [_labelled(ids, node) for node in picture.nodes if node.id in labelled]
        linked = {node for edge in picture.edges for node in (edge.source, edge.target)}
        lines += [n.id for n in picture.nodes if n.id not in linked | labelled]
    lines += [f"{ids[edge.source]} {_line(edge)} {ids[edge.target]}" for edge in picture.edges]
    return _within_limits(picture, ["graph TD", *lines])


def draw_rich(picture: Picture) -> str:
    """Draw with a shape for each kind of step and a line style for each kind of edge."""
    ids = _ids(picture)
    drawn = {node.id: _shaped(ids, node) for node in picture.nodes}
    lines = _grouped(picture, drawn) if picture.is_map else [*drawn.values()]
    lines += [f"{ids[edge.source]} {_arrow(edge)} {ids[edge.target]}" for edge in picture.edges]
    for name, style in _CLASSES.items():
        members = [ids[node.id] for node in picture.nodes if _class(node) == name]
        if members:
            lines += [f"classDef {name} {style}", f"class {','.join(members)} {name}"]
    return _within_limits(picture, ["flowchart TD", *lines])


def excess(picture: Picture, drawing: str) -> str:
    """Return how `drawing` exceeds Mermaid's limits, or "" if it does not.

    Args:
        picture: the picture.
        drawing: its Mermaid text, whose length counts in UTF-16 units, as in JavaScript.
    """
    edges, size = len(picture.edges), len(drawing.encode("utf-16-le")) // 2
    if edges <= MAX_EDGES and size <= MAX_TEXT_SIZE:
        return ""
    return (
        f"{counted(edges, 'edge')} and {counted(size, 'character')} exceed Mermaid's limits "
        f"({MAX_EDGES} and {MAX_TEXT_SIZE})"
    )


def _within_limits(picture: Picture, lines: list[str]) -> str:
    drawing = "\n    ".join(lines)
    reason = excess(picture, drawing)
    if not reason:
        return drawing
    comment = f"%% {reason}: draw SVG or HTML, or part of it"
    return "\n    ".join([lines[0], comment, *lines[1:]])


def _grouped(picture: Picture, drawn: Mapping[str, str]) -> list[str]:
    lines: list[str] = []
    for i, (flow, members) in enumerate(picture.nodes_by_flow().items(), 1):
        lines.append(f'subgraph flow{i}["{_escaped(flow)}"]')
        lines += [f"    {drawn[node.id]}" for node in members]
        lines.append("end")
    return lines


def _labelled(ids: Mapping[str, str], node: Node) -> str:
    label = "<br>".join(map(_escaped, [node.label, *step_words(node.figures)]))
    return f'{ids[node.id]}["{label}"]'


def _shaped(ids: Mapping[str, str], node: Node) -> str:
    before, after = _SHAPES.get(_class(node), ("[", "]"))
    notes = [", ".join(note_text(note) for note in node.notes)] if node.notes else []
    label = "<br>".join(map(_escaped, [node.label, *notes, *step_words(node.figures)]))
    return f'{ids[node.id]}{before}"{label}"{after}'


def _class(node: Node) -> str:
    if node.is_entrypoint:
        return "entrypoint"
    return node.kind


def _line(edge: Edge, *kinds: str, line: str = "-->") -> str:
    """Return a line with its label; a verdict makes it solid or dotted."""
    words = [*kinds, *(["tests"] if edge.verdict == SHOWN_BY_TESTS else [])]
    words += edge_words(edge.figures)
    if edge.verdict is not None:
        line = "-.->" if edge.verdict == NOT_SHOWN else line.replace("-.->", "-->")
    return f"{line}|{', '.join(words)}|" if words else line


def _arrow(edge: Edge) -> str:
    if edge.kind == "call":
        is_plain = edge.verdict in {SHOWN_BY_TESTS, NOT_SHOWN} or not edge.crosses
        return _line(edge, line="-->" if is_plain else "==>")
    if edge.verdict is None and edge.figures is None:
        return f"-. {edge.kind} .->"
    return _line(edge, edge.kind, line="-.->")


def _ids(picture: Picture) -> dict[str, str]:
    nodes = [node.id for node in picture.nodes]
    taken = {*nodes, *(f"flow{i}" for i in range(1, len(picture.flows) + 1))}
    made = (name for i in itertools.count(1) if (name := f"n{i}") not in taken)
    return {node: node if _can_be_id(node) else next(made) for node in nodes}


def _can_be_id(name: str) -> bool:
    return _is_plain(name) is not None and name.lower() not in _RESERVED


def _escaped(label: str) -> str:
    return _unsafe.sub(lambda found: f"#{ord(found.group())};", printable(label))
