"""A run's values are freed with its result, or its error, without the garbage collector."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import sys
import time
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace import AsyncChain, ChainError
from headrace._process.testing import fake_clock, no_waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .runners import Runner


class Big(bytearray):
    """A value whose end is recorded."""


class Values:
    """The values made by steps that are still alive."""

    def __init__(self) -> None:
        self.made: list[weakref.ref[Big]] = []

    def make(self) -> Big:
        big = Big(1000)
        self.made.append(weakref.ref(big))
        return big

    def left(self) -> int:
        return sum(1 for ref in self.made if ref() is not None)


@contextmanager
def without_collector() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def logging_nowhere() -> Iterator[None]:
    """Silence the logger: pytest keeps every record, and its traceback keeps every value."""
    logger = logging.getLogger("headrace.chain")
    logger.propagate = False
    logger.addHandler(handler := logging.NullHandler())
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = True


def _hook(**_: Any) -> None:
    """Do nothing."""


async def _async_hook(**_: Any) -> None:
    """Do nothing."""


def _pass(_: Any) -> None:
    """Do nothing."""


def _no(_: Any) -> bool:
    return False


def _fail(*_: Any) -> None:
    raise ValueError("boom")


class _Interrupt(BaseException):
    pass


def _interrupt(*_: Any) -> None:
    raise _Interrupt


Build = "Callable[[Runner, Values], Any]"


def _hooked(runner: Runner, values: Values) -> Any:
    return runner.chain(before_step=_hook, after_step=_hook).next(runner.fn(values.make), out="big")


def _hooked_by_coroutines(runner: Runner, values: Values) -> Any:
    hook = _async_hook if runner.is_async else _hook
    return runner.chain(before_step=hook).next(runner.fn(values.make), out="big")


def _with_undo(runner: Runner, values: Values) -> Any:
    return runner.chain().next(runner.fn(values.make), out="big", undo=_pass)


def _with_deadline(runner: Runner, values: Values) -> Any:
    return runner.chain(deadline=60).next(runner.fn(values.make), out="big")


def _with_when(runner: Runner, values: Values) -> Any:
    return runner.chain().next(runner.fn(values.make), out="big", when=lambda context: True)


def _with_line(runner: Runner, values: Values) -> Any:
    logging.getLogger("headrace.chain").setLevel(logging.INFO)
    return runner.chain().next(runner.fn(values.make), out="big", log_fmt="{big.__len__}")


def _branches(runner: Runner, values: Values) -> Any:
    return runner.chain(before_step=_hook).parallel(
        runner.chain().next(runner.fn(values.make), out="a"),
        runner.chain().next(runner.fn(values.make), out="b", undo=_pass),
    )


def _failing(runner: Runner, values: Values) -> Any:
    return (
        runner
        .chain()
        .next(runner.fn(values.make), out="big")
        .next(runner.fn(_fail), args=["big"], name="fails")
    )


def _failing_first(runner: Runner, values: Values) -> Any:
    return runner.chain().put("big", values.make()).next(runner.fn(_fail), args=["big"])


def _failing_with_undo(runner: Runner, values: Values) -> Any:
    return (
        runner
        .chain(before_step=_hook, on_retry=_hook)
        .next(runner.fn(values.make), out="big", undo=runner.fn(_pass))
        .next(runner.fn(values.make), out="big_2", undo=runner.fn(_fail))
        .next(runner.fn(_fail), args=["big"], retries=2, name="fails")
    )


def _redacted(runner: Runner, values: Values) -> Any:
    return (
        runner
        .chain(redact=["big"])
        .next(runner.fn(values.make), out="big", undo=runner.fn(_fail))
        .next(runner.fn(_fail), args=["big"], retries=1, name="fails")
    )


def _rejected(runner: Runner, values: Values) -> Any:
    return runner.chain().next(
        runner.fn(values.make), out="big", validate=_no, undo=runner.fn(_pass)
    )


def _rejected_by_raising(runner: Runner, values: Values) -> Any:
    return runner.chain().next(runner.fn(values.make), out="big", validate=_fail)


def _late(runner: Runner, values: Values) -> Any:
    return (
        runner
        .chain(deadline=5, safety_margin=0, jitter=False)
        .next(runner.fn(values.make), out="big", undo=_pass)
        .next(runner.fn(_fail), args=["big"], retries=5, backoff=60, name="fails")
    )


def _out_of_time(runner: Runner, values: Values) -> Any:
    return (
        runner
        .chain(deadline=0)
        .put("big", values.make())
        .next(runner.fn(values.make), out="other", retries=5)
    )


def _unresolved(runner: Runner, values: Values) -> Any:
    return (
        runner
        .chain(strict=True)
        .next(runner.fn(values.make), out="big")
        .next(runner.fn(_fail), args=["missing"], name="fails")
    )


def _stopping(runner: Runner, values: Values) -> Any:
    def stop() -> None:
        raise StopIteration

    return runner.chain().next(runner.fn(values.make), out="big").next(stop, retries=1)


def _failing_branches(runner: Runner, values: Values) -> Any:
    return runner.chain().parallel(
        runner.chain().next(runner.fn(values.make), out="a", undo=runner.fn(_fail)),
        runner.chain().next(runner.fn(values.make), out="b").next(runner.fn(_fail), args=["b"]),
        runner.chain().next(runner.fn(values.make), out="c").next(runner.fn(_fail), args=["c"]),
    )


def _interrupted(runner: Runner, values: Values) -> Any:
    return (
        runner
        .chain()
        .next(runner.fn(values.make), out="big", undo=runner.fn(_pass))
        .next(_interrupt if not runner.is_async else _async_interrupt, args=["big"])
    )


async def _async_interrupt(*_: Any) -> None:
    raise _Interrupt


def _interrupted_undo(runner: Runner, values: Values) -> Any:
    undo = _interrupt if not runner.is_async else _async_interrupt
    return (
        runner
        .chain()
        .next(runner.fn(values.make), out="big", undo=undo)
        .next(runner.fn(_fail), args=["big"])
    )


def _interrupted_hook(runner: Runner, values: Values) -> Any:
    return runner.chain(after_step=lambda **_: _interrupt()).next(runner.fn(values.make), out="big")


def _nested(runner: Runner, values: Values) -> Any:
    inner = runner.chain().next(runner.fn(values.make), out="big", undo=runner.fn(_fail))
    return runner.chain(before_step=_hook).next(inner).next(inner, out="all", kwargs={"x": "big"})


def _failing_within(runner: Runner, values: Values) -> Any:
    inner = (
        runner
        .chain()
        .next(runner.fn(values.make), out="big", undo=runner.fn(_pass))
        .next(runner.fn(_fail), args=["big"], retries=1)
    )
    return (
        runner
        .chain()
        .next(runner.fn(values.make))
        .parallel(
            runner.chain().next(inner, out="one", retries=1, undo=runner.fn(_pass)),
            runner.chain().next(inner, out="other", retries=1),
        )
    )


def _group(runner: Runner, values: Values) -> Any:
    def fail(big: Big) -> None:
        raise ExceptionGroup("two", [ValueError("a"), KeyError("b")])

    return (
        runner
        .chain()
        .next(runner.fn(values.make), out="big")
        .next(runner.fn(fail), args=["big"], retries=1, retry_on=(ValueError, KeyError))
    )


BUILDERS: list[Callable[[Runner, Values], Any]] = [
    _hooked,
    _hooked_by_coroutines,
    _with_undo,
    _with_deadline,
    _with_when,
    _with_line,
    _branches,
    _failing,
    _failing_first,
    _failing_with_undo,
    _redacted,
    _rejected,
    _rejected_by_raising,
    _late,
    _out_of_time,
    _unresolved,
    _stopping,
    _failing_branches,
    _interrupted,
    _interrupted_undo,
    _interrupted_hook,
    _nested,
    _failing_within,
    _group,
]


async def _outcome(chain: Any) -> Any:
    try:
        return await chain.run()
    except (ChainError, _Interrupt) as error:
        return error


def _run(chain: Any) -> Any:
    try:
        return chain.run()
    except (ChainError, _Interrupt) as error:
        return error


def _left_after(runner: Any, build: Callable[[Any, Values], Any]) -> tuple[int, int]:
    """Drop a result or error; return how many values are still alive, and how many existed."""
    values = Values()

    async def main() -> tuple[int, int]:
        chain = build(runner, values)
        outcome = await _outcome(chain) if runner.is_async else _run(chain)
        before = values.left()
        assert outcome is not None
        del outcome, chain
        for _ in range(6000):  # pending callbacks of the loop and returning threads hold values
            if not values.left():
                break
            await asyncio.sleep(0.01)
        return values.left(), before

    with fake_clock(), logging_nowhere(), asyncio.Runner() as loop:
        loop.get_loop()
        with without_collector():
            return loop.run(main())


def _cancelled(values: Values, how: str) -> AsyncChain:
    def block() -> Big:
        time.sleep(0.1)
        return values.make()

    last = asyncio.sleep if how == "awaiting" else block
    args = [60] if how == "awaiting" else []
    chain = AsyncChain().next(values.make, out="big", undo=_pass)
    if how == "in branches":
        return chain.parallel(
            AsyncChain().next(block, out="a", undo=_pass),
            AsyncChain().next(asyncio.sleep, args=[60]),
        )
    if how == "in nested branches":
        sleeping = AsyncChain().next(asyncio.sleep, args=[60])
        inner = AsyncChain().next(values.make, out="a").next(asyncio.sleep, args=[60])
        return chain.parallel(AsyncChain().parallel(inner, sleeping.copy()), sleeping)
    return chain.next(last, args=args, undo=_pass)


@pytest.mark.guarantee(81)
@pytest.mark.parametrize("how", ["awaiting", "in a thread", "in branches", "in nested branches"])
def test_values_are_freed_with_a_cancelled_run(how: str) -> None:
    """The loop's own exception ends the run, and its traceback holds the frames."""

    def build(runner: Any, values: Values) -> Any:
        return _Bounded(_cancelled(values, how), values)

    left, before = _left_after(_Async(), build)
    assert before
    assert left == 0


