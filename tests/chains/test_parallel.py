"""Branches that run at once."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import headrace
import headrace.testing
from headrace import (
    AsyncChain,
    Chain,
    ChainError,
    DeadlineExceededError,
    StepFailedError,
    ValidationFailedError,
)
from headrace._chains.sync_driver import _Branches
from headrace._process.testing import fake_clock, no_waiting
from tests import virtual_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chains.runners import Runner


class Meeting:
    """Two steps that can only end when both have begun."""

    def __init__(self, is_async: bool) -> None:
        self._threads = threading.Barrier(2, timeout=60)
        self._arrived = 0
        self._both = asyncio.Event()
        self._is_async = is_async

    def step(self, result: str) -> Callable[[], Any]:
        async def meet_async() -> str:
            self._arrived += 1
            if self._arrived == 2:
                self._both.set()
            await self._both.wait()
            return result

        def meet() -> str:
            self._threads.wait()
            return result

        return meet_async if self._is_async else meet


def value(result: Any) -> Callable[..., Any]:
    """Return a function that returns `result`."""
    return lambda *args: result


def failing(error: BaseException, *, after: threading.Event | None = None) -> Callable[[], Any]:
    """Return a sync function that raises `error` once `after` is set."""

    def fail() -> None:
        assert after is None or after.wait(60)
        raise error

    return fail


def test_branches_run_at_once_and_their_outputs_merge(runner: Runner) -> None:
    """Each reads the context; what follows sees the outputs of all."""
    meeting = Meeting(runner.awaits)
    chain = runner.chain().put("base", 1).next(runner.fn(value(2)), out="raw")
    chain.parallel(
        runner.chain().put("own", 5).next(meeting.step("L"), out="left"),
        runner
        .chain()
        .next(meeting.step("R"), out="right")
        .next(
            runner.fn(lambda *seen: seen), out="seen", args=["base", "raw", "own", "given", "right"]
        ),
    )
    chain.next(runner.fn(lambda *seen: seen), out="all", args=["left", "right", "own"])
    result = runner.run(chain, given=3)
    assert result["seen"] == (1, 2, None, 3, "R")
    assert result["all"] == ("L", "R", None)
    assert "own" not in result
    assert [step.name for step in result.steps] == ["raw", "left", "right", "seen", "all"]


@pytest.mark.parametrize("empty", [[], [1]])
def test_a_branch_may_be_a_chain_of_its_own(runner: Runner, empty: list[int]) -> None:
    """A chain that serves as a branch can still be run alone; it can no longer change."""
    branch = runner.chain().next(runner.fn(len), out="n", args=["rows"])
    chain = runner.chain().parallel(branch)
    assert runner.run(chain, rows=empty)["n"] == len(empty)
    assert runner.run(branch, rows=empty)["n"] == len(empty)
    with pytest.raises(ChainError, match="is already a branch or a step"):
        branch.next(print)


def test_branches_have_branches(runner: Runner) -> None:
    """To any depth."""
    inner = runner.chain().next(runner.fn(value(1)), out="b1")
    other = runner.chain().next(runner.fn(value(2)), out="b2")
    left = runner.chain().parallel(inner, other)
    left.next(runner.fn(lambda a, b: a + b), out="b", args=["b1", "b2"])
    chain = runner.chain().parallel(left, runner.chain().next(runner.fn(value(4)), out="c"))
    chain.next(runner.fn(lambda a, b: a + b), out="d", args=["b", "c"])
    result = runner.run(chain)
    assert result == {"b1": 1, "b2": 2, "b": 3, "c": 4, "d": 7}
    assert [step.name for step in result.steps] == ["b1", "b2", "b", "c", "d"]


def test_every_branch_is_in_the_same_unit(runner: Runner) -> None:
    """The correlation ID and the metadata are everywhere, what a branch writes included."""

    def look(number: int) -> Any:
        headrace.set_flow_context_value(f"from_{number}", number)
        context = headrace.get_flow_context()
        assert context is not None
        return context.correlation_id, context.step, headrace.get_flow_context_value("set_before")

    chain = runner.chain().parallel(
        *(runner.chain().next(runner.fn(look), out=f"b{n}", args=[n]) for n in range(4))
    )
    with headrace.open_context("the-op") as context:
        context.set_value("set_before", "x")
        result = runner.run(chain)
        assert context.step is None
        assert {f"from_{n}": n for n in range(4)}.items() <= context.metadata.items()
    assert result == {f"b{n}": ("the-op", f"b{n}", "x") for n in range(4)}


def test_a_failure_undoes_what_the_branches_have_done(runner: Runner) -> None:
    """All branches and what came before, the last first; the error is the failed step's."""
    undone: list[str] = []
    done = threading.Event()
    chain = runner.chain().next(runner.fn(value("before")), undo=runner.fn(undone.append))
    left = runner.chain(after_step=lambda **_: done.set())
    chain.parallel(
        left.next(runner.fn(value("left")), out="left", undo=runner.fn(undone.append)),
        runner.chain().next(failing(ValueError("boom"), after=done), name="right"),
    )
    with pytest.raises(StepFailedError) as caught:
        runner.run(chain)
    assert undone == ["left", "before"]
    error = caught.value
    assert str(error) == "step 'right' failed: ValueError: boom"
    assert isinstance(error.__cause__, ValueError)
    assert error.result is not None
    assert error.result["left"] == "left"
    assert [(s.name, s.outcome, s.reason) for s in error.result.steps] == [
        (error.result.steps[0].name, "ok", "undone"),
        ("left", "ok", "undone"),
        ("right", "error", "ValueError: boom"),
    ]


