"""Time budgets: nested ones only shorten, and each binds the unit in which it was set."""

from __future__ import annotations

import asyncio
import contextvars
import math
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from headrace import deadline, detached, flow, get_flow_context, open_context, remaining
from headrace.integration import Unit, transport_context
from headrace.testing import assert_clean
from tests.core.flow_kit import new_flow


def near(seconds: float | None, expected: float) -> bool:
    """Tell whether `seconds` is `expected`, less the little time that has passed."""
    return seconds is not None and expected - 9 < seconds <= expected


def test_without_a_deadline_nothing_remains_to_be_counted() -> None:
    """Outside any deadline `remaining` is None, inside a unit too."""
    assert remaining() is None
    with open_context() as context:
        assert remaining() is None
        assert context.deadline is None


def test_deadline_counts_down() -> None:
    """Inside the block the seconds left are told; they go below zero once it has passed."""
    with deadline(100):
        assert near(remaining(), 100)
    assert remaining() is None
    with deadline(0):
        time.sleep(0.001)
        left = remaining()
        assert left is not None
        assert left < 0


def test_nested_deadline_only_shortens() -> None:
    """A longer one inside changes nothing, a shorter one holds until its block ends."""
    with deadline(50):
        with deadline(100):
            assert near(remaining(), 50)
        with deadline(10):
            assert near(remaining(), 10)
            with deadline(20):
                assert near(remaining(), 10)
        assert near(remaining(), 50)


@pytest.mark.parametrize("inside", [0, 1, 1.5, math.inf, True])
def test_every_number_from_zero_is_a_deadline(inside: float) -> None:
    """Integers, floats and infinity are taken."""
    with deadline(inside):
        assert remaining() is not None


@pytest.mark.parametrize("wrong", [-1, -0.001, math.nan, -math.inf, "5", None, [5]])
def test_what_is_no_number_of_seconds_is_refused_at_once(wrong: Any) -> None:
    """The error is raised by the call, before any block is entered, and says what was given."""
    with pytest.raises(ValueError, match="a deadline must be a number of seconds, 0 or more, not"):
        deadline(wrong)


def test_block_is_for_one_use() -> None:
    """A budget is entered once, and is no decorator, which would count from the wrong moment."""
    block: Any = deadline(5)
    with block:
        pass
    with pytest.raises(RuntimeError, match="has been used"), block:
        pass
    with pytest.raises(TypeError):
        block(time.sleep)


def test_deadline_goes_on_into_units_opened_inside() -> None:
    """Units by hand, flows and entrypoints, new ones too, have the deadline around them."""
    made = new_flow()
    entry = made.entrypoint(name="join")(remaining)
    fresh = made.entrypoint(name="new", new=True)(remaining)
    with deadline(50):
        assert near(entry(), 50)
        assert near(fresh(), 50)
        with open_context() as context:
            assert near(remaining(), 50)
            assert context.deadline is not None
            with deadline(10):
                assert near(fresh(), 10)
                with made.open("another"):
                    assert near(remaining(), 10)
            assert near(remaining(), 50)


def test_forked_unit_keeps_the_deadline() -> None:
    """A fork made in the block, or entered in it, has no more time than the block."""
    with open_context() as context:
        with deadline(10):
            forked = context.fork()
            assert near(remaining(), 10)
        with forked:
            assert near(remaining(), 10)
        late = context.fork()
        with deadline(10), late:
            assert near(remaining(), 10)
        with deadline(50), context.fork() as inner, deadline(100):
            assert near(remaining(), 50)
            assert inner.deadline is not None


def test_request_is_not_bound_by_the_deadline_it_happens_to_run_in() -> None:
    """A transport's unit has the deadline that its message names, and no other."""
    with deadline(10), open_context(), Unit(transport_context("http")):
        assert remaining() is None


def test_detached_work_has_no_deadline() -> None:
    """`detached` leaves the deadline behind; a unit opened in it has none."""
    with deadline(10), open_context():
        with detached():
            assert remaining() is None
            assert_clean()
            with open_context():
                assert remaining() is None
        assert near(remaining(), 10)


def test_threads_and_tasks_have_the_deadline_of_their_context() -> None:
    """A task started inside has it, and keeps it; a thread starts without."""
    seen: dict[str, float | None] = {}

    async def late() -> None:
        await asyncio.sleep(0)
        seen["task"] = remaining()

    async def main() -> None:
        with deadline(10):
            task = asyncio.create_task(late())
        assert remaining() is None
        await task

    asyncio.run(main())
    with deadline(10):
        thread = threading.Thread(target=lambda: seen.update(thread=remaining()))
        thread.start()
        thread.join()
    assert near(seen["task"], 10)
    if "thread" in seen and seen["thread"] is not None:  # Python may let threads inherit
        assert near(seen["thread"], 10)


@pytest.mark.guarantee(4)
def test_deadline_in_a_generator_is_not_seen_by_its_consumer() -> None:
    """What the body of a step sets lasts for the body, and is not there between the items."""
    made = new_flow()

    @made.step
    def items() -> Iterator[float | None]:
        with deadline(10):
            yield remaining()
            yield remaining()
        yield remaining()

    with open_context():
        seen = []
        for item in items():
            assert remaining() is None
            seen.append(item)
        with deadline(5):
            running = items()
        assert near(next(running), 5)
        with deadline(1):
            assert near(next(running), 5)
        assert remaining() is None
        running.close()
    assert [near(item, 10) for item in seen] == [True, True, False]


@pytest.mark.guarantee(3)
def test_block_left_in_another_context_takes_nothing_off_there() -> None:
    """A generator that is closed elsewhere ends its deadline, and not the one that is active."""

    def body() -> Iterator[None]:
        with deadline(10):
            yield

    running = body()
    contextvars.copy_context().run(next, running)
    with deadline(50):
        running.close()
        assert near(remaining(), 50)
    assert remaining() is None


@pytest.mark.guarantee(2)
def test_blocks_left_in_disorder_leave_nothing_behind() -> None:
    """Whatever the order in which they are left, in the end there is no deadline."""

    def body(seconds: float) -> Iterator[None]:
        with deadline(seconds):
            yield

    first, second, third = body(10), body(20), body(30)
    for one in (first, second, third):
        next(one)
    for one in (second, first, third):
        one.close()
    assert remaining() is None
    with open_context() as context, flow("deadlines").open():
        assert get_flow_context() is context
        assert remaining() is None
