"""Sizes of boxes and curves of edges in SVG."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace._messages.text import printable

from .figures import step_words
from .layout import RANK_GAP, Layout, Point, layout, layout_groups
from .widths import text_width, wrapped
from .words import note_text

if TYPE_CHECKING:
    from .picture import Node, Picture

LABEL_SIZE, NOTE_SIZE, HEADING_SIZE = 13.0, 11.0, 15.0
LABEL_HEIGHT, NOTE_HEIGHT = 17.0, 15.0
_WIDEST_LABEL = 190.0
_LABEL_LINES = 3
_NOTE_LINES = 2
_SIDES = 32.0
_ENDS = 19.0
_LEAST_WIDTH = 72.0


@dataclass(frozen=True, slots=True)
class Shape:
    """The box of a step.

    Attributes:
        label: the lines of the step's name.
        notes: the lines below the name: notes, and figures.
        width: the width of the box, in SVG units.
        height: the height of the box, in SVG units.
    """

    label: list[str]
    notes: list[str]
    width: float
    height: float


def shape_of(node: Node) -> Shape:
    """Return a box that fits the label of `node`."""
    label = wrapped(printable(node.label), LABEL_SIZE, _WIDEST_LABEL, _LABEL_LINES)
    words = " · ".join(note_text(note) for note in node.notes)
    notes = wrapped(words, NOTE_SIZE, _WIDEST_LABEL, _NOTE_LINES) if words else []
    notes += step_words(node.figures)
    widths = [text_width(line, LABEL_SIZE) for line in label]
    widths += [text_width(line, NOTE_SIZE) for line in notes]
    width = max(_LEAST_WIDTH, max(widths) + _SIDES)
    return Shape(label, notes, width, len(label) * LABEL_HEIGHT + len(notes) * NOTE_HEIGHT + _ENDS)


def lay_out(picture: Picture, shapes: dict[str, Shape]) -> Layout:
    """Return the positions of the steps of `picture`, in groups if it is a map."""
    sizes = {name: (shape.width, shape.height) for name, shape in shapes.items()}
    gap = RANK_GAP + (2 * NOTE_HEIGHT if picture.is_traced else 0)  # for the labels of edges
    if not picture.is_map:
        return layout(sizes, picture.edges_as_pairs(), gap=gap)
    groups = {node.id: node.flow for node in picture.nodes}
    titles = {flow: text_width(printable(flow), LABEL_SIZE) for flow in picture.flows}
    return layout_groups(sizes, picture.edges_as_pairs(), groups, titles, gap=gap)


def curve(route: Sequence[Point]) -> list[Point]:
    """Return the smooth curve along `route`: its start, then three points per Bézier segment."""
    points = [route[0]]
    if is_loop(route):
        return [*points, *route[1:]]
    for (x0, y0), (x1, y1) in itertools.pairwise(route):
        middle = (y0 + y1) / 2
        points += [(x0, middle), (x1, middle), (x1, y1)]
    return points


def path_data(route: Sequence[Point]) -> str:
    """Return the curve along `route` as the data of an SVG path."""
    points = curve(route)
    data = f"M{number(points[0][0])} {number(points[0][1])}"
    for i in range(1, len(points), 3):
        piece = points[i : i + 3]
        if points[i - 1][0] == piece[2][0] and piece[0][0] == piece[2][0]:
            data += f"V{number(piece[2][1])}"
        else:
            data += "C" + " ".join(f"{number(x)} {number(y)}" for x, y in piece)
    return data


def point_on(route: Sequence[Point], where: str) -> Point:
    """Return the point on the curve along `route` at which its label is centred.

    Args:
        route: the points of an edge.
        where: near the ``source``, near the ``target``, or in the ``middle``.
    """
    segments = list(itertools.pairwise(route))
    index, t = {"source": (0, 0.32), "target": (-1, 0.68)}.get(where, (len(segments) // 2, 0.5))
    (x0, y0), (x1, y1) = segments[index]
    middle = (y0 + y1) / 2
    first, inner, last = (1 - t) ** 3, 3 * t * (1 - t), t**3
    x = first * x0 + inner * ((1 - t) * x0 + t * x1) + last * x1
    return x, first * y0 + inner * middle + last * y1


def number(value: float) -> str:
    """Return `value` with at most one decimal place."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def is_loop(route: Sequence[Point]) -> bool:
    """Return whether `route` leads from a step to itself."""
    # All other routes start vertically.
    return route[0][1] == route[1][1]