def test_a_chain_waits_for_the_other_branches() -> None:
    """A running thread cannot be interrupted: it ends, and is then undone."""
    undone: list[str] = []

    def slow() -> str:
        time.sleep(0.1)
        return "slow"

    chain = Chain().parallel(
        Chain().next(failing(ValueError("boom")), name="quick"),
        Chain().next(slow, undo=undone.append),
    )
    with pytest.raises(StepFailedError, match="step 'quick' failed"):
        chain.run()
    assert undone == ["slow"]


def test_an_async_chain_cancels_the_other_branches(lines: Any) -> None:
    """What they have done is undone, and the error names them."""
    undone: list[str] = []

    async def fail() -> None:
        await asyncio.sleep(0.01)
        raise ValueError("boom")

    async def undo(result: str) -> None:
        await asyncio.sleep(0)
        undone.append(result)

    chain = AsyncChain().parallel(
        AsyncChain().next(value("done"), undo=undo).next(asyncio.sleep, args=[60], name="long"),
        AsyncChain().next(fail, name="quick"),
    )
    with pytest.raises(StepFailedError) as caught:
        virtual_time.run(chain.run())
    assert undone == ["done"]
    assert str(caught.value) == ("step 'quick' failed: ValueError: boom; step 'long' was cancelled")
    assert caught.value.others == []
    outcomes = [s.outcome for s in caught.value.result.steps]  # type: ignore[union-attr]
    assert outcomes == ["ok", "cancelled", "error"]
    assert lines() == [("INFO", "step '<lambda>' undone"), ("ERROR", str(caught.value))]


