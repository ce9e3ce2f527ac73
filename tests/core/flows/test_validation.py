"""What `FlowGraph.validate` finds: unknown references, cycles, steps that nothing leads to."""

from __future__ import annotations

import inspect
import itertools
import string
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

import headrace
from headrace import GraphProblem, StepInfo
from headrace._flows import graph as graphs
from tests.core.flow_kit import new_flow, unused_name

if TYPE_CHECKING:
    from collections.abc import Iterable


def declared(edges: dict[str, Iterable[str]], entrypoints: Iterable[str] = ()) -> headrace.Flow:
    """Return a flow with these steps, each with what it comes after."""
    made = new_flow()
    for name, after in edges.items():
        if name in entrypoints:
            made.entrypoint(name=name)(lambda: None)
        else:
            made.step(after=[*after], name=name)(lambda: None)
    return made


def problems(flow: headrace.Flow) -> list[tuple[str, str]]:
    """Return the kind and the step of each problem."""
    return [(problem.kind, problem.step) for problem in flow.graph().validate()]


def test_sound_flow_has_no_problems() -> None:
    """A flow whose steps all hang on an entrypoint is without problems."""
    made = declared({"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}, ["a"])
    assert problems(made) == []


def test_empty_flow_has_no_problems() -> None:
    """A flow without steps has nothing to report."""
    assert problems(new_flow()) == []


def test_unknown_reference_is_reported_at_the_step_that_makes_it() -> None:
    """The problem names the step, its file and line, the reference, and the known steps."""
    made = new_flow()

    @made.entrypoint
    def receive() -> None: ...

    @made.step(after="recieve")
    def charge() -> None: ...

    (problem,) = made.graph().validate()
    assert (problem.kind, problem.step, problem.flow) == ("unknown-reference", "charge", made.name)
    assert problem.file == __file__
    assert problem.line == inspect.unwrap(charge).__code__.co_firstlineno
    assert "'recieve'" in problem.message
    assert "charge, receive" in problem.message
    assert str(problem).startswith(f"{__file__}:{problem.line}: {made.name}.charge: ")


def test_problem_without_a_place_says_so_without_one() -> None:
    """Where the definition has no file the text begins with the step."""
    problem = GraphProblem("cycle", "f", "s", "runs in a circle", "", 0)
    assert str(problem) == "f.s: runs in a circle"


def test_what_follows_an_unknown_reference_is_not_reported_again() -> None:
    """One typo is one problem, not one for each step behind it."""
    made = declared({"a": [], "b": ["x"], "c": ["b"], "d": ["c"]}, ["a"])
    assert problems(made) == [("unknown-reference", "b")]


def test_step_that_no_entrypoint_leads_to_is_reported() -> None:
    """Steps beside the entrypoint's reach are reported, each by itself."""
    made = declared({"a": [], "b": ["a"], "lone": [], "after_lone": ["lone"]}, ["a"])
    assert problems(made) == [("unreachable", "lone"), ("unreachable", "after_lone")]


def test_flow_without_an_entrypoint_is_reported() -> None:
    """Without an entrypoint nothing is reached."""
    assert problems(declared({"a": [], "b": ["a"]})) == [("unreachable", "a"), ("unreachable", "b")]


def test_cycle_is_reported_once_and_closed() -> None:
    """The message of a cycle shows the way round, from its first step back to it."""
    made = declared({"a": [], "b": ["a", "d"], "c": ["b"], "d": ["c"]}, ["a"])
    (problem,) = made.graph().validate()
    assert problem.kind == "cycle"
    assert "b -> c -> d -> b" in problem.message


def test_step_after_itself_is_a_cycle() -> None:
    """The smallest cycle is a step that names itself."""
    made = declared({"a": [], "b": ["a", "b"]}, ["a"])
    (problem,) = made.graph().validate()
    assert (problem.kind, problem.step) == ("cycle", "b")
    assert "b -> b" in problem.message


def test_cycle_on_the_way_to_another_is_reported_too() -> None:
    """Two groups that run in circles are two problems, even where one leads to the other."""
    made = declared(
        {"s": ["c"], "c": ["s"], "a": ["s", "b"], "b": ["a"], "e": [], "f": ["e"]}, ["e"]
    )
    assert sorted(problems(made)) == [("cycle", "a"), ("cycle", "c")]


def test_reference_to_another_flow_is_looked_up_there() -> None:
    """``flow.step`` is known where that flow has the step, and a step behind it is reached."""
    other = declared({"paid": []}, ["paid"])
    made = new_flow()
    made.step(after=f"{other.name}.paid", name="ship")(lambda: None)
    made.step(after="ship", name="notify")(lambda: None)
    assert problems(made) == []


def test_reference_to_a_missing_step_of_another_flow_is_reported() -> None:
    """``flow.step`` is unknown where that flow has no such step, or where there is no such flow."""
    other = declared({"paid": []}, ["paid"])
    made = new_flow()
    made.step(after=f"{other.name}.payed", name="ship")(lambda: None)
    made.step(after=f"{unused_name()}.paid", name="bill")(lambda: None)
    assert sorted(problems(made)) == [("unknown-reference", "bill"), ("unknown-reference", "ship")]


def test_step_declared_later_heals_the_reference() -> None:
    """The graph is that of now: a module imported later may declare what was missing."""
    made = declared({"a": [], "c": ["b"]}, ["a"])
    assert problems(made) == [("unknown-reference", "c")]
    made.step(after="a", name="b")(lambda: None)
    assert problems(made) == []


names = st.sampled_from(string.ascii_lowercase[:7])
edge_sets = st.sets(st.tuples(names, names), max_size=16)


def cyclic_groups(edges: set[tuple[str, str]]) -> set[frozenset[str]]:
    """Return the groups of names that lead to one another, found the slow way."""
    closed = set(edges)
    for middle, source, target in itertools.product(string.ascii_lowercase[:7], repeat=3):
        if (source, middle) in closed and (middle, target) in closed:
            closed.add((source, target))
    return {
        frozenset(
            other for other, _ in closed if (other, name) in closed and (name, other) in closed
        )
        for name, same in closed
        if name == same
    }


@given(edge_sets)
def test_every_group_in_a_circle_is_reported_exactly_once(edges: set[tuple[str, str]]) -> None:
    """For any graph: one cycle for each strongly connected group, made of edges of the graph."""
    after: dict[str, list[str]] = {name: [] for edge in edges for name in edge}
    for source, target in edges:
        after[target].append(source)
    graph = graphs.build_graph(
        "f", [StepInfo(name, "f", tuple(sources)) for name, sources in after.items()]
    )
    reported = [
        problem.message.rpartition(": ")[2].split(" -> ")
        for problem in graph.validate()
        if problem.kind == "cycle"
    ]
    for cycle in reported:
        assert cycle[0] == cycle[-1]
        assert set(itertools.pairwise(cycle)) <= edges
    groups = cyclic_groups(edges)
    assert len(reported) == len(groups)
    assert all(any(set(cycle) <= group for group in groups) for cycle in reported)
