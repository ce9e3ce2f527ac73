"""One chain, many runs at once."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import headrace
from headrace import AsyncChain, Chain, StepFailedError

undone: list[Any] = []


def begin(number: int) -> int:
    time.sleep(random.random() / 500)
    headrace.set_flow_context_value("number", number)
    return number


def check(number: int, begun: int) -> tuple[Any, ...]:
    time.sleep(random.random() / 500)
    context = headrace.get_flow_context()
    assert context is not None
    return number, begun, headrace.get_flow_context_value("number"), context.step


def fail_if_odd(number: int) -> None:
    if number % 2:
        raise ValueError(f"{number} is odd")


CHAIN = (
    Chain("in_many_threads", jitter=False)
    .next(begin, out="begun", args=["number"], undo=undone.append)
    .next(check, out="checked", args=["number", "begun"])
    .parallel(
        Chain().next(check, out="left", args=["number", "begun"]),
        Chain().next(check, out="right", args=["number", "begun"]),
    )
    .next(fail_if_odd, args=["number"], retries=1, backoff=0)
)


@pytest.mark.guarantee(37)
def test_a_chain_runs_in_a_hundred_threads_at_once() -> None:
    """Each run has its own context, steps, undos and unit."""
    undone.clear()
    start = threading.Barrier(100)
    identifiers: list[str | None] = []

    def run(number: int) -> None:
        start.wait()
        result: Any
        if number % 2:
            with pytest.raises(StepFailedError, match=f"ValueError: {number} is odd") as caught:
                CHAIN.run(number=number)
            result = caught.value.result
        else:
            result = CHAIN.run(number=number)
        identifiers.append(result.correlation_id)
        expected = (number, number, number)
        for key in ("left", "right", "checked"):
            assert result[key] == (*expected, key)
        attempts = [1, 1, 1, 1, 2 if number % 2 else 1]
        assert [step.attempts for step in result.steps] == attempts

    with ThreadPoolExecutor(100) as pool:
        for _ in pool.map(run, range(100)):
            pass
    assert len(set(identifiers)) == 100
    assert sorted(undone) == list(range(1, 100, 2))


@pytest.mark.guarantee(37)
def test_a_chain_runs_in_a_thousand_tasks_at_once() -> None:
    """Neither values nor steps nor IDs are seen in another run."""

    async def step(number: int, *_: Any) -> Any:
        await asyncio.sleep(random.random() / 100)
        context = headrace.get_flow_context()
        assert context is not None
        return number, context.step, context.correlation_id

    chain = AsyncChain().next(step, out="a", args=["n"]).next(step, out="b", args=["n", "a"])
    chain.parallel(
        AsyncChain().next(step, out="c", args=["n"]), AsyncChain().next(step, out="d", args=["n"])
    )

    async def main() -> list[Any]:
        return await asyncio.gather(*(chain.run(n=number) for number in range(1000)))

    results = asyncio.run(main())
    for number, result in enumerate(results):
        identifier = result.correlation_id
        assert result == {"n": number} | {key: (number, key, identifier) for key in "abcd"}
    assert len({result.correlation_id for result in results}) == 1000


@pytest.mark.guarantee(37)
def test_a_chain_may_run_within_itself() -> None:
    """A run that is begun by a step of the same chain has a context of its own."""

    def count_down(number: int) -> Any:
        return None if number == 0 else chain.run(number=number - 1)

    chain = Chain().next(count_down, out="inner", args=["number"])
    result = chain.run(number=2)
    assert result == {
        "number": 2,
        "inner": {"number": 1, "inner": {"number": 0, "inner": None}},
    }


def test_the_first_runs_may_come_at_the_same_time() -> None:
    """Freezing a chain is no race."""
    for _ in range(20):
        chain = Chain().next(time.sleep, args=[0.0001]).next(int, out="n")
        start = threading.Barrier(8)

        def run(chain: Chain = chain, start: threading.Barrier = start) -> dict[str, Any]:
            start.wait()
            return chain.run()

        with ThreadPoolExecutor(8) as pool:
            futures = [pool.submit(run) for _ in range(8)]
        assert [future.result() for future in futures] == [{"n": 0}] * 8
