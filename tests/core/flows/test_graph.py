"""The graph of a flow: frozen, in topological order, and drawn as Mermaid."""

from __future__ import annotations

import itertools
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace import StepInfo, UnknownFlowError, generate_dag
from headrace._flows.graph import build_graph
from tests.core.flow_kit import new_flow, unused_name


def graph_of(after: dict[str, list[str]]) -> Any:
    """Return the graph of a flow with these steps, each with what it comes after."""
    return build_graph("f", [StepInfo(name, "f", tuple(before)) for name, before in after.items()])


def test_nodes_are_in_topological_order_ties_by_name() -> None:
    """Kahn's algorithm, the smallest ready name first; edges follow sources, then targets."""
    graph = graph_of({"z": [], "b": ["z"], "a": ["z"], "c": ["a", "b"], "y": [], "x": ["y", "z"]})
    assert graph.nodes == ("y", "z", "a", "b", "c", "x")
    assert graph.edges == (("y", "x"), ("z", "a"), ("z", "b"), ("z", "x"), ("a", "c"), ("b", "c"))


def test_graph_tells_entrypoints_and_steps() -> None:
    """Entrypoints stand in the order of the nodes; every step's declaration is there by name."""
    made = new_flow()
    made.entrypoint(name="web")(lambda: None)
    made.entrypoint(name="api")(lambda: None)
    made.step(after=["web", "api"], name="charge", description="Charge the card.")(lambda: None)
    graph = made.graph()
    assert graph.name == made.name
    assert graph.entrypoints == ("api", "web")
    assert graph.steps["charge"].description == "Charge the card."
    assert list(graph.steps) == ["web", "api", "charge"]


def test_graph_is_frozen() -> None:
    """Neither its fields nor the mapping of steps can be changed, by later declarations neither."""
    made = new_flow()
    made.entrypoint(name="receive")(lambda: None)
    graph = made.graph()
    with pytest.raises(AttributeError):
        graph.nodes = ()  # type: ignore[misc]
    with pytest.raises(TypeError):
        graph.steps["other"] = graph.steps["receive"]  # type: ignore[index]
    made.step(after="receive", name="charge")(lambda: None)
    assert graph.nodes == ("receive",)
    assert made.graph().nodes == ("receive", "charge")


def test_linked_steps_of_other_flows_are_nodes() -> None:
    """A step of another flow stands as ``flow.step``; the own flow's prefix is dropped."""
    other = new_flow()
    pay = other.step(name="pay")(lambda: None)
    made = new_flow()
    made.step(after=pay, name="ship")(lambda: None)
    made.step(after=f"{made.name}.ship", name="notify")(lambda: None)
    graph = made.graph()
    assert graph.nodes == (f"{other.name}.pay", "ship", "notify")
    assert graph.edges == ((f"{other.name}.pay", "ship"), ("ship", "notify"))
    assert f"{other.name}.pay" not in graph.steps


def test_step_whose_name_has_a_dot_is_found() -> None:
    """A step called ``own.prefix`` is itself, not a step without the prefix."""
    made = new_flow()
    dotted = f"{made.name}.receive"
    made.step(name=dotted)(lambda: None)
    made.step(after=dotted, name="charge")(lambda: None)
    assert made.graph().edges == ((dotted, "charge"),)


def test_repeated_reference_is_one_edge() -> None:
    """The same step named twice, by string and by function, is one edge."""
    made = new_flow()
    receive = made.entrypoint(name="receive")(lambda: None)
    made.step(after=["receive", receive, f"{made.name}.receive"], name="charge")(lambda: None)
    assert made.graph().edges == (("receive", "charge"),)


names = st.sampled_from(string.ascii_lowercase[:8])


@given(st.dictionaries(names, st.lists(names, max_size=4), max_size=8))
def test_order_holds_for_every_graph(after: dict[str, list[str]]) -> None:
    """Each node once; where there is no cycle, each edge leads forward, and ties go by name."""
    graph = graph_of(after)
    assert sorted(graph.nodes) == sorted({*after, *itertools.chain(*after.values())})
    position = {node: i for i, node in enumerate(graph.nodes)}
    assert list(graph.edges) == sorted(
        set(graph.edges), key=lambda edge: (position[edge[0]], edge[1])
    )
    if not any(problem.kind == "cycle" for problem in graph.validate()):
        assert all(position[source] < position[target] for source, target in graph.edges)
        done: set[str] = set()
        for node in graph.nodes:
            ready = [
                each
                for each in graph.nodes
                if each not in done
                and all(source in done for source, target in graph.edges if target == each)
            ]
            assert node == min(ready)
            done.add(node)


@pytest.mark.parametrize("steps", [2_000])
def test_large_flow_is_built_and_checked(steps: int) -> None:
    """Thousands of steps are registered, ordered, checked and drawn, without recursion."""
    made = new_flow()
    made.entrypoint(name="s0")(lambda: None)
    for number in range(1, steps):
        made.step(after=f"s{number - 1}", name=f"s{number}")(lambda: None)
    graph = made.graph()
    assert graph.nodes == tuple(f"s{number}" for number in range(steps))
    assert graph.validate() == []
    lines = graph.render("mermaid").splitlines()
    assert len([line for line in lines if "%%" not in line]) == steps


# --- Mermaid ------------------------------------------------------------------------------------


def test_mermaid_is_plain() -> None:
    """``graph TD``, one line per edge in order, and a line of its own for a lone step."""
    made = new_flow()
    made.entrypoint(name="receive")(lambda: None)
    made.step(after="receive", name="validate")(lambda: None)
    made.step(after=["receive", "validate"], name="charge")(lambda: None)
    made.step(name="alone")(lambda: None)
    assert generate_dag(made.name) == (
        "graph TD\n"
        "    alone\n"
        "    receive --> charge\n"
        "    receive --> validate\n"
        "    validate --> charge"
    )


def test_empty_flow_is_drawn() -> None:
    """A flow without steps is a graph without lines."""
    made = new_flow()
    assert generate_dag(made.name) == made.graph().render() == "graph TD"


def test_drawing_is_written_to_a_file(tmp_path: Path) -> None:
    """With ``output`` the drawing, with a line end, is in the file, and None is returned."""
    made = new_flow()
    made.entrypoint(name="größe")(lambda: None)
    for output in (tmp_path / "path.mmd", str(tmp_path / "name.mmd")):
        assert generate_dag(made.name, output=output) is None
        assert Path(output).read_text("utf-8") == generate_dag(made.name) + "\n"


def test_unknown_flow_and_format_are_refused() -> None:
    """An unknown flow is an `UnknownFlowError`, an unknown format names the choices."""
    with pytest.raises(UnknownFlowError, match="no flow named"):
        generate_dag(unused_name())
    made = new_flow()
    with pytest.raises(ValueError, match=r"unknown format 'jpeg'; choose one of .*mermaid"):
        generate_dag(made.name, format="jpeg")
    with pytest.raises(ValueError, match="unknown format"):
        made.graph().render("jpeg")


def test_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """The system's error comes through."""
    with pytest.raises(OSError, match="missing"):
        generate_dag(new_flow().name, output=tmp_path / "missing" / "flow.mmd")