class _Async:
    is_async = True


class _Bounded:
    """A chain that is cancelled while it runs."""

    def __init__(self, chain: AsyncChain, values: Values) -> None:
        self.chain = chain
        self.values = values

    async def run(self) -> Any:
        try:
            async with asyncio.timeout(None) as limit:
                expiring = asyncio.create_task(self._expire(limit))
                return await self.chain.run()
        except TimeoutError as error:
            await expiring
            return error

    async def _expire(self, limit: asyncio.Timeout) -> None:
        """Let the time run out once there is a value to be freed."""
        while not self.values.left():  # noqa: ASYNC110 - made in a thread, unseen
            await asyncio.sleep(0.005)
        limit.reschedule(asyncio.get_running_loop().time() + 0.03)


@pytest.mark.guarantee(81)
@pytest.mark.parametrize("retries", [0, 1])
def test_values_are_freed_with_a_timeout(retries: int) -> None:
    """The values of an attempt that kept running in its thread are freed too."""

    def build(runner: Any, values: Values) -> Any:
        def late() -> Big:
            time.sleep(0.05)
            return values.make()

        return (
            AsyncChain()
            .next(values.make, out="big")
            .next(late, timeout=0.01, retries=retries, undo=_fail)
        )

    left, before = _left_after(_Async(), build)
    assert before
    assert left == 0


