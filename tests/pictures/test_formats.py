"""What every format has in common: it is safe, complete, and the same each time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import headrace
from headrace import FlowGraph, StepInfo, UnknownFlowError, generate_dag
from headrace._drawing import FORMATS, Picture, focused, render
from headrace._drawing.words import short_path
from headrace._flows.draw import picture_of
from headrace._flows.graph import build_graph
from headrace._messages.text import printable
from headrace._step_info import StepNote
from tests.pictures.kit import HOSTILE, chain, graph, hostile, realistic, shop_map, shown

ORDER = graph("order", [("a", "b"), ("b", "c")])
INVISIBLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@pytest.fixture
def declared() -> str:
    """The name of a flow that is declared for one test."""
    name = "pictures.declared"
    headrace.flow(name).entrypoint(name="begin")(lambda: None)
    headrace.flow(name).step(after="begin", name="go_on")(lambda: None)
    return name


@pytest.mark.parametrize("format", FORMATS)
def test_hostile_names_come_out_harmless(format: str) -> None:
    """No format lets a control, a bidi override or half a surrogate pair through; all is UTF-8."""
    drawing = hostile().render(format)
    assert not INVISIBLE.search(drawing)
    drawing.encode("utf-8")


@pytest.mark.guarantee(46)
@pytest.mark.parametrize("format", ["svg", "html"])
def test_names_stay_text_in_markup(format: str) -> None:
    """In SVG and HTML a name is never markup: no element and no attribute but ours."""
    drawing = hostile().render(format)
    assert "<script>alert" not in drawing
    assert "<img" not in drawing
    assert "</style><b>" not in drawing
    for name in HOSTILE:
        assert shown(name) in unescape(drawing)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("style", ["plain", "rich"])
def test_the_same_flow_gives_the_same_bytes(format: str, style: str) -> None:
    """Drawn twice, and with its steps declared in another order, a flow looks alike."""
    steps = list(ORDER.steps.values())
    again = build_graph("order", steps[::-1])
    assert ORDER.render(format, style=style) == again.render(format, style=style)


_PRINT = """
from tests.pictures.kit import *
for name in {formats}:
    for graph in realistic().values():
        print(graph.render(name, style="rich"))
from headrace._drawing import render
print(render(shop_map(), "svg"))
"""


def test_drawing_does_not_depend_on_the_process() -> None:
    """Hash seeds differ from process to process, and drawings do not."""
    outputs = {
        subprocess.run(
            [sys.executable, "-c", _PRINT.format(formats=FORMATS)],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


@pytest.mark.parametrize("format", FORMATS)
def test_every_step_is_drawn(format: str) -> None:
    """Each realistic flow shows each of its steps in each format."""
    for flow in realistic().values():
        drawing = flow.render(format)
        assert [name for name in flow.nodes if name not in drawing] == []


@pytest.mark.parametrize("format", FORMATS)
def test_flow_without_steps_is_drawn(format: str) -> None:
    """An empty flow gives a drawing with its name, or an empty graph."""
    drawing = build_graph("nothing", []).render(format)
    assert drawing.startswith("graph TD") if format == "mermaid" else "nothing" in drawing


@pytest.mark.parametrize("format", FORMATS)
def test_cycle_is_drawn(format: str) -> None:
    """A flow that runs in a circle is drawn, so that the circle can be seen."""
    looped = graph("loop", [("a", "b"), ("b", "c"), ("c", "a"), ("b", "b")])
    drawing = looped.render(format)
    assert all(name in drawing for name in "abc")


@pytest.mark.parametrize("format", FORMATS)
def test_notes_of_chains_are_drawn(format: str) -> None:
    """Branches, retries, conditions, timeouts and undos of a chain are in each drawing."""
    drawing = chain().render(format, style="rich")
    for word in ("retries", "timeout", "parallel", "undo", "when", "order.is_paid", "refund"):
        assert word in drawing


@pytest.mark.parametrize("format", FORMATS)
def test_map_shows_each_flow_and_each_link(format: str) -> None:
    """A map of several flows names each flow, and shows a step of each."""
    drawing = render(shop_map(), format, "rich")
    for word in ("shop", "warehouse", "carrier", "mail", "receive", "fulfil", "book", "send"):
        assert word in drawing


def test_links_between_flows_join_their_steps() -> None:
    """In a map a reference to another flow is an edge from that flow's own step."""
    picture = shop_map()
    assert ("shop.pay", "warehouse.fulfil") in picture.edges_as_pairs()
    crossing = [(edge.source, edge.target) for edge in picture.edges if edge.crosses]
    assert crossing == [
        ("shop.pay", "warehouse.fulfil"),
        ("shop.confirm", "mail.send"),
        ("warehouse.pack", "carrier.book"),
        ("carrier.book", "shop.confirm"),
        ("nowhere.at_all", "mail.lost"),
    ]


def test_full_names_that_are_alike_stay_two_steps() -> None:
    """Step "b.c" of flow "a" and step "c" of flow "a.b" are two nodes of a map."""
    picture = picture_of([graph("a", [], lone=["b.c"]), graph("a.b", [], lone=["c"])])
    assert len({node.id for node in picture.nodes}) == 2


