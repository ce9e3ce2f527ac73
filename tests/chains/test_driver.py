"""The driver is the only seam between a chain and what runs it.

The driver here is one of a durable engine in little: it records each thing that a run does, and
repeats a run from the records after the process has died.
"""

from __future__ import annotations

import logging
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import coroutine
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace import AsyncChain, Chain, ChainError
from headrace._chains.run import Run, new_context
from headrace._chains.sync_driver import SyncDriver
from headrace._chains.walk import complete, walk
from headrace.testing import fake_clock, no_waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tests.chains.runners import Runner

SOURCE = str(Path(headrace.__file__).parent)


@coroutine
def forever() -> Generator[None, None, None]:
    """Suspend: to the walk, what a process that dies looks like."""
    yield


@dataclass
class Journal:
    """The records of a run: what was done, and what came of it.

    Attributes:
        entries: by workflow and number.
        end: the number of entries after which the process dies, or None.
    """

    entries: dict[tuple[str, int], tuple[str, Any, BaseException | None]] = field(
        default_factory=dict
    )
    end: int | None = None


class Durable(SyncDriver):
    """Does each thing once, however often the run is repeated.

    Args:
        journal: the records.
        workflow: the name of the workflow; each branch is a child with a name of its own.
    """

    def __init__(self, journal: Journal, workflow: str = "run") -> None:
        self._journal = journal
        self._workflow = workflow
        self._count = 0

    async def call_plain(self, rows: Any, context: Any) -> None:
        """Leave each step to `call`."""

    async def call(self, run: Run, step: Any) -> tuple[Any, BaseException | None]:
        """Record an attempt; of a chain, those of its steps."""
        if step.plan is not None:
            return await super().call(run, step)
        what = f"{step.name}, attempt {run.attempts}"
        return await self._kept(what, lambda: super(Durable, self).call(run, step))

    async def decide(self, run: Run, what: str, function: Any, *args: Any) -> Any:
        return await self._done(what, super().decide, run, what, function, *args)

    async def notify(self, run: Run, what: str, function: Any, *args: Any, **kwargs: Any) -> None:
        await self._done(what, super().notify, run, what, function, *args, **kwargs)

    async def undo(self, run: Run, step: Any, result: Any) -> None:
        await self._done(f"undo {step.name}", super().undo, run, step, result)

    async def sleep(self, run: Run, seconds: float) -> None:
        await self._done("sleep", super().sleep, run, seconds)

    async def run_branches(self, run: Run, step: Any, branches: list[Run]) -> Any:
        self._count += 1
        return [
            (branch, await walk(Durable(self._journal, f"{self._workflow}.{number}"), branch))
            for number, branch in enumerate(branches)
        ]

    async def _done(self, what: str, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        async def outcome() -> tuple[Any, BaseException | None]:
            try:
                return await work(*args, **kwargs), None
            except Exception as exc:
                return None, exc

        result, failure = await self._kept(what, outcome)
        if failure is not None:
            raise failure
        return result

    async def _kept(self, what: str, work: Callable[[], Any]) -> tuple[Any, BaseException | None]:
        self._count += 1
        key = self._workflow, self._count
        entries = self._journal.entries
        if key not in entries:
            if len(entries) == self._journal.end:
                await forever()
            entries[key] = (what, *await work())
        recorded, result, failure = entries[key]
        assert recorded == what, "a repeated run asks for the same things in the same order"
        return result, failure


class Shop:
    """A chain with everything that a chain can have, and a log of what it has done."""

    def __init__(self, *, fails: bool) -> None:
        self.events: list[str] = []
        self._fails = fails

    def event(self, name: str, answer: Any = None, failures: int = 0) -> Callable[..., Any]:
        def happen(*args: Any, **about: Any) -> Any:
            self.events.append(f"{name} {about['step']}" if "step" in about else name)
            if failures and self.events.count(name) <= failures:
                raise ConnectionError(name)
            return answer

        return happen

    def chain(self) -> Chain:
        event = self.event
        inner = Chain().next(event("pack", 1), out="packed", undo=event("unpack"))
        left = Chain().next(event("left", "l"), out="left", undo=event("undo left"))
        right = Chain().next(event("right", "r"), out="right", retries=1, backoff=0)
        return (
            Chain(
                before_step=event("before"),
                after_step=event("after"),
                on_retry=event("on_retry"),
                deadline=1000,
                jitter=False,
            )
            .next(event("charge", 7), out="paid", when=event("when", True), undo=event("refund"))
            .next(event("skipped"), name="skipped", when=event("when not", False))
            .parallel(left, right)
            .next(inner, name="inner")
            .next(
                event("ship", "s", failures=2),
                out="shipped",
                retries=2,
                backoff=5,
                retry_on=event("retry_on", True),
                validate=event("validate", True),
                log=event("log"),
                log_fmt="{result} {paid}",
            )
            .next(event("mail", failures=9 if self._fails else 0), name="mail")
        )


def attempt(chain: Chain, driver: Durable) -> tuple[Any, ...] | None:
    """Run the chain; return what has become of it, or None if the process died."""
    with headrace.open_context() as unit:
        plan = chain._plan or chain._freeze()
        context = new_context(plan, unit, {})
        work = complete(driver, Run(plan, context, unit))
        try:
            work.send(None)
        except StopIteration as stop:
            reports = [(each.name, each.outcome, each.attempts) for each in context.steps]
            return dict(context), reports, str(stop.value)
        work.close()
        return None


@pytest.mark.parametrize("fails", [False, True], ids=["good", "failing"])
def test_a_run_can_be_repeated_from_records_wherever_it_ended(fails: bool, lines: Any) -> None:
    """Wherever the process died, all is done once, in order: steps, undos, hooks, waits, lines."""
    seen: list[Any] = []
    for end in range(200):
        shop, journal = Shop(fails=fails), Journal()
        chain, before = shop.chain(), len(lines())
        with fake_clock() as clock:
            if seen:  # the first time nothing interrupts it
                journal.end = end - 1
                if attempt(chain, Durable(journal)) is not None:
                    break
                journal.end = None
            ended = attempt(chain, Durable(journal))
        seen.append((ended, shop.events, clock.slept, lines()[before:]))
        assert seen[-1] == seen[0]
    (context, reports, error), events, slept, logged = seen[0]
    assert len(seen) > 40
    assert context["shipped"] == "s"
    assert ("shipped", 3) in {(name, attempts) for name, _, attempts in reports}
    assert Counter(events)["ship"] == 3
    assert slept == [5, 10]
    ends = ["INFO", "INFO", "INFO", "ERROR"] if fails else []  # three undos, and the failure
    assert [level for level, _ in logged] == ["WARNING", "WARNING", "INFO", *ends]
    assert error == ("step 'mail' failed: ConnectionError: mail" if fails else "None")
    undone = ["unpack", "undo left", "refund"] if fails else []
    assert [each for each in events if each in {"unpack", "undo left", "refund"}] == undone


# --- a step that takes a reader through few modules -----------------------------------------------


def hops(call: Callable[[], object]) -> int:
    """Return the number of calls in headrace that cross from one module into another."""
    count = 0
    seen: set[Any] = set()  # a coroutine that goes on is not called once more

    def profile(frame: Any, event: str, _: object) -> None:
        nonlocal count
        if event == "call" and frame.f_back is not None and frame not in seen:
            seen.add(frame)
            here, there = frame.f_code.co_filename, frame.f_back.f_code.co_filename
            count += here != there and here.startswith(SOURCE) and there.startswith(SOURCE)

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        call()
    finally:
        sys.setprofile(before)
    return count


def test_a_run_crosses_few_modules(runner: Runner, caplog: pytest.LogCaptureFixture) -> None:
    """A run with one retry and one undo makes at most 42 such calls, logging left out."""
    if runner.has_threads:
        return  # each call goes through the module for threads as well
    calls: list[int] = []

    def ship(_order: int) -> str:
        calls.append(1)
        if len(calls) % 2:
            raise ConnectionError("again")
        return "shipped"

    def mail() -> None:
        raise ValueError("no")

    chain = runner.chain()
    chain.next(runner.fn(lambda _: "paid"), out="paid", args=["order"], undo=print)
    chain.next(runner.fn(ship), out="shipped", args=["order"], retries=1)
    chain.next(runner.fn(mail), name="mail")

    def run() -> None:
        with pytest.raises(ChainError):
            runner.run(chain, order=1)

    headrace.configure(backend="none")
    caplog.set_level(logging.CRITICAL, "headrace.chain")
    with no_waiting():
        run()
        assert 10 < hops(run) <= 42


# --- kinds of functions ---------------------------------------------------------------------------


def test_a_generator_based_coroutine_function_is_one() -> None:
    """An `AsyncChain` awaits what `types.coroutine` has decorated; a `Chain` refuses it."""

    @coroutine
    def step() -> Generator[None, None, int]:
        yield from ()
        return 7

    with pytest.raises(StopIteration) as caught:
        AsyncChain().next(step, out="seven").run().send(None)
    assert caught.value.value == {"seven": 7}
    with pytest.raises(TypeError, match="cannot await"):
        Chain().next(step)
