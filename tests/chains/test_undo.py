"""Undo: what was done is taken back when a later step fails for good."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

import headrace
import headrace.logging
from headrace import (
    AsyncChain,
    Chain,
    DeadlineExceededError,
    StepFailedError,
    UnresolvedReferenceError,
    ValidationFailedError,
)
from headrace._process.testing import fake_clock, no_waiting
from tests import virtual_time

if TYPE_CHECKING:
    from tests.chains.runners import Runner


def fail() -> None:
    """Fail."""
    raise ValueError("boom")


def undoing(runner: Runner, undone: list[str], names: str, **options: Any) -> Any:
    """Return a chain with a step for each name, which has an undo."""
    chain = runner.chain(**options)
    for name in names:
        chain.next(
            runner.fn(lambda name=name: f"did {name}"), out=name, undo=runner.fn(undone.append)
        )
    return chain


def test_the_log_tells_each_undo_and_which_step_failed(
    runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    """A line for each undo is about the undone step, and the failure's about the failed step."""
    caplog.set_level("INFO", logger="headrace.chain")
    chain = undoing(runner, [], "ab", name="orders").next(runner.fn(fail), name="c")
    with caplog.filtering(headrace.logging.FlowFilter()), pytest.raises(StepFailedError):
        runner.run(chain)
    lines = [record for record in caplog.records if record.name == "headrace.chain"]
    assert [(vars(line)["step"], line.getMessage()) for line in lines] == [
        ("b", "step 'b' undone"),
        ("a", "step 'a' undone"),
        ("c", "step 'c' failed: ValueError: boom"),
    ]


def test_undos_run_in_reverse_order_with_the_results(runner: Runner) -> None:
    """Those of the finished steps, not that of the failed one."""
    undone: list[str] = []
    chain = undoing(runner, undone, "abc").next(
        runner.fn(fail), undo=runner.fn(undone.append), name="d"
    )
    with pytest.raises(StepFailedError) as caught:
        runner.run(chain)
    assert undone == ["did c", "did b", "did a"]
    assert caught.value.undo_errors == []
    report = caught.value.result.steps  # type: ignore[union-attr]
    assert [(s.name, s.outcome, s.reason) for s in report] == [
        ("a", "ok", "undone"),
        ("b", "ok", "undone"),
        ("c", "ok", "undone"),
        ("d", "error", "ValueError: boom"),
    ]


def test_nothing_is_undone_where_nothing_fails(runner: Runner) -> None:
    """Not even where a step needed retries."""
    undone: list[str] = []
    left = [ValueError()]

    def flaky() -> None:
        if left:
            raise left.pop()

    with no_waiting():
        runner.run(undoing(runner, undone, "ab").next(runner.fn(flaky), retries=1))
    assert undone == []


def test_the_result_of_an_overwritten_step_is_its_own(runner: Runner) -> None:
    """An undo gets what its step returned, whatever stands in the context now."""
    undone: list[str] = []
    chain = undoing(runner, undone, "a")
    chain.next(runner.fn(lambda: "other"), out="a", overwrite=True).next(runner.fn(fail))
    with pytest.raises(StepFailedError):
        runner.run(chain)
    assert undone == ["did a"]


def test_a_skipped_step_is_not_undone(runner: Runner) -> None:
    """There is nothing to undo."""
    undone: list[str] = []
    chain = runner.chain().next(runner.fn(print), undo=runner.fn(undone.append), when="missing")
    with pytest.raises(StepFailedError):
        runner.run(chain.next(runner.fn(fail)))
    assert undone == []


@pytest.mark.parametrize(
    ("options", "last", "error"),
    [
        ({}, {"validate": lambda result: False}, ValidationFailedError),
        ({"strict": True}, {"args": ["missing"]}, UnresolvedReferenceError),
        ({"deadline_fn": lambda: 1.0}, {"retries": 1}, DeadlineExceededError),
    ],
)
def test_every_way_to_fail_undoes(runner: Runner, options: Any, last: Any, error: Any) -> None:
    """A rejected result, a reference that leads nowhere, a deadline."""
    undone: list[str] = []
    step = (lambda: None) if "validate" in last else fail
    chain = undoing(runner, undone, "ab", jitter=False, **options).next(runner.fn(step), **last)
    with fake_clock(), pytest.raises(error):
        runner.run(chain)
    assert undone == ["did b", "did a"]


