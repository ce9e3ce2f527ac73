"""Mermaid as text: plain to the letter, and rich."""

from __future__ import annotations

import pytest

from headrace import StepInfo
from headrace._drawing import render
from headrace._flows.graph import build_graph
from tests.pictures.kit import chain, graph, hostile, shop_map


def test_plain_has_a_line_for_each_edge_in_order() -> None:
    """``graph TD``, then an edge a line: in the order of the sources, then by target."""
    flow = graph("order", [("b", "d"), ("a", "c"), ("a", "b"), ("c", "d")])
    assert flow.render() == "graph TD\n    a --> b\n    a --> c\n    b --> d\n    c --> d"


def test_lone_step_stands_as_a_line_of_its_own() -> None:
    """A step without edges is there, before the edges."""
    flow = graph("order", [("a", "b")], lone=["z", "alone"])
    assert flow.render() == "graph TD\n    alone\n    z\n    a --> b"


def test_name_that_mermaid_cannot_take_is_a_label() -> None:
    """Reserved words, spaces and quotes get made IDs and escaped labels."""
    flow = graph("order", [("end", 'say "hi"'), ("end", "n1")])
    assert flow.render() == (
        'graph TD\n    n2["end"]\n    n3["say #34;hi#34;"]\n    n2 --> n1\n    n2 --> n3'
    )


def test_lone_name_that_mermaid_cannot_take_stands_once() -> None:
    """A lone step with a made ID has its label's line, and no other."""
    assert graph("order", [], lone=["two words"]).render() == 'graph TD\n    n1["two words"]'


def test_labels_hold_no_sign_of_mermaids_own() -> None:
    """Whatever the names, a line is an ID, a label in quotes, or an edge."""
    for line in hostile().render().splitlines()[1:]:
        label = line.partition('["')[2].removesuffix('"]')
        assert not set(label) & set('"<>[]{}|`\\$%&*\n')


def test_rich_marks_entrypoints_tasks_and_links() -> None:
    """Rich has shapes for steps, dotted lines to tasks, thick ones between flows, and subgraphs."""
    drawing = render(shop_map(), "mermaid", "rich")
    assert drawing.startswith("flowchart TD\n")
    assert 'subgraph flow1["shop"]' in drawing
    assert '(["receive"])' in drawing
    assert '[["fulfil"]]' in drawing
    assert '{{"nowhere.at_all"}}' in drawing
    assert "-. enqueue .->" in drawing
    assert "==>" in drawing
    assert drawing.count("classDef") == 3


def test_plain_map_has_a_subgraph_for_each_flow() -> None:
    """Several flows are drawn as subgraphs in plain style too."""
    drawing = render(shop_map(), "mermaid")
    assert drawing.startswith('graph TD\n    subgraph flow1["shop"]\n        n1["receive"]')
    assert drawing.count("subgraph") == drawing.count("\n    end") == 4


def test_notes_stand_under_the_name() -> None:
    """What a chain adds to a step is a second line of its label, in rich style only."""
    assert 'fetch(["fetch<br>retries 3, timeout 2 s"])' in chain().render(style="rich")
    assert "retries" not in chain().render()


@pytest.mark.parametrize("name", ["END", "linkStyle", "_top", "__proto__", "toString"])
def test_reserved_words_are_known_in_any_case(name: str) -> None:
    """Mermaid's words, and what every JavaScript object has, are no IDs."""
    assert build_graph("x", [StepInfo(name, "x")]).render() == f'graph TD\n    n1["{name}"]'


@pytest.mark.guarantee(96)
@pytest.mark.parametrize("style", ["plain", "rich"])
def test_what_mermaid_refuses_says_so_in_a_comment(style: str) -> None:
    """More than 500 edges: below the head, with the alternative; up to 500 there is no comment."""
    pairs = [("a", f"s{i}") for i in range(501)]
    drawing = graph("large", pairs).render(style=style)
    head, comment, *_ = drawing.splitlines()
    assert head in {"graph TD", "flowchart TD"}
    assert comment == (
        f"    %% 501 edges and {len(drawing) - len(comment) - 1} characters exceed Mermaid's "
        "limits (500 and 50000): draw SVG or HTML, or part of it"
    )
    assert "%%" not in graph("large", pairs[:500]).render(style=style)


@pytest.mark.guarantee(96)
def test_characters_are_counted_as_mermaid_counts_them() -> None:
    """A character beyond the basic plane is two."""
    fits = graph("order", [("a", "b" + "\U0001f600" * 24_980)])
    assert "%%" not in fits.render()
    drawing = graph("order", [("a", "b" + "\U0001f600" * 25_000)]).render()
    assert "1 edge and 50" in drawing.splitlines()[1]
    assert len(drawing) < 26_000
