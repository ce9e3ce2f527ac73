"""A page around the SVG to pan, zoom, search and read. Self-contained: no network requests."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

from headrace._messages.text import printable

from . import svg
from .picture import FOREIGN, UNKNOWN
from .words import counted, note_text, place, read_resource

if TYPE_CHECKING:
    from .picture import Node, Picture

_KINDS = {"function": "", FOREIGN: "step of another flow", UNKNOWN: "not declared"}


def draw(picture: Picture) -> str:
    """Draw as a page."""
    steps = sum(node.kind not in {FOREIGN, UNKNOWN} for node in picture.nodes)
    title = printable(picture.title)
    words = {
        "title": escape(title),
        "heading": escape(title),
        "counts": f"{counted(steps, 'step')}, {counted(len(picture.edges), 'edge')}",
        "style": read_resource("page.css"),
        "drawing": svg.draw(picture, as_part=True),
        "steps": "\n".join(_lists(picture)),
        "script": read_resource("page.js"),
    }
    page = read_resource("page.html")
    # In one pass, so that inserted text is not searched for placeholders.
    pieces = page.split("{{")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        name, _, rest = piece.partition("}}")
        filled += [words[name], rest]
    return "".join(filled).rstrip("\n")


def _lists(picture: Picture) -> Iterator[str]:
    ids = svg.node_ids(picture)
    for flow, nodes in picture.nodes_by_flow().items():
        if picture.is_map:
            yield f"<h2>{escape(printable(flow))}</h2>"
        yield "<ul>"
        yield from (_item(node, ids[node.id]) for node in nodes)
        yield "</ul>"


def _item(node: Node, node_id: str) -> str:
    kinds = ["entrypoint"] if node.is_entrypoint else []
    kinds += [_KINDS.get(node.kind, node.kind)]
    kinds += [note_text(note) for note in node.notes]
    about = ", ".join(kind for kind in kinds if kind)
    lines = [f'<span class="name">{escape(printable(node.label))}</span>']
    if about:
        lines.append(f'<span class="kind">{escape(about)}</span>')
    if node.info is not None and node.info.description:
        lines.append(f'<span class="says">{escape(printable(node.info.description))}</span>')
    if place(node):
        lines.append(f'<span class="place">{escape(place(node))}</span>')
    return f'<li><a href="#{node_id}">{"".join(lines)}</a></li>'
