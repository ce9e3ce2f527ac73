"""What `headrace.testing` gives to those who test chains."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

import headrace
from headrace import Chain, StepFailedError
from headrace.testing import fake_clock, fake_random, no_waiting

if TYPE_CHECKING:
    from tests.chains.runners import Runner


def fail() -> None:
    """Fail."""
    raise ValueError


def test_no_waiting_makes_retries_immediate(runner: Runner) -> None:
    """In every thread and task; behind the block they wait again."""
    chain = runner.chain(jitter=False).next(runner.fn(fail), retries=5, backoff=60, max_backoff=60)
    with fake_clock() as clock, no_waiting(), pytest.raises(StepFailedError) as caught:
        runner.run(chain)
    assert clock.slept == []
    assert caught.value.attempts == 6


def test_no_waiting_nests() -> None:
    """The inner block gives back what it found."""
    slow = Chain(jitter=False).next(fail, retries=1, backoff=0.25)
    with fake_clock() as clock:
        with no_waiting():
            with no_waiting():
                pass
            with pytest.raises(StepFailedError):
                slow.run()
        assert clock.slept == []
        with pytest.raises(StepFailedError):
            slow.run()
    assert clock.slept == [0.25]


def test_no_waiting_holds_in_threads() -> None:
    """It is not bound to the thread that said it."""
    chain = Chain(jitter=False).next(fail, name="f", retries=1, backoff=60, max_backoff=60)
    caught: list[Exception] = []

    def run() -> None:
        try:
            chain.run()
        except StepFailedError as error:
            caught.append(error)

    with fake_clock() as clock, no_waiting():
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    assert len(caught) == 1
    assert clock.slept == []


def test_the_fake_clock_moves_when_it_is_told_to(runner: Runner) -> None:
    """Deadlines, waits and the report go by it."""
    with fake_clock() as clock, fake_random(0.5):
        with headrace.deadline(100):
            clock.advance(40)
            assert headrace.remaining() == 60
        chain = runner.chain().next(runner.fn(fail), retries=2, backoff=8, max_backoff=60)
        with pytest.raises(StepFailedError) as caught:
            runner.run(chain)
        assert clock.slept == [4.0, 8.0]
        assert clock.now == 1052.0
    assert caught.value.result is not None
    assert caught.value.result.steps[0].seconds == 12.0
    with headrace.deadline(100):
        left = headrace.remaining()
        assert left is not None
        assert 99 < left <= 100


def test_the_fake_clock_lets_other_tasks_run() -> None:
    """A wait gives way to the event loop, though no time passes."""
    order: list[str] = []

    async def other() -> None:
        order.append("other")

    async def fails() -> None:
        order.append("attempt")
        raise ValueError

    async def main() -> None:
        chain = headrace.AsyncChain().next(fails, retries=1)
        await asyncio.gather(chain.run(), other(), return_exceptions=True)

    with fake_clock():
        asyncio.run(main())
    assert order == ["attempt", "other", "attempt"]
