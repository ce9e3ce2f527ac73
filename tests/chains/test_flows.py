"""Chains within flows: named, declared, reported, drawn."""

from __future__ import annotations

import gc
import logging
import uuid
from typing import TYPE_CHECKING, Any

import pytest

import headrace
import headrace.testing
from headrace import (
    AsyncChain,
    Chain,
    DuplicateStepError,
    StepFailedError,
    UnknownFlowError,
    generate_dag,
    get_flow,
)
from headrace._process.testing import no_waiting

if TYPE_CHECKING:
    from headrace import StepInfo
    from tests.chains.runners import Runner


def extract() -> list[int]:
    """Extract the rows.

    From the source.
    """
    return [1, 2]


def transform(raw: list[int]) -> list[int]:
    return [2 * row for row in raw]


def load(rows: list[int]) -> int:
    """Load them."""
    return len(rows)


@pytest.fixture
def name() -> str:
    """A flow's name that no other test uses."""
    return f"flow_{uuid.uuid4().hex}"


def etl(runner: Runner, *args: Any, **kwargs: Any) -> Any:
    """Return a chain of three steps."""
    chain = runner.chain(*args, **kwargs).next(extract, out="raw")
    return chain.next(transform, out="clean", args=["raw"]).next(load, args=["clean"])


def test_a_named_chain_is_the_flow_of_that_name(runner: Runner, name: str) -> None:
    """Each step follows the one before, the first is the entrypoint; the kind is `chain`."""
    chain = etl(runner, name)
    graph = get_flow(name).graph()
    assert graph == chain.graph()
    assert graph.edges == (("raw", "clean"), ("clean", "load"))
    assert graph.entrypoints == ("raw",)
    steps: list[StepInfo] = [graph.steps[node] for node in graph.nodes]
    assert [(s.kind, s.flow, s.description) for s in steps] == [
        ("chain", name, "Extract the rows."),
        ("chain", name, ""),
        ("chain", name, "Load them."),
    ]
    assert steps[0].file == __file__
    assert steps[0].line == extract.__code__.co_firstlineno
    assert generate_dag(name) == "graph TD\n    raw --> clean\n    clean --> load"


def test_a_chain_may_be_a_part_of_another_flow(runner: Runner, name: str) -> None:
    """`flow=` names it, or is the `Flow`; decorated steps stand beside those of the chain."""
    flow = headrace.flow(name)

    @flow.step(after="clean")
    def check() -> None: ...

    etl(runner, "etl", flow=flow)
    assert set(flow.graph().edges) == {("raw", "clean"), ("clean", "load"), ("clean", "check")}
    with pytest.raises(UnknownFlowError):
        get_flow(f"etl_{name}")


def test_an_unnamed_chain_declares_nothing(runner: Runner) -> None:
    """It can be drawn all the same."""
    before = headrace.all_flows()
    chain = etl(runner)
    assert headrace.all_flows() == before
    assert chain.graph().name == "chain"
    assert chain.graph().render() == "graph TD\n    raw --> clean\n    clean --> load"


def test_a_chain_that_is_built_again_replaces_its_steps(runner: Runner, name: str) -> None:
    """The same functions under the same names: a module that is reloaded, a factory."""
    chains = [etl(runner, name) for _ in range(3)]
    assert len(get_flow(name).graph().nodes) == 3
    assert len(chains) == 3


def test_two_chains_with_one_step_name_are_a_conflict(runner: Runner, name: str) -> None:
    """Two different functions, both chains alive: the error names both places."""
    first = etl(runner, name)
    with pytest.raises(DuplicateStepError) as caught:
        runner.chain(name).next(load, out="raw")
    assert f"flow {name!r} has two steps named 'raw'" in str(caught.value)
    assert f"extract at {__file__}" in str(caught.value)
    assert first is not None


def test_a_chain_can_be_built_on_after_a_conflict(runner: Runner, name: str) -> None:
    """The refused step has left nothing behind."""
    first = runner.chain(name).next(extract, out="raw")
    second = runner.chain(flow=name)
    with pytest.raises(DuplicateStepError):
        second.next(load, out="raw")
    second.next(extract, out="raw").next(load, out="loaded", args=["raw"])
    assert second.graph().nodes == ("raw", "loaded")
    assert first is not None


