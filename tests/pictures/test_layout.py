"""The layout by itself: nodes and edges in, coordinates out."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace._drawing.layout import Box, Layout, layout, layout_groups
from tests.pictures.crossings import count_crossings
from tests.pictures.realistic import FLOWS, Edges, grown

SIZE = (90.0, 36.0)
CORPUS = {**FLOWS, **{f"grown-{seed}": grown(60, 75, seed) for seed in range(4)}}

names = st.sampled_from([f"s{i}" for i in range(12)])
any_edges = st.lists(st.tuples(names, names), max_size=30)


def sizes_of(edges: Edges) -> dict[str, tuple[float, float]]:
    """Return sizes that differ from node to node, as those of labels do."""
    nodes = dict.fromkeys(node for edge in edges for node in edge)
    return {node: (70.0 + 9 * (i % 5), 36.0 + 15 * (i % 3)) for i, node in enumerate(nodes)}


def boxes(laid: Layout, sizes: dict[str, tuple[float, float]]) -> dict[str, Box]:
    """Return each node's box."""
    return {
        node: (x - sizes[node][0] / 2, y - sizes[node][1] / 2, *sizes[node])
        for node, (x, y) in laid.centers.items()
    }


def overlap(a: Box, b: Box) -> bool:
    """Tell whether two boxes have more than a border in common."""
    slack = 0.01
    return (
        a[0] + slack < b[0] + b[2]
        and b[0] + slack < a[0] + a[2]
        and a[1] + slack < b[1] + b[3]
        and b[1] + slack < a[1] + a[3]
    )


def assert_sound(laid: Layout, sizes: dict[str, tuple[float, float]], edges: Edges) -> None:
    """Check what holds for every layout."""
    placed = boxes(laid, sizes)
    assert placed.keys() == sizes.keys()
    for (one, a), (other, b) in itertools.combinations(placed.items(), 2):
        assert not overlap(a, b), (one, other)
    for left, top, width, height in placed.values():
        assert left >= -0.01
        assert top >= -0.01
        assert left + width <= laid.width + 0.01
        assert top + height <= laid.height + 0.01
    assert laid.routes.keys() == {*edges}
    for (source, target), route in laid.routes.items():
        assert touches(route[0], placed[source]), (source, target)
        assert touches(route[-1], placed[target]), (source, target)


def touches(point: tuple[float, float], box: Box) -> bool:
    """Tell whether `point` is on the border of `box`."""
    left, top, width, height = box
    x, y = point
    inside = left - 0.01 <= x <= left + width + 0.01 and top - 0.01 <= y <= top + height + 0.01
    sides = (abs(x - left), abs(x - left - width), abs(y - top), abs(y - top - height))
    return inside and min(sides) < 0.01


@pytest.mark.parametrize("name", CORPUS)
def test_nodes_stand_apart_and_edges_reach_them(name: str) -> None:
    """No two nodes overlap, nothing leaves the frame, each edge begins and ends at its nodes."""
    edges = CORPUS[name]
    sizes = sizes_of(edges)
    assert_sound(layout(sizes, edges), sizes, edges)


@given(any_edges)
@settings(max_examples=150, deadline=None)
def test_any_graph_is_laid_out(edges: Edges) -> None:
    """Cycles, loops, edges in both directions, separate parts and no edges at all are laid out."""
    sizes = {f"s{i}": SIZE for i in range(12)}
    assert_sound(layout(sizes, edges), sizes, edges)


def test_dense_graph_is_laid_out() -> None:
    """Where there are more edges than anybody can follow, the result is sound all the same."""
    edges = [(f"s{i}", f"s{j}") for i in range(40) for j in range(i + 1, 40) if (i * j) % 3 == 1]
    sizes = {f"s{i}": SIZE for i in range(40)}
    assert_sound(layout(sizes, edges), sizes, edges)


@pytest.mark.parametrize("name", CORPUS)
def test_edges_lead_down_and_round_other_nodes(name: str) -> None:
    """Without a cycle each edge leads down, and through no node but its own two."""
    edges = [edge for edge in CORPUS[name] if edge != ("verify", "diagnose")]  # the cycle
    sizes = sizes_of(edges)
    laid = layout(sizes, edges)
    placed = boxes(laid, sizes)
    for edge, route in laid.routes.items():
        assert all(a[1] <= b[1] for a, b in itertools.pairwise(route)), edge
        for node, (left, top, width, height) in placed.items():
            for x, y in route[1:-1]:
                inside = left < x < left + width and top < y < top + height
                assert node in edge or not inside, (edge, node)


def test_long_edges_are_straight() -> None:
    """An edge past several ranks is vertical in all of them."""
    edges = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"), ("a", "e")]
    route = layout(dict.fromkeys("abcde", SIZE), edges).routes["a", "e"]
    assert len({x for x, _ in route[1:-1]}) == 1
    assert len(route) == 8


