"""SVG: well-formed, told to screen readers, light and dark, with labels that fit."""

from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree as ET

import pytest

from headrace import FlowGraph, StepInfo
from headrace._drawing import render
from headrace._drawing.shapes import curve, path_data, shape_of
from headrace._drawing.svg import draw
from headrace._drawing.widths import text_width, wrapped
from headrace._flows.draw import picture_of
from headrace._flows.graph import build_graph
from tests.pictures.kit import HOSTILE, chain, graph, hostile, realistic, shop_map, shown

SVG = "{http://www.w3.org/2000/svg}"
ALL = {**realistic(), "hostile": hostile(), "chain": chain()}


def parse(flow: FlowGraph) -> ET.Element:
    """Return the SVG of `flow` as XML."""
    return ET.fromstring(flow.render("svg"))


def nodes(root: ET.Element) -> list[ET.Element]:
    """Return the elements of the steps."""
    return root.findall(f".//{SVG}a")


def box(node: ET.Element) -> tuple[float, float, float, float]:
    """Return left, top, width and height of a step's box."""
    rect = node.find(f"{SVG}rect")
    assert rect is not None
    left, top, width, height = (float(rect.attrib[k]) for k in ("x", "y", "width", "height"))
    return left, top, width, height


def title(element: ET.Element) -> str:
    """Return the text of an element's title."""
    return element.findtext(f"{SVG}title") or ""


@pytest.mark.parametrize("name", ALL)
def test_each_step_is_an_anchor_that_begins_with_its_name(name: str) -> None:
    """Each step is a link to itself with an ID, and a title that begins with its full name."""
    root = parse(ALL[name])
    found = nodes(root)
    assert sorted(title(n).split("\n")[0] for n in found) == sorted(map(shown, ALL[name].nodes))
    ids = [n.attrib["id"] for n in found]
    assert len(set(ids)) == len(ids)
    assert [n.attrib["href"] for n in found] == [f"#{each}" for each in ids]


@pytest.mark.parametrize("name", ALL)
def test_no_step_overlaps_and_no_label_leaves_its_box(name: str) -> None:
    """Boxes stand apart, and each line of text lies within its box, held to its width."""
    found = nodes(parse(ALL[name]))
    for a, b in itertools.combinations(map(box, found), 2):
        beside = a[0] + a[2] <= b[0] or b[0] + b[2] <= a[0]
        assert beside or a[1] + a[3] <= b[1] or b[1] + b[3] <= a[1]
    for node in found:
        left, top, width, height = box(node)
        for text in node.findall(f"{SVG}text"):
            x, y = float(text.attrib["x"]), float(text.attrib["y"])
            half = float(text.attrib["textLength"]) / 2
            assert text.attrib["text-anchor"] == "middle"
            assert left < x - half
            assert x + half < left + width
            assert top + 9 < y < top + height - 3


def test_screen_readers_are_told_what_is_drawn() -> None:
    """Title and description come first, are referred to, and name entrypoints and edges."""
    root = parse(graph("order", [("receive", "fulfil"), ("fulfil", "ship")], tasks=["fulfil"]))
    first, second = root[0], root[1]
    assert (first.tag, first.text) == (f"{SVG}title", "Flow order")
    assert second.tag == f"{SVG}desc"
    assert root.attrib["aria-labelledby"] == first.attrib["id"]
    assert root.attrib["aria-describedby"] == second.attrib["id"]
    assert second.text == (
        "3 steps, 2 edges. Entrypoints: receive. receive → fulfil (enqueue); fulfil → ship."
    )


def test_long_descriptions_end() -> None:
    """The description of a large flow tells the first hundred edges."""
    many = parse(graph("many", [("a", f"b{i}") for i in range(150)]))
    assert (many[1].text or "").endswith("; and more.")


def test_place_and_description_are_the_tooltip() -> None:
    """The title goes on with file and line, kind, and description."""
    info = StepInfo("a", "f", (), "task", True, "Do it.", "/srv/shop/flows.py", 12)
    node = nodes(parse(build_graph("f", [info])))[0]
    assert title(node) == "a\n/srv/shop/flows.py:12\nentrypoint, task\nDo it."


def test_both_themes_are_in_the_style() -> None:
    """Dark colours stand behind a media query; no property is used that older readers lack."""
    style = parse(ALL["order"]).findtext(f"{SVG}style") or ""
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    classes = set(re.findall(r"\.headrace \.([a-z-]+)", dark))
    assert {"ground", "node", "entrypoint", "task", "foreign", "unknown", "edge", "tip"} <= classes
    assert classes <= set(re.findall(r"\.([a-z-]+)", light))
    assert "var(" not in style


def test_nothing_outside_is_referred_to() -> None:
    """The namespace is the only address, and there is no script."""
    for flow in ALL.values():
        drawing = flow.render("svg")
        assert re.findall(r"\w+://[^\s\"']*", drawing) == ["http://www.w3.org/2000/svg"]
        assert "<script" not in drawing


