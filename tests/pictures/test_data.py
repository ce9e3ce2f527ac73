"""JSON by its schema, and DOT as text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace import StepInfo
from headrace._drawing import render
from headrace._flows.draw import picture_of
from headrace._flows.graph import build_graph
from tests.pictures.kit import HOSTILE, chain, graph, hostile, realistic, shop_map

jsonschema = pytest.importorskip("jsonschema")
DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = json.loads((DOCS / "reference" / "graph.schema.json").read_text("utf-8"))
ALL = {
    **{name: picture_of([flow]) for name, flow in realistic().items()},
    "hostile": picture_of([hostile()]),
    "chain": picture_of([chain()]),
    "map": shop_map(),
}


@pytest.mark.parametrize("name", ALL)
def test_json_is_as_the_schema_says(name: str) -> None:
    """Each document is valid by graph.schema.json, and has no field that is not in it."""
    document = json.loads(render(ALL[name], "json"))
    jsonschema.validate(document, SCHEMA)
    assert document.keys() == SCHEMA["properties"].keys()
    for part in ("nodes", "edges"):
        known = SCHEMA["properties"][part]["items"]["properties"].keys()
        assert all(item.keys() == known - {"verdict", "figures"} for item in document[part])


def test_json_has_names_as_they_are() -> None:
    """Whatever a name holds, reading the JSON gives it back."""
    document = json.loads(hostile().render("json"))
    assert sorted(node["id"] for node in document["nodes"]) == sorted(HOSTILE)
    assert document["title"] == '<b>flow</b> & "co"'


def test_json_edges_are_named_as_everywhere() -> None:
    """An edge is ``flow:source->target``, with its kind and whether it links two flows."""
    info = StepInfo("mail", "order", ("shop.pay",), "task", False, "Tell.", "shop.py", 3)
    document = json.loads(build_graph("order", [info]).render("json"))
    assert document["edges"] == [
        {
            "id": "order:shop.pay->mail",
            "source": "shop.pay",
            "target": "mail",
            "kind": "enqueue",
            "crosses": True,
        }
    ]
    unknown, mail = document["nodes"]
    assert (unknown["kind"], unknown["file"], unknown["line"]) == ("unknown", None, None)
    assert (mail["file"], mail["line"], mail["description"]) == ("shop.py", 3, "Tell.")


def test_dot_is_a_digraph_with_a_line_for_each_step_and_edge() -> None:
    """It begins with ``digraph`` and the flow's name; steps keep their names as IDs."""
    drawing = graph("order", [("receive", "fulfil")], tasks=["fulfil"]).render("dot")
    assert drawing.startswith('digraph "order" {')
    assert drawing.endswith("}")
    assert '    "receive" [label="receive", ' in drawing
    assert '    "receive" -> "fulfil" [' in drawing
    assert 'label="enqueue"' in drawing


def test_dot_has_made_ids_where_a_string_cannot_hold_the_name() -> None:
    """A backslash or a quote in a name is in the label, escaped, and not in the ID."""
    drawing = graph("order", [("n1", "a\\"), ("n1", 'say "hi"')]).render("dot")
    assert 'n2 [label="a\\\\", ' in drawing
    assert 'n3 [label="say \\"hi\\"", ' in drawing
    assert '"n1" -> n2' in drawing


def test_dot_map_has_clusters() -> None:
    """Each flow of a map is a cluster with its name."""
    drawing = render(shop_map(), "dot")
    assert drawing.count("subgraph cluster_") == 4
    assert 'label="warehouse"' in drawing


def test_picture_of_one_flow_is_no_map() -> None:
    """A map is what has several flows."""
    assert not ALL["order"].is_map
    assert ALL["map"].is_map