class Interrupted(BaseException):
    """Like a KeyboardInterrupt, without its powers over the event loop."""


def test_an_interrupt_undoes_and_passes_through(runner: Runner) -> None:
    """What is no `Exception` comes out as it is, behind the undos."""
    undone: list[str] = []

    def interrupt() -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        runner.run(
            undoing(runner, undone, "ab").next(interrupt if not runner.is_async else _interrupt)
        )
    assert undone == ["did b", "did a"]


async def _interrupt() -> None:
    raise Interrupted


def test_an_undo_that_fails_does_not_keep_the_others(runner: Runner, lines: Any) -> None:
    """Its error is collected and logged, and the other undos run."""
    undone: list[str] = []

    def broken(result: str) -> None:
        raise OSError(f"cannot undo {result}")

    chain = undoing(runner, undone, "a").next(
        runner.fn(lambda: "did b"), out="b", undo=runner.fn(broken)
    )
    chain.next(runner.fn(fail), name="c")
    with pytest.raises(StepFailedError) as caught:
        runner.run(chain)
    assert undone == ["did a"]
    error = caught.value
    assert [str(each) for each in error.undo_errors] == ["cannot undo did b"]
    assert str(error) == "step 'c' failed: ValueError: boom (1 undo failed, see undo_errors)"
    assert error.result.steps[1].reason == "undo failed: OSError: cannot undo did b"  # type: ignore[union-attr]
    assert lines() == [
        ("ERROR", "step 'b': undo failed: OSError: cannot undo did b"),
        ("INFO", "step 'a' undone"),
        ("ERROR", str(error)),
    ]


def test_an_interrupt_in_an_undo_comes_out_behind_the_others(runner: Runner) -> None:
    """All undos have run, and the interrupt is not lost."""
    undone: list[str] = []

    def interrupt(result: str) -> None:
        raise Interrupted

    async def interrupt_async(result: str) -> None:
        raise Interrupted

    chain = undoing(runner, undone, "a")
    undo = interrupt_async if runner.is_async else interrupt
    chain.next(runner.fn(lambda: "b"), undo=undo, name="b").next(runner.fn(fail))
    with pytest.raises(Interrupted) as caught:
        runner.run(chain)
    assert undone == ["did a"]
    assert isinstance(caught.value.__cause__, StepFailedError)


def test_undos_run_under_the_name_of_their_step(runner: Runner) -> None:
    """What an undo logs is found under its step."""
    seen: list[Any] = []

    def look(result: Any) -> None:
        context = headrace.get_flow_context()
        assert context is not None
        seen.append(context.step)

    chain = runner.chain().next(runner.fn(lambda: 1), name="a", undo=runner.fn(look))
    with headrace.open_context(), pytest.raises(StepFailedError):
        runner.run(chain.next(runner.fn(fail)))
    assert seen == ["a"]


# --- cancellation ---------------------------------------------------------------------------------


def test_a_cancelled_run_undoes_and_lets_the_cancellation_through() -> None:
    """The undos have run when the task is cancelled."""
    undone: list[str] = []

    async def undo(result: str) -> None:
        await asyncio.sleep(0.01)
        undone.append(result)

    async def a() -> str:
        return "a"

    async def main() -> bool:
        chain = AsyncChain().next(a, undo=undo).next(asyncio.sleep, args=[60])
        task = asyncio.create_task(chain.run())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert virtual_time.run(main())
    assert undone == ["a"]


def test_a_second_cancellation_does_not_stop_the_undos() -> None:
    """However often the task is cancelled, each undo runs to its end, once."""
    undone: list[str] = []

    async def undo(result: str) -> None:
        await asyncio.sleep(0.02)
        undone.append(result)

    async def step(name: str) -> str:
        return name

    async def main() -> bool:
        chain = AsyncChain()
        for name in "ab":
            chain.next(step, out=name, args=[headrace.literal(name)], undo=undo)
        task = asyncio.create_task(chain.next(asyncio.sleep, args=[60]).run())
        for _ in range(5):
            await asyncio.sleep(0.007)
            task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert virtual_time.run(main())
    assert undone == ["b", "a"]