def test_step_of_another_flow_is_told_from_one_that_is_not_declared() -> None:
    """A link to a declared flow is foreign, a reference that leads nowhere unknown."""
    headrace.flow("pictures.other").entrypoint(name="known")(lambda: None)
    edges = [("pictures.other.known", "a"), ("nowhere.x", "a")]
    info = StepInfo("a", "mine", tuple(source for source, _ in edges))
    kinds = {node.id: node.kind for node in picture_of([build_graph("mine", [info])]).nodes}
    assert kinds == {"pictures.other.known": "foreign", "nowhere.x": "unknown", "a": "function"}


def test_focus_keeps_what_leads_there_and_where_it_leads() -> None:
    """A focus has the steps before and after, and leaves out what merely runs beside."""
    picture = picture_of([realistic()["checkout"]])
    part = focused(picture, "capture_payment", 1)
    ids = {node.id for node in part.nodes}
    assert ids == {
        *("reserve", "authorize_payment", "capture_payment"),
        *("send_receipt", "create_shipment"),
    }
    whole = {node.id for node in focused(picture, "capture_payment").nodes}
    assert "open_cart" in whole
    assert "close" in whole
    assert "cancel" not in whole
    assert {node.id for node in focused(picture, "close", 0).nodes} == {"close"}


def test_focus_finds_a_step_of_a_map_by_its_own_name() -> None:
    """A name that one flow alone has needs no flow before it; an ambiguous one does."""
    picture = shop_map()
    assert focused(picture, "pay").title == "shop, warehouse, carrier, mail: shop.pay"
    twice = picture_of([graph("a", [], lone=["x"]), graph("b", [], lone=["x"])])
    with pytest.raises(ValueError, match=r"choose one of a\.x, b\.x"):
        focused(twice, "x")
    with pytest.raises(ValueError, match="no step named 'nope'; the steps are"):
        focused(picture, "nope")


def test_unknown_format_and_style_name_the_known_ones(declared: str) -> None:
    """`ValueError` lists what there is; nothing is drawn, and an unknown flow is a `KeyError`."""
    with pytest.raises(ValueError, match="unknown format 'png'; choose one of dot, html, json"):
        generate_dag(declared, format="png")
    with pytest.raises(ValueError, match="unknown style 'loud'; choose one of plain, rich"):
        generate_dag(declared, style="loud")
    with pytest.raises(UnknownFlowError, match="no flow named 'nope'"):
        generate_dag("nope")


@pytest.mark.parametrize("format", FORMATS)
def test_output_holds_what_would_be_returned(format: str, declared: str, tmp_path: Path) -> None:
    """With `output` the file is written, with a line break at its end, and None returned."""
    path = tmp_path / "drawing"
    assert generate_dag(declared, format=format, style="rich", output=path) is None
    drawing = generate_dag(declared, format=format, style="rich")
    assert path.read_bytes() == f"{drawing}\n".encode()


def test_places_name_no_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is named from the current folder, or as its module is found; else in full."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", "/srv/lib", "/srv/lib/deeper", "/venv/site-packages"])
    assert short_path(str(tmp_path / "shop" / "flows.py")) == "shop/flows.py"
    assert short_path("/venv/site-packages/pkg/x.py") == "pkg/x.py"
    assert short_path("/srv/lib/deeper/y.py") == "y.py"
    assert short_path("/elsewhere/z.py") == "/elsewhere/z.py"
    assert short_path("shop/flows.py") == "shop/flows.py"


def test_invisible_characters_are_written_as_escapes() -> None:
    """What cannot be seen stands as Python's escape; joiners, which scripts need, stay."""
    assert printable("a\nb\x1b\u202e\ud800") == r"a\nb\x1b\u202e\ud800"
    assert printable("👩\u200d🚀 é 日本") == "👩\u200d🚀 é 日本"


def test_entrypoint_of_another_flow_is_none_here() -> None:
    """An entrypoint that is drawn as another flow's step is marked as that."""
    flow = headrace.flow("pictures.elsewhere")
    flow.entrypoint(name="begin")(lambda: None)
    info = StepInfo("a", "here", ("pictures.elsewhere.begin",))
    nodes = {n.id: n for n in picture_of([build_graph("here", [info])]).nodes}
    assert not nodes["pictures.elsewhere.begin"].is_entrypoint


def parsed(picture: Picture, **options: bool) -> ET.Element:
    """Return the SVG of `picture` as XML."""
    from headrace._drawing.svg import draw

    return ET.fromstring(draw(picture, **options))


def test_note_without_text_is_its_kind() -> None:
    """A condition that is a lambda is drawn as "when" alone."""
    noted = build_graph("c", [StepInfo("a", "c")], {"a": [StepNote("when")]})
    assert "[when]" in noted.render("text")


def test_link_into_a_map_of_some_flows_is_drawn_once() -> None:
    """A step of a flow that is not in the map stands in it once, though two flows refer to it."""
    headrace.flow("pictures.far").entrypoint(name="off")(lambda: None)
    far = "pictures.far.off"
    some = [
        build_graph(name, [StepInfo("x", name, (far,))]) for name in ("pictures.p", "pictures.q")
    ]
    picture = picture_of(some)
    assert [node.id for node in picture.nodes].count(far) == 1
    assert len(picture.edges) == 2


def test_graph_made_by_hand_is_drawn() -> None:
    """A `FlowGraph` needs neither kinds of edges nor notes."""
    steps = {name: StepInfo(name, "f") for name in "ab"}
    made = FlowGraph("f", ("a", "b"), (("a", "b"),), (), steps)
    assert made.render() == "graph TD\n    a --> b"
    assert "call" in made.render("json")
