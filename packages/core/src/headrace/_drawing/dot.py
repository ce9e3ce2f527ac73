"""DOT, the language of Graphviz: https://graphviz.org/doc/info/lang.html."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from headrace._messages.text import printable

from .figures import edge_words, step_words
from .picture import FOREIGN, NOT_SHOWN, SHOWN_BY_TESTS, UNKNOWN
from .words import describe_edge, describe_node, note_text

if TYPE_CHECKING:
    from .picture import Edge, Node, Picture

_HEAD = """\
    graph [fontname="Helvetica,Arial,sans-serif", labeljust=l, nodesep=0.35, ranksep=0.5]
    node [fontname="Helvetica,Arial,sans-serif", fontsize=11, shape=box, style="rounded,filled", \
color="#8c959f", fillcolor="#f6f8fa"]
    edge [color="#6e7781", arrowsize=0.7]"""

_NODE_STYLES = {
    "task": 'fillcolor="#fff4d6", color="#9a6700", peripheries=2',
    FOREIGN: 'fillcolor="#f3f0ff", color="#6f5bd3", style="rounded,filled,dashed"',
    UNKNOWN: 'fillcolor="#ffebe9", color="#cf222e", style="rounded,filled,dashed"',
}
_VERDICTS = {
    SHOWN_BY_TESTS: "style=dashed",
    NOT_SHOWN: "style=dotted",
}
_ENTRYPOINT = 'fillcolor="#ddf1ff", color="#0b63b5", penwidth=1.6'


def draw(picture: Picture) -> str:
    """Draw as a ``digraph``, with the flows of a map as clusters."""
    ids = _ids(picture)
    lines = [f"digraph {_quoted(picture.title)} {{", _HEAD]
    for i, (flow, nodes) in enumerate(picture.nodes_by_flow().items()):
        members = [_node(ids, node) for node in nodes]
        if picture.is_map:
            lines += [f"    subgraph cluster_{i} {{", f"        label={_quoted(flow)}"]
            lines += [f"        {line}" for line in members]
            lines.append("    }")
        else:
            lines += [f"    {line}" for line in members]
    lines += [f"    {_edge(ids, edge)}" for edge in picture.edges]
    return "\n".join([*lines, "}"])


def _ids(picture: Picture) -> dict[str, str]:
    """Return an ID for each node: its name, or a synthetic ID if DOT would misread the name."""
    nodes = [node.id for node in picture.nodes]
    taken = set(nodes)
    made = (name for i in itertools.count(1) if (name := f"n{i}") not in taken)
    # In an ID, a trailing backslash, an entity and a leading "%" (for anonymous nodes) have a
    # special meaning in Graphviz.
    return {
        node: f'"{node}"' if printable(node) == node and not {*node} & {*'\\"&%'} else next(made)
        for node in nodes
    }


def _node(ids: dict[str, str], node: Node) -> str:
    notes = [note_text(note) for note in node.notes]
    label = _quoted(node.label, *notes, *step_words(node.figures))
    tooltip = _quoted(*describe_node(node).split("\n"))
    style = _ENTRYPOINT if node.is_entrypoint else _NODE_STYLES.get(node.kind, "")
    words = [f"label={label}", f"tooltip={tooltip}", style]
    return f"{ids[node.id]} [{', '.join(word for word in words if word)}]"


def _edge(ids: dict[str, str], edge: Edge) -> str:
    words = [f"tooltip={_quoted(describe_edge(edge))}"]
    labels = edge_words(edge.figures)
    if edge.kind != "call":
        words += ["style=dashed", 'color="#9a6700"']
        labels.insert(0, edge.kind)
    if labels:
        words += [f"label={_quoted(*labels)}", "fontsize=9"]
    if edge.crosses:
        words += ['color="#6f5bd3"', "penwidth=1.8"]
    if edge.verdict:  # the last value wins
        words.append(_VERDICTS.get(edge.verdict, "style=solid"))
    return f"{ids[edge.source]} -> {ids[edge.target]} [{', '.join(words)}]"


def _quoted(*lines: str) -> str:
    """Return `lines` as a quoted string without active escapes or entities."""
    return '"' + "\\n".join(_escaped(printable(line)) for line in lines) + '"'


def _escaped(text: str) -> str:
    for sign, escape in (("\\", "\\\\"), ('"', '\\"'), ("&", "&amp;")):
        text = text.replace(sign, escape)
    return text
