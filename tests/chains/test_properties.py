"""For any chain, any pattern of failures, and any deadline."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import headrace
from headrace import AsyncChain, Chain, ChainError, DeadlineExceededError
from headrace._process.testing import FakeClock, fake_clock, fake_random


@dataclass
class Plan:
    """A step: how its attempts end, and what it was told."""

    failures: int
    retries: int
    seconds: float
    has_undo: bool
    undo_fails: bool
    is_wanted: bool
    has_hooks: bool  # of its own: takes it off the quick way
    calls: list[float] = field(default_factory=list)
    undone: list[Any] = field(default_factory=list)


plans = st.lists(
    st.builds(
        Plan,
        failures=st.integers(0, 4),
        retries=st.integers(0, 4),
        seconds=st.sampled_from([0.0, 0.5, 3.0]),
        has_undo=st.booleans(),
        undo_fails=st.booleans(),
        is_wanted=st.booleans() | st.just(True),
        has_hooks=st.booleans(),
        calls=st.builds(list),
        undone=st.builds(list),
    ),
    max_size=6,
)
deadlines = st.none() | st.sampled_from([0.0, 0.3, 1.0, 5.0, 30.0])


def build(chain: Any, steps: list[Plan], clock: FakeClock, order: list[int], is_async: bool) -> Any:
    """Add the steps to the chain."""
    for number, plan in enumerate(steps):

        def work(plan: Plan = plan, number: int = number) -> int:
            plan.calls.append(clock.now)
            clock.advance(plan.seconds)
            if len(plan.calls) <= plan.failures:
                raise ValueError(f"failure {len(plan.calls)} of {number}")
            return number

        def undo(result: int, plan: Plan = plan) -> None:
            plan.undone.append(result)
            order.append(result)
            if plan.undo_fails:
                raise OSError("stuck")

        async def work_async(work: Any = work) -> int:
            await asyncio.sleep(0)
            return work()  # type: ignore[no-any-return]

        options: dict[str, Any] = {}
        if plan.has_undo:
            options["undo"] = undo
        if not plan.is_wanted:
            options["when"] = "nothing"
        if plan.has_hooks:
            options["validate"] = lambda result: None
        function = work_async if is_async else work
        chain.next(function, out=f"step{number}", retries=plan.retries, backoff=1.0, **options)
    return chain


def outcome_of(steps: list[Plan], deadline: float | None, is_async: bool, jitter: float) -> Any:
    """Run the chain; return its error or None, its result, the order of the undos, the clock."""
    order: list[int] = []
    kind = AsyncChain if is_async else Chain
    with fake_clock() as clock, fake_random(jitter):
        chain = build(kind(deadline=deadline, safety_margin=0), steps, clock, order, is_async)
        try:
            result = asyncio.run(chain.run()) if is_async else chain.run()
        except ChainError as error:
            return error, error.result, order, clock
        return None, result, order, clock


@settings(max_examples=150, deadline=None)
@given(steps=plans, deadline=deadlines, is_async=st.booleans(), jitter=st.sampled_from([0.0, 0.99]))
def test_what_holds_for_every_run(
    steps: list[Plan], deadline: float | None, is_async: bool, jitter: float
) -> None:
    """Attempts are bounded, nothing begins late, undos run once in reverse, the report is true."""
    error, result, order, clock = outcome_of(steps, deadline, is_async, jitter)
    limit = None if deadline is None else 1000.0 + deadline

    for plan in steps:
        assert len(plan.calls) <= plan.retries + 1
        assert limit is None or all(called < limit for called in plan.calls)
        assert plan.is_wanted or not plan.calls

    if limit is not None and clock.now >= limit:
        overshot = clock.now - limit
        assert overshot <= max((plan.seconds for plan in steps), default=0.0)

    reports = result.steps
    finished = [
        number
        for number, (plan, report) in enumerate(zip(steps, reports, strict=False))
        if report.outcome == "ok"
    ]
    undoable = [number for number in finished if steps[number].has_undo]
    if error is None:
        assert len(reports) == len(steps)
        assert {report.outcome for report in reports} <= {"ok", "skipped"}
        assert order == []
    else:
        assert order == undoable[::-1]
        assert reports[-1].outcome == "error"
        assert reports[-1].name == error.step
        assert reports[-1].reason == error.reason
        failed = [number for number in undoable if steps[number].undo_fails]
        assert len(error.undo_errors) == len(failed)
        assert isinstance(error, DeadlineExceededError) or reports[-1].attempts > 0

    for number, (plan, report) in enumerate(zip(steps, reports, strict=False)):
        assert report.name == f"step{number}"
        assert report.attempts == len(plan.calls)
        assert (report.outcome == "skipped") == (not plan.is_wanted)
        assert (f"step{number}" in result) == (report.outcome == "ok")
        if error is not None and number in undoable:
            said = "undo failed: OSError: stuck" if plan.undo_fails else "undone"
            assert report.reason == said
        elif report.outcome == "ok":
            assert report.reason is None
    for plan in steps[len(reports) :]:
        assert plan.calls == plan.undone == []


@settings(max_examples=60, deadline=None)
@given(steps=plans, deadline=deadlines)
def test_both_kinds_of_chain_do_the_same(steps: list[Plan], deadline: float | None) -> None:
    """One definition, two runners: the same report, the same values, the same error."""

    def seen(is_async: bool) -> Any:
        for plan in steps:
            plan.calls.clear()
            plan.undone.clear()
        error, result, order, clock = outcome_of(steps, deadline, is_async, 0.5)
        return str(error), type(error), dict(result), result.steps, order, clock.now, clock.slept

    assert seen(True) == seen(False)


trees = st.recursive(
    st.integers(0, 9),
    lambda inner: st.lists(st.lists(inner, min_size=1, max_size=3), min_size=1, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None)
@given(tree=st.lists(trees, min_size=1, max_size=3), is_async=st.booleans(), fails=st.booleans())
def test_branches_of_any_shape(tree: list[Any], is_async: bool, fails: bool) -> None:
    """Every step runs once, all outputs merge, and a failure behind them undoes every one."""
    kind = AsyncChain if is_async else Chain
    undone: list[int] = []
    count = 0

    def build(chain: Any, items: list[Any]) -> Any:
        nonlocal count
        for item in items:
            if isinstance(item, int):
                chain.next(int, args=[count], out=f"out{count}", undo=undone.append)
                count += 1
            else:
                chain.parallel(*[build(kind(), branch) for branch in item])
        return chain

    chain = build(kind(), tree)
    expected = {f"out{number}": number for number in range(count)}
    if fails:
        chain.next(int, args=[headrace.literal("x")], name="bad")
    try:
        result = asyncio.run(chain.run()) if is_async else chain.run()
    except ChainError as error:
        assert fails
        assert sorted(undone) == list(range(count))
        result = error.result
    else:
        assert not fails
        assert undone == []
    assert result == expected
    assert len(result.steps) == count + fails
    assert len(chain.graph().nodes) == count + fails


@pytest.mark.guarantee(36)
@settings(max_examples=60, deadline=None)
@given(
    broken=st.sets(st.sampled_from(["before_step", "after_step", "on_retry", "log"])),
    failures=st.integers(0, 3),
    retries=st.integers(0, 3),
    is_async=st.booleans(),
)
def test_whatever_is_called_around_a_step_changes_nothing(
    broken: set[str], failures: int, retries: int, is_async: bool
) -> None:
    """Any set of broken hooks: the step is called as often as without them."""
    calls: list[int] = []

    def pay() -> str:
        calls.append(1)
        if len(calls) <= failures:
            raise ValueError
        return "paid"

    def hook(*_: Any, **__: Any) -> None:
        raise RuntimeError

    hooks = {name: hook for name in broken if name != "log"}
    chain = (AsyncChain if is_async else Chain)(**hooks)  # type: ignore[arg-type]
    chain.next(pay, out="receipt", retries=retries, log=hook if "log" in broken else None)
    with fake_clock():
        run = (lambda: asyncio.run(chain.run())) if is_async else chain.run
        if failures > retries:
            with pytest.raises(ChainError) as caught:
                run()
            assert caught.value.attempts == retries + 1
        else:
            assert run()["receipt"] == "paid"
    assert len(calls) == min(failures, retries) + 1
