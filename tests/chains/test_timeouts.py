"""Timeouts and cancellation in an `AsyncChain`: one's own and those of others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace import AsyncChain, Chain, DeadlineExceededError, StepFailedError
from headrace._process.testing import no_waiting
from tests import virtual_time

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def sleeping(calls: list[Any], *seconds: float) -> Callable[[], Awaitable[str]]:
    """Return a step whose calls take these times, the last one for ever after."""

    async def sleep() -> str:
        calls.append(len(calls) + 1)
        await asyncio.sleep(seconds[min(len(calls), len(seconds)) - 1])
        return "done"

    return sleep


def test_a_timeout_bounds_an_attempt() -> None:
    """Its end is a `DeadlineExceededError`, unwrapped, which names the step and the time."""
    calls: list[Any] = []
    chain = AsyncChain().next(sleeping(calls, 60), name="fetch", timeout=0.02)
    with pytest.raises(DeadlineExceededError) as caught:
        virtual_time.run(chain.run())
    assert str(caught.value) == "step 'fetch': no result within 0.02 s"
    assert caught.value.step == "fetch"


@pytest.mark.parametrize("retry_on", [KeyError, (), lambda exc: False])
def test_a_timeout_is_retried_whatever_retry_on_says(retry_on: Any) -> None:
    """As often as there are retries; the hook gets the error."""
    calls: list[Any] = []
    seen: list[Any] = []

    def on_retry(exc: BaseException, **_: Any) -> None:
        seen.append(exc)

    chain = AsyncChain(on_retry=on_retry)
    chain.next(sleeping(calls, 60, 60, 0), out="x", timeout=0.02, retries=2, retry_on=retry_on)
    with no_waiting():
        assert virtual_time.run(chain.run())["x"] == "done"
    assert calls == [1, 2, 3]
    assert [type(exc) for exc in seen] == [DeadlineExceededError] * 2


def test_a_timeout_at_the_last_attempt_is_the_end() -> None:
    """Unwrapped, with the number of attempts."""
    calls: list[Any] = []
    chain = AsyncChain().next(sleeping(calls, 60), timeout=0.01, retries=2)
    with no_waiting(), pytest.raises(DeadlineExceededError) as caught:
        virtual_time.run(chain.run())
    assert calls == [1, 2, 3]
    assert caught.value.attempts == 3


def test_a_failure_at_the_last_attempt_is_a_failure() -> None:
    """What counts is how the last attempt has ended."""
    left = [60.0]

    async def step() -> None:
        if left:
            await asyncio.sleep(left.pop())
        raise ValueError("boom")

    with no_waiting(), pytest.raises(StepFailedError, match="boom"):
        virtual_time.run(AsyncChain().next(step, timeout=0.02, retries=1).run())


def test_a_timeout_reaches_no_further_than_the_deadline() -> None:
    """Where the deadline comes first, it bounds the attempt."""
    calls: list[Any] = []
    chain = AsyncChain(deadline=0.05, safety_margin=0)
    chain.next(sleeping(calls, 60), timeout=30, retries=3)
    with pytest.raises(DeadlineExceededError, match=r"no result within 0\.05 s"):
        virtual_time.run(chain.run())
    assert calls == [1]


def test_a_step_in_time_is_not_touched() -> None:
    """A timeout that does not run out changes nothing."""
    chain = AsyncChain().next(sleeping([], 0), out="x", timeout=30)
    assert virtual_time.run(chain.run()) == {"x": "done"}


@pytest.mark.guarantee(39)
def test_a_timeout_error_of_the_step_itself_is_the_steps() -> None:
    """What the step raises is its failure, and subject to `retry_on`, though it looks like ours."""
    calls: list[int] = []

    async def own() -> None:
        calls.append(1)
        raise TimeoutError("the server said so")

    chain = AsyncChain().next(own, timeout=30, retries=3, retry_on=KeyError)
    with pytest.raises(StepFailedError, match="TimeoutError: the server said so"):
        virtual_time.run(chain.run())
    assert calls == [1]


@pytest.mark.guarantee(39)
def test_a_deadline_of_a_chain_within_a_step_is_the_steps_failure() -> None:
    """The error of another run is not taken for one's own timeout."""
    inner = AsyncChain().next(asyncio.sleep, args=[60], timeout=0.01)
    outer = AsyncChain().next(inner.run, name="nested", timeout=30, retries=2, retry_on=KeyError)
    with pytest.raises(StepFailedError, match="step 'nested' failed: DeadlineExceededError"):
        virtual_time.run(outer.run())


async def _timeout(chain: AsyncChain) -> None:
    async with asyncio.timeout(0.05):
        await chain.run()


async def _wait_for(chain: AsyncChain) -> None:
    await asyncio.wait_for(chain.run(), 0.05)


async def _task_group(chain: AsyncChain) -> None:
    async def fail() -> None:
        await asyncio.sleep(0.05)
        raise KeyError("sibling")

    async with asyncio.TaskGroup() as group:
        run = group.create_task(chain.run())
        group.create_task(fail())
    assert run.cancelled()


