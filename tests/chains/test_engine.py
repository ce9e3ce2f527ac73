"""Engines: drivers of other packages, which use only the public names."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

import headrace
import headrace.testing
from headrace import Chain, StepFailedError
from headrace.integration.chains import (
    AsyncDriver,
    Parallel,
    Run,
    Step,
    SyncDriver,
    definition_of,
    drive,
    fields_of,
    join_branch,
    leave_branch,
    new_run,
    plan_of,
    result_of,
    run_async_with,
    run_with,
    seconds_left,
    step_key,
    walk,
)
from headrace.testing import fake_clock

if TYPE_CHECKING:
    from tests.chains.runners import Runner


class Listing(SyncDriver):
    """Lists the attempts of a run and its branches."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []

    async def call_plain(self, rows: Any, context: Any) -> None:
        """Leave each step to `call`."""

    async def call(self, run: Run, step: Step) -> tuple[Any, BaseException | None]:
        self.calls.append((step.name, run.attempts))
        with step_key(f"r1:{step.name}"):
            return await super().call(run, step)


def test_a_driver_sees_each_attempt_of_a_run_and_of_its_branches() -> None:
    """`run_with` runs every step through the driver, in the branches of `parallel` too."""
    fails = [ConnectionError("once")]

    def charge(order: int) -> int:
        if fails:
            raise fails.pop()
        return order

    chain = Chain().next(charge, args=["order"], retries=1, backoff=0)
    chain.parallel(Chain().next(lambda: "l", out="left"), Chain().next(lambda: "r", out="right"))
    driver = Listing()
    with headrace.open_context("order-7"):
        result = run_with(driver, chain, {"order": 7})
    assert sorted(driver.calls) == [("charge", 1), ("charge", 2), ("left", 1), ("right", 1)]
    assert result == {"order": 7, "left": "l", "right": "r"}
    assert result.correlation_id == "order-7"


def test_run_with_needs_a_unit_of_work() -> None:
    """Without a unit it says so instead of running without an ID."""
    with pytest.raises(RuntimeError, match="no unit of work"):
        run_with(SyncDriver(), Chain().next(print), {})


def test_a_run_with_a_driver_raises_the_error_of_the_chain() -> None:
    """The error is that of `Chain.run`, and the step that was current before is current again."""

    def fail() -> None:
        raise ValueError("no")

    with headrace.open_context() as unit, pytest.raises(StepFailedError, match="'fail' failed"):
        run_with(SyncDriver(), Chain().next(fail), {})
    assert unit.step is None


def test_the_key_of_a_step_is_current_inside_it_only() -> None:
    """A step reads the key that the engine set; outside an engine there is none."""
    assert headrace.current_step_key() is None
    chain = Chain().next(headrace.current_step_key, out="key")
    with headrace.open_context():
        assert run_with(Listing(), chain, {})["key"] == "r1:key"
    assert chain.run()["key"] is None


# --- drivers that take each step ------------------------------------------------------------------


class StopError(Exception):
    """What a driver raises between two steps."""


def stepwise(runner: Runner, notes: list[str], stop_at: str = "") -> Any:
    """Return a driver that notes each step, and ends the run before the step `stop_at`."""
    base: Any = AsyncDriver if runner.is_async else SyncDriver

    class Noting(base):  # type: ignore[misc]
        stepwise = True

        async def before_step(self, run: Run, step: Step | Parallel) -> None:
            notes.append(step.name)
            if step.name == stop_at:
                raise StopError(step.name)

    return Noting()


def run(runner: Runner, driver: Any, chain: Any, **inputs: Any) -> headrace.ChainResult:
    """Run `chain` with `driver` in a unit of work."""
    with headrace.open_context():
        if runner.is_async:
            return asyncio.run(run_async_with(driver, chain, inputs))
        return run_with(driver, chain, inputs)


def test_a_stepwise_driver_sees_each_step_before_it_begins(runner: Runner) -> None:
    """Plain steps, those of branches and of nested chains, and those that are then skipped."""
    notes: list[str] = []
    step = runner.fn(lambda: 1)
    inner = runner.chain().next(step, out="c")
    chain = (
        runner
        .chain("engine-steps")
        .next(step, out="a")
        .parallel(runner.chain().next(step, out="b"))
        .next(inner, name="inner")
        .next(step, out="d", when="no")
    )
    result = run(runner, stepwise(runner, notes), chain, no=False)
    assert notes == ["a", "b", "b", "inner", "c", "d"]
    assert [report.outcome for report in result.steps] == ["ok", "ok", "ok", "skipped"]