def test_the_end_of_the_event_loop_does_not_stop_the_undos() -> None:
    """A program that ends cancels all tasks: the undos that have begun run to their end."""
    undone: list[str] = []

    async def undo(result: str) -> None:
        await asyncio.sleep(0.02)
        undone.append(result)

    async def step(name: str) -> str:
        return name

    async def main() -> None:
        chain = AsyncChain()
        for name in "ab":
            chain.next(step, out=name, args=[headrace.literal(name)], undo=undo)
        task = asyncio.create_task(chain.next(asyncio.sleep, args=[60]).run())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.sleep(0.01)  # in the midst of the first undo

    virtual_time.run(main())
    assert undone == ["b", "a"]


def test_a_cancellation_during_the_undos_of_a_failure_comes_out() -> None:
    """The undos run to their end, and then the task is cancelled, not failed."""
    undone: list[str] = []

    async def undo(result: str) -> None:
        await asyncio.sleep(0.02)
        undone.append(result)

    async def step() -> str:
        return "a"

    async def main() -> bool:
        chain = AsyncChain().next(step, undo=undo).next(fail)
        task = asyncio.create_task(chain.run())
        while not undone:
            await asyncio.sleep(0.005)
            task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert virtual_time.run(main())
    assert undone == ["a"]


def test_a_step_in_a_thread_with_an_undo_is_waited_for() -> None:
    """A thread cannot be cancelled: what it does all the same is undone."""
    undone: list[str] = []

    def charge() -> str:
        virtual_time.sleep(0.05)
        return "charged"

    async def main() -> bool:
        chain = AsyncChain().next(charge, undo=undone.append)
        task = asyncio.create_task(chain.run())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert virtual_time.run(main())
    assert undone == ["charged"]


class Later:
    """An awaitable that is no coroutine."""

    def __await__(self) -> Any:
        yield


@pytest.mark.parametrize("ending", ["raise", "coroutine", "awaitable"])
def test_a_step_in_a_thread_that_does_not_finish_is_not_undone(ending: str) -> None:
    """It failed, or has only returned a coroutine that now nobody awaits."""
    undone: list[Any] = []

    def charge() -> Any:
        virtual_time.sleep(0.05)
        if ending == "raise":
            raise ValueError
        return Later() if ending == "awaitable" else asyncio.sleep(0)

    async def main() -> bool:
        chain = AsyncChain().next(charge, undo=undone.append)
        task = asyncio.create_task(chain.run())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert virtual_time.run(main())
    assert undone == []


def test_a_closed_run_says_what_it_cannot_undo(lines: Any) -> None:
    """Nothing can be awaited while a coroutine is being closed."""

    async def step() -> str:
        return "a"

    async def main() -> None:
        chain = AsyncChain().next(step, name="a", undo=print).next(asyncio.sleep, args=[60])
        run = chain.run()
        run.send(None)
        run.close()
        AsyncChain().next(asyncio.sleep, args=[0]).run().close()

    asyncio.run(main())
    assert lines() == [("ERROR", "the run was closed before it finished; not undone: 'a'")]


def test_a_sync_undo_runs_in_a_thread() -> None:
    """So that it does not block the event loop."""
    threads: list[str] = []

    def undo(result: int) -> None:
        threads.append(threading.current_thread().name)

    chain = AsyncChain().next(lambda: 1, undo=undo)
    with pytest.raises(StepFailedError):
        asyncio.run(chain.next(fail).run())
    assert threads != ["MainThread"]


def test_a_chain_may_undo_with_a_method_of_the_result() -> None:
    """Any callable that takes the result will do."""
    undone: list[int] = []

    class Booking:
        def cancel(self) -> None:
            undone.append(1)

    with pytest.raises(StepFailedError):
        Chain().next(Booking, undo=Booking.cancel).next(fail).run()
    assert undone == [1]
