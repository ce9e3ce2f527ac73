"""Graphviz reads the DOT; and its own layout is what ours is measured against."""

from __future__ import annotations

import subprocess
from xml.etree import ElementTree as ET

import pytest

from headrace import FlowGraph
from headrace._drawing import Picture, render
from headrace._drawing.dot import _ids
from headrace._drawing.shapes import curve, lay_out, shape_of
from headrace._flows.draw import picture_of
from tests.pictures.crossings import count_crossings
from tests.pictures.crossings import curve as sampled
from tests.pictures.kit import chain, graph, hostile, realistic, shop_map, shown

POINTS = 72  # to an inch
SVG = "{http://www.w3.org/2000/svg}"
ALL = {
    **{name: picture_of([flow]) for name, flow in realistic().items()},
    "hostile": picture_of([hostile()]),
    "chain": picture_of([chain()]),
    "map": shop_map(),
    "empty": picture_of([graph("empty", [])]),
}


def run_dot(dot: str, text: str, format: str) -> str:
    """Return what dot makes of `text`; it may not even warn."""
    result = subprocess.run(
        [dot, f"-T{format}"], input=text, capture_output=True, text=True, check=True
    )
    assert result.stderr == ""
    return result.stdout


@pytest.mark.guarantee(46)
@pytest.mark.parametrize("name", ALL)
def test_graphviz_draws_every_step_and_edge(name: str, dot: str) -> None:
    """Graphviz draws each step with its label as it is to be read, and each edge at its place."""
    picture = ALL[name]
    drawn = ET.fromstring(run_dot(dot, render(picture, "dot"), "svg"))
    labels = [each.findtext(f".//{SVG}text") for each in nodes(drawn)]
    assert sorted(map(plain, labels)) == sorted(shown(node.label) for node in picture.nodes)
    ids = {node: quoted.strip('"') for node, quoted in _ids(picture).items()}
    edges = [plain(each.findtext(f"{SVG}title")) for each in groups(drawn, "edge")]
    wanted = [f"{ids[edge.source]}->{ids[edge.target]}" for edge in picture.edges]
    assert sorted(edges) == sorted(wanted)


def nodes(drawn: ET.Element) -> list[ET.Element]:
    """Return the elements of the steps."""
    return groups(drawn, "node")


def groups(drawn: ET.Element, kind: str) -> list[ET.Element]:
    """Return the elements of one kind in Graphviz's SVG."""
    return drawn.findall(f".//{SVG}g[@class='{kind}']")


def plain(text: str | None) -> str:
    """Return the text of an element; Graphviz writes spaces as ones that do not break."""
    return (text or "").replace("\xa0", " ")


def dots_crossings(dot: str, flow: FlowGraph) -> int:
    """Return how many edges cross in dot's own drawing of `flow`, with boxes of our sizes."""
    shapes = {node.id: shape_of(node) for node in picture_of([flow]).nodes}
    lines = ["digraph {", "node [shape=box fixedsize=true]"]
    lines += [
        f'"{name}" [width={shape.width / POINTS:.3f} height={shape.height / POINTS:.3f}]'
        for name, shape in shapes.items()
    ]
    lines += [f'"{source}" -> "{target}"' for source, target in flow.edges]
    drawn = {}
    for line in run_dot(dot, "\n".join([*lines, "}"]), "plain").splitlines():
        words = line.split()
        if words[0] == "edge":
            numbers = [float(word) * POINTS for word in words[4 : 4 + 2 * int(words[3])]]
            points = list(zip(numbers[::2], numbers[1::2], strict=True))
            drawn[words[1], words[2]] = sampled(points)
    return count_crossings(drawn)


def our_crossings(flow: FlowGraph) -> int:
    """Return how many edges cross in our drawing of `flow`."""
    picture: Picture = picture_of([flow])
    laid = lay_out(picture, {node.id: shape_of(node) for node in picture.nodes})
    return count_crossings({edge: sampled(curve(route)) for edge, route in laid.routes.items()})


def test_edges_cross_hardly_more_often_than_in_dot(dot: str) -> None:
    """Over the demo's flow and ten realistic ones edges cross at most 1.5 times as often."""
    flows = realistic()
    assert len(flows) == 11
    ours = {name: our_crossings(flow) for name, flow in flows.items()}
    theirs = {name: dots_crossings(dot, flow) for name, flow in flows.items()}
    assert sum(ours.values()) <= 1.5 * sum(theirs.values())