@pytest.mark.parametrize("place", ["plain", "nested", "branch"])
def test_an_error_between_steps_ends_the_run_before_the_step(runner: Runner, place: str) -> None:
    """The step neither runs nor is reported to backends; the finished ones are undone."""
    calls: list[str] = []
    last = runner.chain().next(runner.fn(lambda: calls.append("b")), name="b")
    chain = runner.chain("engine-stops").next(
        runner.fn(lambda: 1), name="a", undo=runner.fn(lambda _: calls.append("undo a"))
    )
    if place == "plain":
        chain.next(runner.fn(lambda: calls.append("b")), name="b")
    else:
        chain = chain.next(last) if place == "nested" else chain.parallel(last)
    with headrace.testing.capture() as captured, pytest.raises((StopError, StepFailedError)):
        run(runner, stepwise(runner, [], "b"), chain)
    assert calls == ["undo a"]
    assert [step.name for step in captured.steps] == ["a"]


# --- branches that run elsewhere ------------------------------------------------------------------


def branches(fails: bool) -> Chain:
    """Return a chain with a branch that has everything a branch can have."""

    def last() -> str:
        if fails:
            raise ValueError("no")
        return "l"

    inner = Chain().next(lambda: 1, out="packed", undo=print).next(lambda: 2, name="inner two")
    deep = Chain().next(lambda: 3, out="deep", undo=print)
    branch = (
        Chain()
        .next(lambda order: order, out="paid", args=["order"], undo=print)
        .next(lambda: 0, name="never", when=lambda _: False)
        .next(inner, name="inner")
        .parallel(deep, Chain().next(lambda: 4, out="deeper"))
        .next(last, out="last")
    )
    return Chain().parallel(branch)


@pytest.mark.parametrize("fails", [False, True], ids=["good", "failing"])
def test_what_a_branch_leaves_brings_another_process_to_the_same_state(fails: bool) -> None:
    """Outputs, undos in their order, and reports are those of the branch that ran."""
    chain = branches(fails)
    (parallel,) = plan_of(chain).steps
    assert isinstance(parallel, Parallel)
    with headrace.open_context() as unit:

        def begin() -> Run:
            return new_run(plan_of(chain), unit, {"order": 7}).branch(parallel.branches[0])

        ran, joined = begin(), begin()
        failure = drive(walk(SyncDriver(), ran))
        error = join_branch(joined, leave_branch(ran, failure))
    assert (failure is None) is not fails
    assert repr(error) == repr(failure)
    if isinstance(error, StepFailedError):
        assert error.result is joined.context
    assert joined.context == ran.context
    assert [step.name for step, _ in joined.undos.waiting] == ["paid", "packed", "deep"]
    reports = [fields_of(each) for each in ran.context.steps]
    assert [fields_of(each) for each in joined.context.steps] == reports
    assert [name for name, *_ in reports][-1] == "last"


def test_a_result_can_be_made_from_its_parts() -> None:
    """It has the values, the `put` values included, the reports and the correlation ID."""
    chain = Chain(redact=["card"]).put("unit", "kg").next(lambda: 1, out="one")
    result = result_of(plan_of(chain), {"card": 4111, "one": 1}, [["one", "ok", 2, 0.5, None]], "c")
    assert result == {"unit": "kg", "card": 4111, "one": 1}
    assert [(each.name, each.attempts) for each in result.steps] == [("one", 2)]
    assert result.correlation_id == "c"
    assert "4111" not in repr(result)


def test_seconds_left_is_the_earliest_deadline() -> None:
    """Of the chain, of its function, and of the context."""
    with fake_clock(), headrace.open_context(), headrace.deadline(5):
        assert seconds_left(plan_of(Chain(deadline=7).next(print))) == 5
        assert seconds_left(plan_of(Chain(deadline=3).next(print))) == 3
        assert seconds_left(plan_of(Chain(deadline_fn=lambda: 2).next(print))) == 2
    assert seconds_left(plan_of(Chain().next(print))) is None


# --- definitions ----------------------------------------------------------------------------------


def test_a_definition_shows_structure_names_and_options_but_no_bodies() -> None:
    """Each difference shows in the line of its step, and two equal chains have equal lines."""

    def build(**options: Any) -> list[str]:
        chain = Chain(deadline=60).put("unit", "kg")
        chain.next(lambda: 1, out="paid", args=["order.id", 7], undo=lambda _: None, **options)
        chain.parallel(Chain().next(lambda: 2, name="left", when="paid"))
        return definition_of(plan_of(chain))

    assert build() == build()
    assert build() == [
        "chain deadline=60 put=unit",
        "step paid out=paid args=order.id,7 undo=True",
        "parallel",
        "  chain",
        "  step left when=paid",
    ]
    changed = build(retries=2, retry_on=(OSError,), backoff=1)
    assert set(changed) - set(build()) == {
        "step paid out=paid args=order.id,7 retries=2(OSError, 1..2 s) undo=True"
    }
