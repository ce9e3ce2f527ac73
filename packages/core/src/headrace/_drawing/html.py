"""An HTML page around the SVG, to pan, zoom and search. Self-contained: no network requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from headrace._messages.text import counted, printable

from . import svg
from .figures import step_words
from .picture import FOREIGN, UNKNOWN
from .words import note_text, place, read_resource

if TYPE_CHECKING:
    from .picture import Node, Picture

_KINDS = {"function": "", FOREIGN: "step of another flow", UNKNOWN: "not declared"}


def draw(picture: Picture) -> str:
    """Draw as an HTML page."""
    steps = sum(node.kind not in {FOREIGN, UNKNOWN} for node in picture.nodes)
    title = printable(picture.title)
    words = {
        "title": escape(title),
        "heading": escape(title),
        "counts": f"{counted(steps, picture.noun)}, {counted(len(picture.edges), 'edge')}",
        "style": read_resource("page.css"),
        "drawing": svg.draw(picture, as_part=True),
        "steps": "\n".join(_lists(picture)),
        "script": read_resource("page.js"),
    }
    return _filled("page.html", words)


def draw_chapters(title: str, chapters: Sequence[Picture]) -> str:
    """Draw several pictures on one page, one below the other, with a list of links to them.

    Args:
        title: the heading of the page.
        chapters: the pictures, in order.
    """
    parts = [
        f'<section id="{chapter_id(each)}"><h2>{escape(printable(each.title))}</h2>'
        f"<div>{svg.draw(each, as_part=True)}</div></section>"
        for each in chapters
    ]
    links = [
        f'<li><a href="#{chapter_id(each)}">{escape(printable(each.title))}</a> '
        f'<span class="kind">{counted(len(each.nodes), each.noun)}</span></li>'
        for each in chapters
    ]
    words = {
        "title": escape(printable(title)),
        "style": read_resource("page.css") + read_resource("chapters.css"),
        "links": "\n".join(links),
        "chapters": "\n".join(parts),
    }
    return _filled("chapters.html", words)


def chapter_id(picture: Picture) -> str:
    """Return the ID of a picture's section on the page of `draw_chapters`."""
    return f"chapter-{svg.prefix_of(picture.title)}"


def _filled(resource: str, words: Mapping[str, str]) -> str:
    page = read_resource(resource)
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
    kinds += step_words(node.figures)
    about = ", ".join(kind for kind in kinds if kind)
    lines = [f'<span class="name">{escape(printable(node.label))}</span>']
    if about:
        lines.append(f'<span class="kind">{escape(about)}</span>')
    if node.info is not None and node.info.description:
        lines.append(f'<span class="says">{escape(printable(node.info.description))}</span>')
    if place(node):
        lines.append(f'<span class="place">{escape(place(node))}</span>')
    return f'<li><a href="#{node_id}">{"".join(lines)}</a></li>'