def test_a_chain_that_is_gone_leaves_its_flow_to_the_next(runner: Runner, name: str) -> None:
    """As in tests and notebooks: what was built before is forgotten with its chain."""
    chain = etl(runner, name)
    del chain
    assert len(get_flow(name).graph().nodes) == 3
    again = runner.chain(name).next(load, out="raw").next(load, out="more")
    assert get_flow(name).graph().nodes == ("raw", "more")
    assert again is not None


def test_a_chain_that_only_a_traceback_keeps_is_gone(runner: Runner, name: str) -> None:
    """A cycle that waits for the garbage collector is no conflict."""
    gc.disable()
    try:
        chain = etl(runner, name)
        chain.cycle = chain
        del chain
        again = runner.chain(name).next(load, out="raw")
    finally:
        gc.enable()
    assert get_flow(name).graph().nodes == ("raw",)
    assert again is not None


def test_a_conflict_with_a_decorated_step_is_one(runner: Runner, name: str) -> None:
    """Either way round."""
    flow = headrace.flow(name)
    flow.step(name="raw")(load)
    with pytest.raises(DuplicateStepError):
        etl(runner, name)
    chain = runner.chain(name).next(extract, out="other")
    with pytest.raises(DuplicateStepError):
        flow.step(name="other")(transform)
    assert chain is not None


# --- units and steps ------------------------------------------------------------------------------


def test_a_run_outside_opens_a_unit_of_its_own(runner: Runner, name: str) -> None:
    """Of the kind `flow`, named for the flow; each step is emitted under its ID."""
    chain = etl(runner, name)
    with headrace.testing.capture() as captured:
        result = runner.run(chain)
    (unit,) = captured.units
    assert (unit.kind, unit.name, unit.outcome) == ("flow", name, "ok")
    assert unit.correlation_id == result.correlation_id
    assert [(s.flow, s.name, s.parent, s.outcome) for s in captured.steps] == [
        (name, "raw", None, "ok"),
        (name, "clean", None, "ok"),
        (name, "load", None, "ok"),
    ]
    assert {s.correlation_id for s in captured.steps} == {result.correlation_id}


def test_a_run_inside_joins(runner: Runner, name: str) -> None:
    """Same ID, no other unit, and afterwards everything is as before."""
    chain = etl(runner, name)
    with headrace.testing.capture() as captured, headrace.flow("around").open("the-op") as context:
        assert runner.run(chain).correlation_id == "the-op"
        assert (context.flow, context.step) == ("around", None)
    assert [unit.correlation_id for unit in captured.units] == ["the-op"]
    assert len(captured.steps) == 3


def test_the_unit_is_the_same_whoever_watches(runner: Runner, name: str) -> None:
    """Runner, name and a fresh ID, with and without a backend, with and without a deadline."""
    chain = runner.chain(name).next(runner.fn(headrace.get_flow_context), out="unit")
    for backend in ("none", "logging"):
        headrace.configure(backend=backend)
        first, second = runner.run(chain)["unit"], runner.run(chain)["unit"]
        assert (first.kind, first.name, first.causation_id) == ("flow", name, None)
        assert first.correlation_id != second.correlation_id
        with headrace.deadline(60):
            assert runner.run(chain)["unit"].deadline is not None
    unnamed = runner.chain().next(runner.fn(headrace.get_flow_context), out="unit")
    assert runner.run(unnamed)["unit"].name is None


def test_a_failed_run_marks_its_error(runner: Runner) -> None:
    """So that the line of whoever logs the error carries the ID, though the unit has ended."""
    from headrace._context.marks import marked_id

    def fail() -> None:
        raise ValueError

    for backend in ("none", "logging"):
        headrace.configure(backend=backend)
        with pytest.raises(StepFailedError) as caught:
            runner.run(runner.chain().next(runner.fn(fail)))
        assert caught.value.result is not None
        assert marked_id(caught.value) == caught.value.result.correlation_id