def test_ranks_are_short() -> None:
    """A step stands right above what follows it, not at the top because nothing is before it."""
    edges = [("a", "b"), ("b", "c"), ("c", "d"), ("late", "d")]
    centers = layout(dict.fromkeys(["a", "b", "c", "d", "late"], SIZE), edges).centers
    assert centers["late"][1] == centers["c"][1]


def test_tree_is_drawn_without_crossings() -> None:
    """A tree of 127 nodes has none."""
    edges = [(f"t{(i - 1) // 2}", f"t{i}") for i in range(1, 127)]
    laid = layout(dict.fromkeys((f"t{i}" for i in range(127)), SIZE), edges)
    assert count_crossings(laid.routes) == 0


def test_edges_in_both_directions_are_two_lines() -> None:
    """There and back are drawn side by side, each with its own direction."""
    routes = layout({"a": SIZE, "b": SIZE}, [("a", "b"), ("b", "a")]).routes
    assert routes["a", "b"][0][1] < routes["a", "b"][-1][1]
    assert routes["b", "a"][0][1] > routes["b", "a"][-1][1]
    assert routes["a", "b"][0][0] != routes["b", "a"][-1][0]


def test_parts_stand_side_by_side_in_rows() -> None:
    """Steps without links fill rows instead of one line without end."""
    laid = layout({f"s{i}": SIZE for i in range(60)}, [])
    assert laid.width < 1500
    assert len({y for _, y in laid.centers.values()}) > 1


def test_nothing_takes_no_room() -> None:
    """An empty graph is a frame of no size."""
    laid = layout({}, [])
    assert (laid.width, laid.height, laid.centers, laid.routes) == (0, 0, {}, {})


def test_ends_stand_outermost() -> None:
    """Nodes that are to be first or last are alone in their ranks, however short their edges."""
    sizes = dict.fromkeys(["in", "a", "b", "c", "out"], SIZE)
    edges = [("in", "c"), ("a", "b"), ("b", "c"), ("a", "out")]
    centers = layout(sizes, edges, first=["in"], last=["out"]).centers
    heights = {node: y for node, (_, y) in centers.items()}
    assert heights["in"] < min(heights[n] for n in "abc")
    assert heights["out"] > max(heights[n] for n in "abc")


GROUPS = {"a": "one", "b": "one", "c": "two", "d": "two", "e": "three", "f": "alone"}
GROUP_EDGES = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "a"), ("a", "e"), ("b", "e"), ("d", "e")]


def test_groups_hold_their_own_nodes_alone() -> None:
    """Each group's box holds its nodes, boxes stand apart, and no node is in another's box."""
    sizes = dict.fromkeys(GROUPS, SIZE)
    titles = dict.fromkeys(["one", "two", "three", "alone"], 60.0)
    laid = layout_groups(sizes, GROUP_EDGES, GROUPS, titles)
    assert laid.boxes.keys() == titles.keys()
    for one, other in itertools.combinations(laid.boxes.values(), 2):
        assert not overlap(one, other)
    for node, box in boxes(laid, sizes).items():
        for group, around in laid.boxes.items():
            assert overlap(box, around) == (GROUPS[node] == group)
    assert laid.routes.keys() == {*GROUP_EDGES}


def test_edges_between_groups_reach_both_nodes() -> None:
    """An edge between groups begins and ends at its nodes, also where it closes a circle."""
    sizes = dict.fromkeys(GROUPS, SIZE)
    titles = dict.fromkeys(["one", "two", "three", "alone"], 60.0)
    laid = layout_groups(sizes, GROUP_EDGES, GROUPS, titles)
    assert_sound(laid, sizes, GROUP_EDGES)


def test_edges_between_groups_pass_by_other_boxes() -> None:
    """An edge between groups goes through no box but those of its own two."""
    groups = {"a": "one", "b": "two", "c": "three"}
    edges = [("a", "b"), ("b", "c"), ("a", "c")]
    titles = dict.fromkeys(["one", "two", "three"], 60.0)
    laid = layout_groups(dict.fromkeys("abc", SIZE), edges, groups, titles)
    left, top, width, height = laid.boxes["two"]
    for x, y in laid.routes["a", "c"]:
        assert not (left < x < left + width and top < y < top + height)


def test_group_without_links_is_as_wide_as_its_title() -> None:
    """A long title fits into its box."""
    laid = layout_groups({"a": SIZE}, [], {"a": "group"}, {"group": 400.0})
    assert laid.boxes["group"][2] > 400


_PRINT = """
from headrace._drawing.layout import layout
from tests.pictures.realistic import grown
edges = grown(60, 75, 3)
print(layout({n: (90, 36) for e in edges for n in e}, edges))
"""


def test_the_same_graph_is_laid_out_alike() -> None:
    """The layout depends on the graph alone: not on the process, and not on its hash seed."""
    outputs = {
        subprocess.run(
            [sys.executable, "-c", _PRINT],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert "Layout(" in outputs.pop()
