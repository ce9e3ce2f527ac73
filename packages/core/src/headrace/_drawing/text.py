"""A tree for the terminal: each step once in full, and by name when it appears again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headrace._messages.text import counted, printable

from .figures import edge_words, step_words
from .picture import FOREIGN, NOT_SHOWN, SHOWN, SHOWN_BY_TESTS, UNKNOWN
from .words import note_text, place

if TYPE_CHECKING:
    from .picture import Edge, Node, Picture

_LINES = {
    "branch": "├── ",
    "last": "└── ",
    "down": "│   ",
    "again": "↑",
    "start": "●",
    "cut": "…   ",
}
_ASCII = {
    "branch": "|-- ",
    "last": "`-- ",
    "down": "|   ",
    "again": "(above)",
    "start": "*",
    "cut": "... ",
}
_WIDEST = 40 * 4  # columns of indentation; deeper trees do not fit on a screen
_REMARKS = {FOREIGN: "[other flow]", UNKNOWN: "[not declared]"}
_COLORS = {
    "title": "1",
    "entrypoint": "1;36",
    "task": "33",
    FOREIGN: "35",
    UNKNOWN: "31",
    SHOWN: "32",
    SHOWN_BY_TESTS: "36",
    NOT_SHOWN: "33",
    "faint": "2",
}


@dataclass(slots=True)
class _Tree:
    signs: dict[str, str]
    colors: bool
    nodes: dict[str, Node]
    following: dict[str, list[Edge]]
    shown: set[str] = field(default_factory=set)

    def paint(self, text: str, color: str) -> str:
        return f"\x1b[{_COLORS[color]}m{text}\x1b[0m" if self.colors and color in _COLORS else text


def draw(picture: Picture, *, colors: bool = False, ascii_only: bool = False) -> str:
    """Draw as a tree.

    Args:
        picture: the picture.
        colors: whether to use the terminal's colours.
        ascii_only: whether to avoid line-drawing characters.
    """
    following: dict[str, list[Edge]] = {}
    for edge in picture.edges:
        following.setdefault(edge.source, []).append(edge)
    nodes = {node.id: node for node in picture.nodes}
    tree = _Tree(_ASCII if ascii_only else _LINES, colors, nodes, following)
    lines: list[str] = []
    led_to = _targets(picture)
    for flow, members in picture.nodes_by_flow().items():
        title = printable(flow if picture.is_map else picture.title)
        own = [node for node in members if node.kind not in {FOREIGN, UNKNOWN}]
        lines += ["", f"{tree.paint(title, 'title')}  {counted(len(own), picture.noun)}"]
        for root in members:
            if root.id not in led_to:
                lines += _branches(tree, root)
        # Steps that are only reachable from a cycle have no root.
        for node in members:
            if node.id not in tree.shown:
                lines += _branches(tree, node)
    return "\n".join(lines[1:])


def _targets(picture: Picture) -> set[str]:
    """Return the steps that have a predecessor in their flow."""
    flow_of = {node.id: node.flow for node in picture.nodes}
    return {e.target for e in picture.edges if flow_of[e.source] == flow_of[e.target]}


def _branches(tree: _Tree, root: Node) -> Iterator[str]:
    """Yield the lines of `root` and all steps below; no recursion, since chains may be long."""
    waiting: list[tuple[str, str, Node, Edge | None]] = [("", "", root, None)]
    while waiting:
        indent, branch, node, edge = waiting.pop()
        seen = node.id in tree.shown
        is_in_other_flow = node.flow != root.flow
        tree.shown.update(() if is_in_other_flow else (node.id,))
        if seen or is_in_other_flow:
            yield indent + branch + _mention(tree, node, edge, is_in_other_flow=is_in_other_flow)
            continue
        yield indent + branch + _line(tree, node, edge)
        if branch:
            indent += "    " if branch == tree.signs["last"] else tree.signs["down"]
            if len(indent) > _WIDEST:
                indent = tree.signs["cut"] + indent[-_WIDEST + 4 :]
        below = tree.following.get(node.id, [])
        for i in range(len(below) - 1, -1, -1):
            sign = tree.signs["last" if i == len(below) - 1 else "branch"]
            waiting.append((indent, sign, tree.nodes[below[i].target], below[i]))


def _line(tree: _Tree, node: Node, edge: Edge | None) -> str:
    words = [tree.signs["start"]] if node.is_entrypoint else []
    words += [_name(tree, node, node.label), *_kinds(tree, node, edge)]
    words += [f"[{note_text(note)}]" for note in node.notes]
    words += [f"[{', '.join(step_words(node.figures))}]"] if node.figures else []
    if node.info is not None and node.info.description:
        words.append(" " + printable(node.info.description))
    if place(node):
        words.append(tree.paint(f" {place(node)}", "faint"))
    return " ".join(words)


def _mention(tree: _Tree, node: Node, edge: Edge | None, *, is_in_other_flow: bool) -> str:
    """Return the line of a step that is listed elsewhere: above, or under its own flow."""
    name = _name(tree, node, node.id if is_in_other_flow else node.label)
    words = [name, *_kinds(tree, node, edge)]
    return " ".join(
        words if is_in_other_flow else [*words, tree.paint(tree.signs["again"], "faint")]
    )


def _name(tree: _Tree, node: Node, name: str) -> str:
    return tree.paint(printable(name), "entrypoint" if node.is_entrypoint else node.kind)


def _kinds(tree: _Tree, node: Node, edge: Edge | None) -> Iterator[str]:
    if edge is not None and edge.kind != "call":
        yield tree.paint(f"[{edge.kind}]", "task")
    if edge is not None and edge.verdict:
        yield tree.paint(f"[{edge.verdict.replace('_', ' ')}]", edge.verdict)
    if edge is not None and edge.figures:
        yield tree.paint(f"[{', '.join(edge_words(edge.figures))}]", "faint")
    if node.kind in _REMARKS:
        yield tree.paint(_REMARKS[node.kind], node.kind)