def test_the_error_names_all_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is the error; the others are in its message and in `others`."""
    one_ended = threading.Event()
    run = _Branches.run

    def run_and_signal(self: _Branches, branch: Any) -> None:
        run(self, branch)
        one_ended.set()

    monkeypatch.setattr(_Branches, "run", run_and_signal)
    first, second = ValueError("one"), OSError("two")
    chain = Chain().parallel(
        Chain().next(failing(second, after=one_ended), name="b"),
        Chain().next(failing(first), name="a"),
    )
    with pytest.raises(StepFailedError) as caught:
        chain.run()
    assert str(caught.value) == ("step 'a' failed: ValueError: one; step 'b' failed: OSError: two")
    assert caught.value.__cause__ is first
    (other,) = caught.value.others
    assert isinstance(other, StepFailedError)
    assert other.__cause__ is second


def test_async_branches_that_fail_in_the_same_moment_are_all_named() -> None:
    """Even where none of them could be cancelled any more."""

    async def fail(error: Exception) -> None:
        raise error

    chain = AsyncChain().parallel(
        AsyncChain().next(fail, args=[ValueError("one")], name="a"),
        AsyncChain().next(fail, args=[OSError("two")], name="b"),
    )
    with pytest.raises(StepFailedError) as caught:
        asyncio.run(chain.run())
    assert {"step 'a' failed: ValueError: one", "step 'b' failed: OSError: two"} == set(
        str(caught.value).split("; ")
    )
    assert len(caught.value.others) == 1


def test_other_kinds_of_failure_keep_their_type(runner: Runner) -> None:
    """A rejected result in a branch is a `ValidationFailedError`."""
    chain = runner.chain().parallel(
        runner.chain().next(runner.fn(value(1)), name="a", validate=lambda result: False),
        runner.chain().next(runner.fn(value(2)), name="b"),
    )
    with pytest.raises(ValidationFailedError, match="step 'a': the result was rejected"):
        runner.run(chain)


class Interrupted(BaseException):
    """Neither an error nor a cancellation."""


def test_an_interrupt_in_a_branch_comes_before_its_errors(runner: Runner, lines: Any) -> None:
    """It passes through; the other failures are logged."""
    meeting = threading.Barrier(2, timeout=60)

    def fail() -> None:
        meeting.wait()
        raise ValueError("boom")

    def interrupt() -> None:
        meeting.wait()
        time.sleep(0.05)
        raise Interrupted

    if runner.is_async:
        pytest.skip("in an AsyncChain the first failure cancels the rest")
    chain = runner.chain().parallel(
        runner.chain().next(fail, name="a"), runner.chain().next(interrupt, name="b")
    )
    with pytest.raises(Interrupted):
        runner.run(chain)
    assert ("ERROR", "in another branch: step 'a' failed: ValueError: boom") in lines()


def test_a_cancellation_reaches_all_branches_and_passes_through() -> None:
    """All tasks have ended, and all is undone, when it comes out; a second one changes nothing."""
    begun, ending = asyncio.Semaphore(0), asyncio.Semaphore(0)
    ended: list[str] = []
    undone: list[str] = []

    async def long() -> None:
        begun.release()
        try:
            await asyncio.sleep(60)
        finally:
            ending.release()
            await asyncio.sleep(0.03)
            ended.append("long")

    async def main() -> tuple[bool, int]:
        branches = [
            AsyncChain().next(value(n), undo=undone.append).next(long, name=f"long{n}")
            for n in range(3)
        ]
        task = asyncio.create_task(AsyncChain().parallel(*branches).run())
        for reached in (begun, ending):
            for _ in range(3):
                await reached.acquire()
            task.cancel()
        await asyncio.wait([task])
        return task.cancelled(), len(asyncio.all_tasks())

    assert asyncio.run(main()) == (True, 1)
    assert ended == ["long"] * 3
    assert sorted(undone) == [0, 1, 2]


def test_a_cancellation_that_comes_again_and_again_ends_too() -> None:
    """A cancel scope of anyio, as Starlette has it, cancels whatever is awaited inside of it."""
    undone: list[str] = []

    async def undo(result: str) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        undone.append(result)

    async def main() -> bool:
        branches = [
            AsyncChain().next(value(name), undo=undo).next(asyncio.sleep, args=[60])
            for name in "ab"
        ]
        chain = AsyncChain().next(value("first"), undo=undo).parallel(*branches)
        task = asyncio.create_task(chain.run())
        await asyncio.sleep(0.05)
        while not task.done():
            task.cancel()
            await asyncio.sleep(0)
        return task.cancelled()

    assert virtual_time.run(main())
    assert sorted(undone) == ["a", "b", "first"]


def test_a_run_that_is_closed_cancels_its_branches() -> None:
    """Nothing goes on for a run that nobody can finish any more."""
    cancelled: list[str] = []

    async def long() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append("long")
            raise

    async def main() -> None:
        run = AsyncChain().parallel(AsyncChain().next(long)).run()
        run.send(None)
        await asyncio.sleep(0.01)
        run.close()
        await asyncio.sleep(0.01)

    virtual_time.run(main())
    assert cancelled == ["long"]


def test_a_branch_that_is_cancelled_before_it_begins_does_nothing() -> None:
    """As at the end of a program, which cancels every task that there is."""
    done: list[int] = []
    undone: list[int] = []

    async def main() -> bool:
        chain = AsyncChain().next(asyncio.sleep, args=[0], undo=undone.append)
        chain.parallel(*(AsyncChain().next(done.append, args=[n]) for n in range(2)))
        task = asyncio.create_task(chain.run())
        while len(asyncio.all_tasks()) == 2:  # noqa: ASYNC110 - the moment they are made
            await asyncio.sleep(0)
        for each in asyncio.all_tasks() - {asyncio.current_task()}:
            each.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(main())
    assert (done, undone) == ([], [None])


def test_a_step_that_cancels_itself_passes_through() -> None:
    """A `CancelledError` that nobody asked for is one all the same."""

    async def cancelled() -> None:
        raise asyncio.CancelledError

    chain = AsyncChain().parallel(AsyncChain().next(cancelled), AsyncChain().next(value(1)))
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(chain.run())


# --- what a branch takes from the chain ----------------------------------------------------------


def test_a_branch_takes_the_hooks_that_it_has_not(runner: Runner) -> None:
    """Its own come first."""
    seen: list[tuple[str, str]] = []

    def noting(who: str) -> Any:
        return lambda step, **_: seen.append((who, str(step)))

    chain = runner.chain(before_step=noting("outer"), after_step=noting("outer"))
    chain.parallel(runner.chain(before_step=noting("inner")).next(runner.fn(value(1)), out="a"))
    runner.run(chain)
    assert seen == [("inner", "a"), ("outer", "a")]


def test_a_branch_is_as_strict_as_the_chain(runner: Runner) -> None:
    """A chain that is strict is so in its branches."""
    chain = runner.chain(strict=True)
    chain.parallel(runner.chain().next(runner.fn(print), args=["missing"]))
    with pytest.raises(headrace.UnresolvedReferenceError):
        runner.run(chain)


def test_a_branch_has_the_deadline_of_the_chain_or_its_own(runner: Runner) -> None:
    """Whichever is shorter; the chain goes on by its own."""
    chain = runner.chain(deadline=10, jitter=False).parallel(
        runner.chain(deadline=4).next(runner.fn(headrace.remaining), out="short"),
        runner.chain(deadline=400).next(runner.fn(headrace.remaining), out="long"),
    )
    with fake_clock():
        assert runner.run(chain.next(runner.fn(headrace.remaining), out="after")) == {
            "short": 4,
            "long": 10,
            "after": 10,
        }


def test_a_branch_may_run_out_of_time_alone(runner: Runner) -> None:
    """The deadline of a branch ends the run."""
    chain = runner.chain(jitter=False).parallel(
        runner.chain(deadline=1).next(failing(ValueError()), name="a", retries=9, backoff=3)
    )
    with fake_clock(), pytest.raises(DeadlineExceededError):
        runner.run(chain)


def test_retries_in_branches(runner: Runner) -> None:
    """A branch retries by itself, while the other goes on."""
    left = [ValueError(), ValueError()]

    def flaky() -> int:
        if left:
            raise left.pop()
        return 1

    chain = runner.chain().parallel(
        runner.chain().next(runner.fn(flaky), out="a", retries=2),
        runner.chain().next(runner.fn(value(2)), out="b"),
    )
    with no_waiting():
        result = runner.run(chain)
    assert [(s.name, s.attempts) for s in result.steps] == [("a", 3), ("b", 1)]


def test_steps_of_branches_are_reported_to_the_backends(runner: Runner) -> None:
    """Each in its own task or thread, under the same unit."""
    chain = runner.chain("forked").parallel(
        runner.chain().next(runner.fn(value(1)), out="a"),
        runner.chain().next(runner.fn(value(2)), out="b"),
    )
    with headrace.testing.capture() as captured:
        runner.run(chain)
    assert {(s.flow, s.name, s.outcome) for s in captured.steps} == {
        ("forked", "a", "ok"),
        ("forked", "b", "ok"),
    }
    assert len(captured.units) == 1


# --- building -------------------------------------------------------------------------------------


def test_the_graph_forks_and_joins(runner: Runner) -> None:
    """Branches begin behind what came before, and what follows comes behind all of them."""
    chain = (
        runner
        .chain()
        .next(print, out="raw")
        .parallel(
            runner.chain().next(print, out="a1").next(print, out="a2"),
            runner.chain().next(print, out="b"),
        )
    )
    graph = chain.next(print, out="end").graph()
    edges = {("raw", "a1"), ("a1", "a2"), ("raw", "b"), ("a2", "end"), ("b", "end")}
    assert set(graph.edges) == edges
    assert graph.entrypoints == ("raw",)


def test_a_chain_that_begins_with_branches_has_several_entrypoints(runner: Runner) -> None:
    """The first step of each."""
    left, right = runner.chain().next(print, out="a"), runner.chain().next(print, out="b")
    chain = runner.chain().parallel(left, right)
    assert chain.graph().entrypoints == ("a", "b")


def test_steps_of_one_name_in_branches_get_numbers(runner: Runner) -> None:
    """As anywhere in a chain."""
    step = runner.fn(value(1))
    chain = runner.chain().next(step, name="s")
    chain.parallel(runner.chain().next(step), runner.chain().next(step)).next(step)
    own = step.__name__
    assert [s.name for s in runner.run(chain).steps] == ["s", own, f"{own}_2", f"{own}_3"]


@pytest.mark.parametrize(
    ("build", "error", "reason"),
    [
        (lambda k, c: c.parallel(), ValueError, "takes chains to run concurrently"),
        (lambda k, c: c.parallel(print), TypeError, r"Chain\.parallel\(\) takes"),
        (lambda k, c: c.parallel(k.chain()), ValueError, "at least one step"),
        (lambda k, c: c.parallel(c), ValueError, "branch of itself"),
        (
            lambda k, c: c.parallel(k.chain().next(print, out="a"), k.chain().next(print, out="a")),
            ValueError,
            "steps 'a' and 'a' run concurrently and both write 'a'",
        ),
        (
            lambda k, c: c.parallel(
                k.chain().next(print, out="a"), k.chain().next(print, name="reader", args=["a.x"])
            ),
            ValueError,
            "step 'reader' refers to 'a', which step 'a' writes in a concurrent branch",
        ),
        (
            lambda k, c: c.next(print, name="early", args=["a"]).parallel(
                k.chain().next(print, out="a")
            ),
            ValueError,
            "step 'early' refers to 'a', which step 'a' writes later",
        ),
        (
            lambda k, c: c.parallel(k.chain().next(print, out="first")),
            ValueError,
            "steps 'first' and 'first' both write 'first'",
        ),
        (
            lambda k, c: c.parallel(k.chain().next(print, args=["late"], name="x")).next(
                print, out="late"
            ),
            ValueError,
            "step 'x' refers to 'late', which step 'late' writes later",
        ),
    ],
)
def test_bad_branches_are_refused_with_the_reason(
    runner: Runner, build: Any, error: type[Exception], reason: str
) -> None:
    """When the chain is built."""
    with pytest.raises(error, match=reason):
        build(runner, runner.chain().next(print, out="first"))


def test_a_branch_is_of_the_chains_own_kind() -> None:
    """A `Chain` cannot await, and an `AsyncChain` takes sync steps itself."""
    with pytest.raises(TypeError, match=r"Chain\.parallel\(\) takes Chains"):
        Chain().parallel(AsyncChain().next(print))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"AsyncChain\.parallel\(\) takes AsyncChains"):
        AsyncChain().parallel(Chain().next(print))  # type: ignore[arg-type]


def test_a_branch_may_overwrite_what_came_before(runner: Runner) -> None:
    """With `overwrite=True`; its own values and a key that it overwrites are no conflict."""
    chain = runner.chain().next(runner.fn(value(1)), out="n")
    branch = runner.chain().put("own", 2)
    branch.next(runner.fn(lambda a, b: a + b), out="n", args=["n", "own"], overwrite=True)
    assert runner.run(chain.parallel(branch))["n"] == 3


def test_a_branch_within_a_branch_may_overwrite_what_came_before(runner: Runner) -> None:
    """However deep it is."""
    inner = runner.chain().next(runner.fn(value(2)), out="n", overwrite=True)
    chain = (
        runner.chain().next(runner.fn(value(1)), out="n").parallel(runner.chain().parallel(inner))
    )
    assert runner.run(chain)["n"] == 2


def test_a_refused_branch_leaves_the_chain_as_it_was(runner: Runner) -> None:
    """A chain can be built on after a mistake was caught."""
    chain = runner.chain().next(runner.fn(value(1)), out="a")
    branch = runner.chain().next(runner.fn(value(2)), out="a")
    with pytest.raises(ValueError, match="both write 'a'"):
        chain.parallel(branch)
    branch.next(runner.fn(value(3)), out="c")
    assert runner.run(chain.next(runner.fn(value(2)), out="b")) == {"a": 1, "b": 2}


def test_an_interrupted_chain_waits_for_its_branches_and_undoes_them() -> None:
    """A signal that arrives while the branches run leaves nothing that they do without its undo."""
    done: list[str] = []
    arrived = threading.Event()

    def interrupt(number: int, frame: Any) -> None:
        arrived.set()
        raise KeyboardInterrupt

    def charge() -> str:
        signal.pthread_kill(main, signal.SIGUSR1)
        assert arrived.wait(60)
        time.sleep(0.05)  # time enough for undos that do not wait
        done.append("charged")
        return "charge"

    main = threading.main_thread().ident or 0
    previous = signal.signal(signal.SIGUSR1, interrupt)
    try:
        chain = Chain().next(lambda: "order", out="order", undo=done.append)
        chain.parallel(
            Chain().next(charge, out="charge", undo=done.append),
            Chain().next(arrived.wait, args=[60], out="other"),
        )
        with pytest.raises(KeyboardInterrupt):
            chain.run()
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert done == ["charged", "charge", "order"]