def test_kinds_are_told_apart_without_colour() -> None:
    """Entrypoints are round, tasks have double sides, and the legend names what is there."""
    flow = graph("order", [("receive", "fulfil"), ("fulfil", "ship")], tasks=["fulfil"])
    root = parse(flow)
    receive, fulfil, ship = sorted(nodes(root), key=lambda n: box(n)[1])
    radius = [float(n.find(f"{SVG}rect").attrib["rx"]) for n in (receive, ship)]  # type: ignore[union-attr]
    assert radius[0] > radius[1]
    assert fulfil.find(f"{SVG}path") is not None
    assert ship.find(f"{SVG}path") is None
    legend = [t.text for t in root.findall(f"{SVG}g[@class='legend']/{SVG}text")]
    assert legend == ["entrypoint", "task", "enqueued"]


def test_flow_of_plain_steps_needs_no_legend() -> None:
    """Where nothing is special, nothing is explained."""
    plain = build_graph("plain", [StepInfo("a", "plain")])
    assert "legend" not in plain.render("svg").partition("</style>")[2]


def test_map_has_a_titled_box_for_each_flow() -> None:
    """Each flow's box has its name, and the links between flows a line of their own kind."""
    root = ET.fromstring(render(shop_map(), "svg"))
    assert len(root.findall(f".//{SVG}rect[@class='group']")) == 4
    titles = [t.text for t in root.findall(f".//{SVG}text[@class='halo']")]
    assert titles == ["shop", "warehouse", "carrier", "mail"]
    kinds = [g.attrib["class"] for g in root.iter(f"{SVG}g") if "data-from" in g.attrib]
    assert kinds.count("edge crosses") == 3
    assert kinds.count("edge enqueue") == 3 + 1
    assert (root[0].text or "").startswith("Flows shop")


def test_two_drawings_on_a_page_share_no_id() -> None:
    """IDs carry the flow's name; names that differ in signs alone get different ones."""
    ids = [
        set(re.findall(r' id="([^"]+)"', graph(name, [("a", "b")]).render("svg")))
        for name in ("a b", "a-b", "a.b")
    ]
    assert not ids[0] & ids[1]
    assert not ids[1] & ids[2]


def test_part_of_a_page_has_no_ground_of_its_own() -> None:
    """In the HTML page the drawing has neither ground nor heading."""
    drawing = draw(picture_of([ALL["order"]]), as_part=True)
    assert 'class="ground"' not in drawing
    assert 'class="heading"' not in drawing


@pytest.mark.parametrize("name", HOSTILE)
def test_lines_are_within_the_width(name: str) -> None:
    """Each line of a broken label fits, and at most three lines are left."""
    lines = wrapped(shown(name), 13, 190, 3)
    assert 1 <= len(lines) <= 3
    assert all(text_width(line, 13) <= 190 for line in lines)
    joined = "".join(lines).removesuffix("…").replace(" ", "")
    assert shown(name).replace(" ", "").startswith(joined)


def test_labels_are_broken_where_words_end() -> None:
    """Breaks stand at underscores, dots and spaces, and before capitals; long words are cut."""
    assert wrapped("charge_the_customers_card_again", 13, 120, 3) == [
        "charge_the_",
        "customers_card_",
        "again",
    ]
    assert wrapped("ChargeTheCustomersCard", 13, 110, 3) == ["ChargeThe", "CustomersCard"]
    assert len(wrapped("x" * 60, 13, 100, 9)) > 3


def test_characters_have_their_widths() -> None:
    """Wide, combining and unknown characters are reckoned as what they are."""
    assert text_width("il", 10) < text_width("mm", 10)
    assert text_width("日本", 10) == 20
    assert text_width("é", 10) == text_width("e\u0301", 10) == text_width("e", 10)
    assert text_width("🚚", 10) == 13
    assert text_width("ש", 10) == 6.4


def test_straight_edges_are_straight_and_loops_are_round() -> None:
    """A vertical piece is a line, a bend one Bézier curve, an edge to itself one loop."""
    assert path_data([(5, 0), (5, 10), (5, 20)]) == "M5 0V10V20"
    assert path_data([(0, 0), (10, 10)]) == "M0 0C0 5 10 5 10 10"
    loop = graph("loop", [("a", "a")]).render("svg")
    assert re.search(r'd="M[\d.]+ [\d.]+C[^"V]*"', loop)
    assert len(curve([(0, 0), (24, 0), (24, 9), (0, 9)])) == 4
    past_a_rank = [(0, 0), (24, 9), (24, 19), (0, 28)]
    assert len(curve(past_a_rank)) == 10


def test_notes_widen_the_box() -> None:
    """A step with notes is higher, and wide enough for them."""
    plain, noted = (picture_of([g]).nodes[0] for g in (graph("f", [], lone=["fetch"]), chain()))
    assert shape_of(noted).height > shape_of(plain).height
    assert shape_of(noted).notes == ["retries 3 · timeout 2 s"]