async def _gather(chain: AsyncChain) -> None:
    gathered = asyncio.gather(chain.run(), asyncio.sleep(60))
    await asyncio.sleep(0.05)
    gathered.cancel()
    await gathered


@pytest.mark.guarantee(39)
@pytest.mark.parametrize(
    ("cancel", "error"),
    [
        (_timeout, TimeoutError),
        (_wait_for, TimeoutError),
        (_task_group, ExceptionGroup),
        (_gather, asyncio.CancelledError),
    ],
)
@pytest.mark.parametrize("timeout", [None, 30])
@pytest.mark.parametrize("in_thread", [False, True])
def test_a_cancellation_from_outside_passes_through(
    cancel: Any, error: type[BaseException], timeout: float | None, in_thread: bool
) -> None:
    """The outer timeout or group sees its cancellation; nothing is retried, all is undone."""
    calls: list[Any] = []
    undone: list[str] = []
    retried: list[Any] = []

    def block() -> None:
        calls.append(1)
        virtual_time.sleep(0.15)

    async def first() -> str:
        return "a"

    chain = AsyncChain(on_retry=lambda **about: retried.append(about))
    chain.next(first, undo=undone.append)
    step = block if in_thread else sleeping(calls, 60)
    chain.next(step, timeout=timeout, retries=5, retry_on=(BaseException,), backoff=0)
    with pytest.raises(error):
        virtual_time.run(cancel(chain))
    assert (calls, undone, retried) == ([1], ["a"], [])


@pytest.mark.guarantee(39)
def test_a_cancellation_during_a_wait_passes_through() -> None:
    """Cancelled between two attempts, the run makes no other."""
    calls: list[int] = []

    async def fail() -> None:
        calls.append(1)
        raise ValueError

    chain = AsyncChain(jitter=False).next(fail, retries=5, backoff=60, max_backoff=60)
    with pytest.raises(TimeoutError):
        virtual_time.run(_timeout(chain))
    assert calls == [1]


@pytest.mark.guarantee(39)
def test_both_timeouts_at_once_are_the_outer_one() -> None:
    """Where the step's timeout and an outer cancellation meet, the cancellation wins."""

    async def main() -> tuple[bool, bool]:
        chain = AsyncChain().next(asyncio.sleep, args=[60], timeout=0.05, retries=3, backoff=0)
        task = asyncio.create_task(chain.run())
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0.05, task.cancel)  # both timers are due at once
        await asyncio.wait([task])
        return task.cancelled(), task.done()

    assert virtual_time.run(main()) == (True, True)


def test_a_sync_step_with_a_timeout_is_left_behind() -> None:
    """The wait for it ends; the thread itself cannot be interrupted."""
    done: list[int] = []

    def block() -> None:
        virtual_time.sleep(0.1)
        done.append(1)

    chain = AsyncChain().next(block, timeout=0.02)
    with pytest.raises(DeadlineExceededError):
        virtual_time.run(chain.run())  # which waits for the threads of its executor
    assert done == [1]


# --- metadata and runs among tasks ----------------------------------------------------------------


@pytest.mark.guarantee(5)
@pytest.mark.parametrize("how", ["gather", "group"])
def test_runs_among_tasks_share_the_units_metadata_and_nothing_else(how: str) -> None:
    """Each run has its own context and current step; the unit's metadata is one for all."""

    async def step(number: int) -> Any:
        headrace.set_flow_context_value(f"n{number}", number)
        await asyncio.sleep(0.001 * (number % 3))
        context = headrace.get_flow_context()
        assert context is not None
        return number, context.step

    chain = AsyncChain().next(step, out="first", args=["n"]).next(step, out="second", args=["n"])

    async def main() -> tuple[list[Any], dict[str, Any]]:
        with headrace.open_context() as context:
            runs = [chain.run(n=number) for number in range(20)]
            if how == "gather":
                results = await asyncio.gather(*runs)
            else:
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(run) for run in runs]
                results = [task.result() for task in tasks]
            return results, context.metadata

    results, metadata = virtual_time.run(main())
    for number, result in enumerate(results):
        expected = {"n": number, "first": (number, "first"), "second": (number, "second")}
        assert result == expected
    assert metadata == {f"n{number}": number for number in range(20)}


@pytest.mark.guarantee(5)
@pytest.mark.parametrize("cancel", [_timeout, _wait_for])
def test_what_a_cancelled_run_wrote_is_still_there(cancel: Any) -> None:
    """Metadata belongs to the unit of work, not to the run or its task."""

    async def step() -> None:
        headrace.set_flow_context_value("seen", 1)
        await asyncio.sleep(60)

    async def main() -> Any:
        with headrace.open_context() as context:
            with pytest.raises(TimeoutError):
                await cancel(AsyncChain().next(step))
            assert (context.flow, context.step) == (None, None)
            return context.get_value("seen")

    assert virtual_time.run(main()) == 1


def test_timeout_is_refused_in_a_chain() -> None:
    """With the reason, when the chain is built."""
    with pytest.raises(ValueError, match="a running sync function cannot be interrupted"):
        Chain().next(print, timeout=1)