class _Backend:
    """A backend that keeps nothing."""

    @contextmanager
    def span(self, step: Any, context: Any) -> Iterator[None]:
        yield


@pytest.mark.guarantee(81)
@pytest.mark.parametrize("where", ["unwatched", "watched", "in a unit"])
@pytest.mark.parametrize("build", BUILDERS)
def test_values_are_freed_with_the_outcome(
    runner: Runner, build: Callable[[Runner, Values], Any], where: str
) -> None:
    """They are freed for every outcome of the run, with and without a backend."""
    headrace.configure(backend=_Backend() if where == "watched" else "none")
    with headrace.open_context() if where == "in a unit" else contextlib.nullcontext():
        left, before = _left_after(runner, build)
    assert before
    assert left == 0


@pytest.mark.guarantee(81)
@pytest.mark.unmeasured
def test_a_thousand_failing_and_watched_runs_leave_nothing(runner: Runner) -> None:
    """Memory stays flat with the garbage collector off, with logging, backends and undos."""
    headrace.configure(backend=_Backend())
    values = Values()
    chain = (
        runner
        .chain(before_step=_hook, after_step=_hook, on_retry=_hook, deadline=60)
        .next(runner.fn(values.make), out="a", undo=runner.fn(_pass))
        .next(runner.fn(_fail), args=["a"], retries=1, name="fails")
    )

    async def many(count: int) -> None:
        for _ in range(count):
            with contextlib.suppress(ChainError):
                await chain.run()

    def run(loop: asyncio.Runner, count: int) -> None:
        if runner.is_async:
            loop.run(many(count))
        else:
            for _ in range(count):
                with contextlib.suppress(ChainError):
                    chain.run()

    with no_waiting(), logging_nowhere(), asyncio.Runner() as loop, without_collector():
        run(loop, 20)
        before = sys.getallocatedblocks()
        run(loop, 1000)
        after = sys.getallocatedblocks()
    assert values.left() <= 1
    # Each run makes a weak reference; coverage keeps five objects for each new thread.
    assert after - before < (9_000 if runner.has_threads else 1_500)
