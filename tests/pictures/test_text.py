"""The tree in the terminal."""

from __future__ import annotations

import pytest

from headrace import StepInfo
from headrace._drawing import render
from headrace._drawing.text import draw
from headrace._flows.draw import picture_of
from headrace._flows.graph import build_graph
from tests.pictures.kit import chain, graph, shop_map
from tests.pictures.realistic import FLOWS


def test_tree_shows_each_step_once_in_full() -> None:
    """A step that several lead to stands in full once, and by name, with an arrow, elsewhere."""
    infos = graph("order", FLOWS["order"], file="shop.py").steps.values()
    drawing = build_graph("order", [StepInfo(s.name, s.flow, s.after) for s in infos]).render(
        "text"
    )
    assert drawing == (
        "order  6 steps\n"
        "receive\n"
        "└── fulfil\n"
        "    └── reserve\n"
        "        ├── book\n"
        "        │   ├── confirm\n"
        "        │   └── release\n"
        "        │       └── confirm ↑\n"
        "        └── confirm ↑"
    )


def test_tree_tells_kinds_places_and_descriptions() -> None:
    """Entrypoints have a dot, edges to tasks say so, and each step its description and place."""
    flow = graph("order", [("receive", "fulfil")], tasks=["fulfil"], file="shop.py")
    assert flow.render("text") == (
        "order  2 steps\n"
        "● receive  Say what receive does.  shop.py:10\n"
        "└── fulfil [enqueue]  Say what fulfil does.  shop.py:11"
    )


def test_map_has_a_tree_for_each_flow() -> None:
    """Steps of another flow stand there by their full names, and in full in their own tree."""
    lines = render(shop_map(), "text").splitlines()
    assert "warehouse  4 steps" in lines
    assert any(line.endswith("warehouse.fulfil [enqueue]") for line in lines)
    assert any(line.startswith("fulfil  Say") for line in lines)
    assert "nowhere.at_all [not declared]" in lines


def test_notes_stand_in_brackets() -> None:
    """What a chain adds to a step stands behind its name."""
    assert "● fetch [retries 3] [timeout 2 s]" in chain().render("text")


def test_circle_ends_where_it_began() -> None:
    """Steps that only a circle leads to are shown, once."""
    drawing = graph("loop", [("a", "b"), ("b", "a")]).render("text")
    assert drawing.split("\n", 1)[1].count("Say what") == 2
    assert "a ↑" in drawing


def test_long_chain_is_no_recursion() -> None:
    """Fifteen hundred steps in a row are drawn."""
    flow = graph("long", [(f"s{i}", f"s{i + 1}") for i in range(1500)])
    assert flow.render("text").count("\n") == 1501


def test_colours_and_line_drawing_can_be_left_out() -> None:
    """Colours are the terminal's own; without line-drawing characters the tree is ASCII."""
    picture = picture_of([graph("order", [("a", "b"), ("a", "c"), ("b", "c")], tasks=["c"])])
    coloured = draw(picture, colors=True)
    assert "\x1b[1;36ma\x1b[0m" in coloured
    assert "\x1b[33mc\x1b[0m" in coloured
    plain = draw(picture, ascii_only=True)
    assert plain.isascii()
    assert "|-- b" in plain
    assert "c [enqueue] (above)" in plain


@pytest.mark.guarantee(96)
def test_a_deep_tree_is_cut_on_the_left() -> None:
    """No line is wider than forty levels, and so the text grows with the steps alone."""
    flow = graph("long", [(f"s{i}", f"s{i + 1}") for i in range(300)])
    lines = flow.render("text").splitlines()
    assert lines[41].startswith(" " * 39 * 4 + "└── s40")
    assert lines[43].startswith("…   ")
    assert "└── s300" in lines[-1]
    assert max(len(line) for line in lines) < 220