def test_a_step_is_emitted_once_whatever_its_retries(runner: Runner, name: str) -> None:
    """With the outcome that it ends with, and the error as it was raised."""
    left = [ValueError("one"), ValueError("two")]

    def flaky() -> None:
        if left:
            raise left.pop(0)

    def fail() -> None:
        raise KeyError("last")

    chain = runner.chain(name).next(runner.fn(flaky), name="a", retries=2)
    chain.next(runner.fn(fail), name="b", retries=1)
    with headrace.testing.capture() as captured, no_waiting(), pytest.raises(StepFailedError):
        runner.run(chain)
    assert [(s.name, s.outcome) for s in captured.steps] == [("a", "ok"), ("b", "error")]
    assert isinstance(captured.steps[1].error, KeyError)


def test_a_decorated_step_within_a_chain_is_emitted_within_its_step(
    runner: Runner, name: str
) -> None:
    """A chain may call what is a step of another flow."""

    @headrace.step(f"other_{name}")
    def inner() -> None: ...

    with headrace.testing.capture() as captured:
        runner.run(runner.chain(name).next(inner, name="outer"))
    assert [(s.name, s.parent) for s in captured.steps] == [
        ("outer", None),
        ("inner", f"{name}.outer"),
    ]


def test_a_chain_within_a_step_of_a_chain(runner: Runner, name: str) -> None:
    """The inner run joins; its steps are within the outer one's."""
    inner = runner.chain(f"inner_{name}").next(runner.fn(extract), out="raw")
    outer = runner.chain(name).next(inner.run, out="result")
    with headrace.testing.capture() as captured:
        result = runner.run(outer)
    assert result["result"] == {"raw": [1, 2]}
    assert result["result"].correlation_id == result.correlation_id
    assert [(s.name, s.parent) for s in captured.steps] == [
        ("result", None),
        ("raw", f"{name}.result"),
    ]


def test_a_generator_step_is_emitted_for_as_long_as_it_is_iterated_over(
    runner: Runner, name: str
) -> None:
    """Once, by itself: its body runs in later steps."""

    def rows() -> Any:
        yield 1
        yield 2

    chain = (
        runner.chain(name).next(rows, out="rows").next(runner.fn(list), out="all", args=["rows"])
    )
    with headrace.testing.capture() as captured:
        assert runner.run(chain)["all"] == [1, 2]
    assert sorted((s.name, s.outcome) for s in captured.steps) == [("all", "ok"), ("rows", "ok")]


def test_the_logging_backend_logs_the_steps_of_a_chain(
    runner: Runner, name: str, caplog: Any
) -> None:
    """As it logs decorated steps: with flow, step, ID, and the function's own file and line."""
    headrace.configure(backend="logging")
    caplog.set_level(logging.INFO, "headrace")
    result = runner.run(etl(runner, name))
    records = [r for r in caplog.records if vars(r).get("event") == "step.end"]
    assert [(r.flow, r.step, r.outcome) for r in records] == [
        (name, "raw", "ok"),
        (name, "clean", "ok"),
        (name, "load", "ok"),
    ]
    assert {r.correlation_id for r in records} == {result.correlation_id}
    assert records[0].pathname == __file__
    assert records[0].lineno == extract.__code__.co_firstlineno


def test_a_backend_that_is_not_enabled_is_not_told(runner: Runner) -> None:
    """The run then goes the quick way."""

    class Off:
        def enabled(self) -> bool:
            return False

        def span(self, step: Any, context: Any) -> Any:
            raise AssertionError

    headrace.configure(backend=Off())
    assert runner.run(etl(runner))["clean"] == [2, 4]


def test_chains_are_declared_at_import(name: str) -> None:
    """A flow of a module-level chain is known before anything has run."""
    chains = [Chain(name).next(extract, out="raw"), AsyncChain(f"{name}_a").next(extract)]
    assert {name, f"{name}_a"} <= {flow.name for flow in headrace.all_flows()}
    assert len(chains) == 2


def test_branches_are_declared_in_the_flow_of_the_chain(runner: Runner, name: str) -> None:
    """Under the names that they have there."""
    branch = runner.chain().next(load, out="left", args=["raw"])
    chain = runner.chain(name).next(extract, out="raw")
    chain.parallel(branch, runner.chain().next(load, out="right", args=["raw"]))
    assert set(get_flow(name).graph().edges) == {("raw", "left"), ("raw", "right")}
    assert get_flow(name).graph() == chain.graph()
