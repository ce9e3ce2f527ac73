"""Self-contained SVG, in light and dark, with descriptions for screen readers."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from headrace._messages.text import counted, printable

from .figures import edge_words
from .picture import FOREIGN, NOT_SHOWN, SHOWN, SHOWN_BY_TESTS, UNKNOWN
from .shapes import (
    HEADING_SIZE,
    LABEL_HEIGHT,
    LABEL_SIZE,
    NOTE_HEIGHT,
    NOTE_SIZE,
    Shape,
    is_loop,
    lay_out,
    number,
    path_data,
    point_on,
    shape_of,
)
from .widths import text_width, wrapped
from .words import describe_edge, describe_node, read_resource

if TYPE_CHECKING:
    from .layout import Layout
    from .picture import Edge, Node, Picture

NAMESPACE = "http://www.w3.org/2000/svg"

_MARGIN = 24.0
_HEADING_HEIGHT = 34.0
_LEGEND_HEIGHT = 30.0
_DESCRIBED_EDGES = 100

_LEGEND = {
    "entrypoint": "entrypoint",
    "task": "task",
    FOREIGN: "step of another flow",
    UNKNOWN: "not declared",
    "enqueue": "enqueued",
    "crosses": "from another flow",
    SHOWN: "shown",
    SHOWN_BY_TESTS: "shown by tests",
    NOT_SHOWN: "not shown",
}
_LINES = frozenset(["enqueue", "crosses", SHOWN, SHOWN_BY_TESTS, NOT_SHOWN])


class _Canvas(NamedTuple):
    picture: Picture
    shapes: dict[str, Shape]
    layout: Layout
    prefix: str
    ids: dict[str, str]


def draw(picture: Picture, *, as_part: bool = False) -> str:
    """Draw as SVG.

    Args:
        picture: the picture.
        as_part: whether the SVG is part of our HTML page, which has its own heading and background.
    """
    shapes = {node.id: shape_of(node) for node in picture.nodes}
    canvas = _Canvas(
        picture, shapes, lay_out(picture, shapes), prefix_of(picture.title), node_ids(picture)
    )
    legend = list(_legend(picture))
    heading, heading_width = _heading(picture)
    drawn_width = max(canvas.layout.width, heading_width, _legend_width(legend))
    top = _MARGIN + (0 if as_part else _HEADING_HEIGHT)
    bottom = _MARGIN + (_LEGEND_HEIGHT if legend else 0)
    width, height = drawn_width + 2 * _MARGIN, canvas.layout.height + top + bottom
    left = (width - canvas.layout.width) / 2
    parts = [
        _opening(canvas, width, height),
        f"<style>\n{_style(picture)}</style>",
        _markers(canvas),
        "" if as_part else _ground(width, height),
        "" if as_part else heading,
        f'<g transform="translate({number(left)} {number(top)})">',
        *_group_boxes(canvas),
        *(_edge(canvas, edge) for edge in picture.edges),
        *_edge_labels(canvas),
        *_group_titles(canvas),
        *(_node(canvas, node) for node in picture.nodes),
        "</g>",
        _legend_row(legend, height - _MARGIN - 4),
        "</svg>",
    ]
    return "\n".join(part for part in parts if part)


def node_ids(picture: Picture) -> dict[str, str]:
    """Return the element ID of each step, unique among the pictures on a page."""
    prefix = prefix_of(picture.title)
    return {node.id: f"{prefix}-{i}" for i, node in enumerate(picture.nodes, 1)}


def description(picture: Picture) -> str:
    """Describe the picture in sentences."""
    steps = [node for node in picture.nodes if node.kind not in {FOREIGN, UNKNOWN}]
    text = f"{counted(len(steps), picture.noun)}, {counted(len(picture.edges), 'edge')}."
    starts = [node.id for node in picture.nodes if node.is_entrypoint]
    if starts:
        text += f" Entrypoints: {', '.join(starts)}."
    edges = "; ".join(describe_edge(edge) for edge in picture.edges[:_DESCRIBED_EDGES])
    more = "; and more" if len(picture.edges) > _DESCRIBED_EDGES else ""
    return printable(text) + (f" {edges}{more}." if edges else "")


def prefix_of(title: str) -> str:
    """Return the prefix of the IDs in the picture with this title."""
    slug = re.sub(r"[^A-Za-z0-9_-]", "-", title)[:40]
    if slug != title:
        slug += f"-{zlib.crc32(title.encode('utf-8', 'surrogatepass')):08x}"
    return f"headrace-{slug}"


def _opening(canvas: _Canvas, width: float, height: float) -> str:
    prefix, picture = canvas.prefix, canvas.picture
    word = "Map of" if picture.noun != "step" else "Flows" if picture.is_map else "Flow"
    title = f"{word} {printable(picture.title)}"
    size = f'width="{number(width)}" height="{number(height)}"'
    return (
        f'<svg xmlns="{NAMESPACE}" {size} viewBox="0 0 {number(width)} {number(height)}" '
        f'class="headrace" role="graphics-document document" '
        f'aria-labelledby="{prefix}-title" aria-describedby="{prefix}-desc">\n'
        f'<title id="{prefix}-title">{escape(title)}</title>\n'
        f'<desc id="{prefix}-desc">{escape(description(picture))}</desc>'
    )


def _style(picture: Picture) -> str:
    styles = ["svg.css"]
    styles += ["evidence.css"] if picture.is_judged else []
    styles += ["figures.css"] if picture.is_traced else []
    return "".join(map(read_resource, styles))


def _markers(canvas: _Canvas) -> str:
    names = ["tip", "tip-enqueue", "tip-crosses"]
    markers = [_marker(canvas.prefix, name, 9, "M0 1L10 5L0 9z") for name in names]
    return f"<defs>{''.join(markers)}</defs>"


def _marker(prefix: str, name: str, x: int, data: str) -> str:
    return (
        f'<marker id="{prefix}-{name}" viewBox="0 0 10 10" refX="{x}" refY="5" markerWidth="9" '
        f'markerHeight="9" markerUnits="userSpaceOnUse" orient="auto">'
        f'<path class="{name}" d="{data}"/></marker>'
    )


def _ground(width: float, height: float) -> str:
    inner = f'width="{number(width - 1)}" height="{number(height - 1)}"'
    return f'<rect class="ground" x=".5" y=".5" {inner} rx="10"/>'


def _heading(picture: Picture) -> tuple[str, float]:
    title = wrapped(printable(picture.title), HEADING_SIZE, 480.0, 1)[0]
    steps = sum(node.kind not in {FOREIGN, UNKNOWN} for node in picture.nodes)
    count = counted(steps, picture.noun)
    width = text_width(title, HEADING_SIZE)
    count_x = _MARGIN + width + 10
    drawn = _text(title, _MARGIN, _MARGIN + 10, HEADING_SIZE, "heading") + _text(
        count, count_x, _MARGIN + 10, NOTE_SIZE, "faint"
    )
    return drawn, count_x + text_width(count, NOTE_SIZE) - _MARGIN


def _text(text: str, x: float, y: float, size: float, kind: str = "", anchor: str = "") -> str:
    """Return a line of text, fitted to its computed width regardless of the font."""
    words = [f'class="{kind}"'] if kind else []
    words += [f'text-anchor="{anchor}"'] if anchor else []
    words += [f'x="{number(x)}" y="{number(y)}"']
    words += [f'textLength="{number(text_width(text, size))}" lengthAdjust="spacingAndGlyphs"']
    return f"<text {' '.join(words)}>{escape(text)}</text>"


def _group_boxes(canvas: _Canvas) -> Iterator[str]:
    for x, y, width, height in canvas.layout.boxes.values():
        box = f'x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"'
        yield f'<rect class="group" {box} rx="10"/>'


def _group_titles(canvas: _Canvas) -> Iterator[str]:
    for flow, (x, y, _, _) in canvas.layout.boxes.items():
        yield _text(printable(flow), x + 18, y + 26, LABEL_SIZE, "halo")


def _edge(canvas: _Canvas, edge: Edge) -> str:
    kinds = [kind for kind in ("edge", _edge_kind(edge), edge.verdict) if kind]
    route = canvas.layout.routes[edge.source, edge.target]
    color = _edge_kind(edge)
    tip = f"{canvas.prefix}-tip{f'-{color}' if color else ''}"
    ends = f'data-from="{canvas.ids[edge.source]}" data-to="{canvas.ids[edge.target]}"'
    return (
        f'<g class="{" ".join(kinds)}" {ends}>'
        f"<title>{escape(describe_edge(edge))}</title>"
        f'<path d="{path_data(route)}" marker-end="url(#{tip})"/></g>'
    )


def _edge_labels(canvas: _Canvas) -> Iterator[str]:
    edges = [edge for edge in canvas.picture.edges if edge.figures]
    leaving = Counter(edge.source for edge in edges)
    arriving = Counter(edge.target for edge in edges)
    for edge in edges:
        route = canvas.layout.routes[edge.source, edge.target]
        if is_loop(route):  # its title has the figures
            continue
        # Away from the end that the edge shares with others.
        where = "target" if leaving[edge.source] > 1 else "middle"
        x, y = point_on(route, "source" if arriving[edge.target] > leaving[edge.source] else where)
        words = edge_words(edge.figures)
        top = y + 4 - (len(words) - 1) * NOTE_HEIGHT / 2
        lines = [
            _text(line, x, top + i * NOTE_HEIGHT, NOTE_SIZE, "figures faint halo", "middle")
            for i, line in enumerate(words)
        ]
        is_failing = edge.figures is not None and edge.figures.errors
        yield f'<g class="label{" failing" if is_failing else ""}">{"".join(lines)}</g>'


def _edge_kind(edge: Edge) -> str:
    if edge.kind != "call":
        return "enqueue"
    return "crosses" if edge.crosses else ""


def _node(canvas: _Canvas, node: Node) -> str:
    shape, (x, y) = canvas.shapes[node.id], canvas.layout.centers[node.id]
    left, top = x - shape.width / 2, y - shape.height / 2
    round_off = shape.height / 2 if node.is_entrypoint else 7
    node_id = canvas.ids[node.id]
    is_failing = node.figures is not None and node.figures.errors
    lines = [
        (
            f'<a id="{node_id}" href="{escape(node.href or "#" + node_id)}" '
            f'class="node {_node_class(node)}{" failing" if is_failing else ""}">'
            f"<title>{escape(describe_node(node))}</title>"
            f'<rect x="{number(left)}" y="{number(top)}" width="{number(shape.width)}" '
            f'height="{number(shape.height)}" rx="{number(min(round_off, 20))}"/>'
        )
    ]
    if node.kind == "task":
        lines.append(_task_sides(left, top, shape))
    baseline = top + (shape.height - len(shape.label) * LABEL_HEIGHT) / 2 + 12.7
    baseline -= len(shape.notes) * NOTE_HEIGHT / 2
    for i, line in enumerate(shape.label):
        lines.append(_text(line, x, baseline + i * LABEL_HEIGHT, LABEL_SIZE, anchor="middle"))
    baseline += (len(shape.label) - 1) * LABEL_HEIGHT + NOTE_HEIGHT + 1
    for i, line in enumerate(shape.notes):
        lines.append(_text(line, x, baseline + i * NOTE_HEIGHT, NOTE_SIZE, "note", "middle"))
    return "".join(lines) + "</a>"


def _node_class(node: Node) -> str:
    return "entrypoint" if node.is_entrypoint else node.kind


def _task_sides(left: float, top: float, shape: Shape) -> str:
    """Return the double sides that mark a task without relying on colour."""
    down = f"V{number(top + shape.height)}"
    first, second = number(left + 6), number(left + shape.width - 6)
    return f'<path d="M{first} {number(top)}{down}M{second} {number(top)}{down}"/>'


def _legend(picture: Picture) -> Iterator[str]:
    kinds = {_node_class(node) for node in picture.nodes}
    kinds |= {"task" for node in picture.nodes if node.kind == "task"}
    kinds |= {_edge_kind(edge) for edge in picture.edges}
    kinds |= {edge.verdict for edge in picture.edges if edge.verdict}
    return (kind for kind in _LEGEND if kind in kinds)


def _legend_width(kinds: list[str]) -> float:
    return sum(text_width(_LEGEND[kind], NOTE_SIZE) + 52 for kind in kinds)


def _legend_row(kinds: list[str], y: float) -> str:
    x = _MARGIN
    parts = []
    for kind in kinds:
        parts.append(_swatch(kind, x, y))
        parts.append(_text(_LEGEND[kind], x + 30, y + 4, NOTE_SIZE, "faint"))
        x += text_width(_LEGEND[kind], NOTE_SIZE) + 52
    return f'<g class="legend" aria-hidden="true">{"".join(parts)}</g>' if parts else ""


def _swatch(kind: str, x: float, y: float) -> str:
    if kind in _LINES:
        line = f'<path d="M{number(x)} {number(y)}H{number(x + 24)}"/>'
        return f'<g class="edge {kind}">{line}</g>'
    box = f'x="{number(x)}" y="{number(y - 6)}" width="22" height="12"'
    return f'<g class="node {kind}"><rect {box} rx="{6 if kind == "entrypoint" else 3}"/></g>'
