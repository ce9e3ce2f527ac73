"""Ten thousand units of work, open at once in threads and tasks, are not mixed up.

The session `audit` sets ``HEADRACE_LOAD`` for a hundred thousand.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator

import pytest

from headrace import (
    configure,
    current_flow_id,
    get_flow_context,
    get_flow_context_value,
    open_context,
    set_flow_context_value,
)
from headrace.testing import reset
from tests.core.flow_kit import new_flow

THREADS = 4
UNITS = int(os.environ.get("HEADRACE_LOAD", "10000")) // THREADS

made = new_flow()


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    configure("none")
    yield
    reset()


@made.step
def plain_step(expected: str) -> bool:
    """Tell whether unit, step and metadata are the expected ones."""
    context = get_flow_context()
    return (
        context is not None
        and (context.correlation_id, context.step) == (expected, "plain_step")
        and get_flow_context_value("mine") == expected
    )


@made.step
async def async_step(expected: str) -> bool:
    """Tell the same, before and after the other tasks had their turn."""
    context = get_flow_context()
    before = context is not None and context.step == "async_step" and plain_step(expected)
    await asyncio.sleep(0)
    return before and current_flow_id() == expected and plain_step(expected)


@made.step
def item_step(expected: str) -> Iterator[bool]:
    """Tell the same between two items."""
    yield plain_step(expected)
    yield plain_step(expected)


async def work(name: str, all_open: asyncio.Event, opened: list[str]) -> int:
    """Run one unit, which is open while all the others are; return how often it saw a wrong one."""
    mistakes = 0
    with open_context(name):
        set_flow_context_value("mine", name)
        opened.append(name)
        items = item_step(name)
        mistakes += not next(items)
        await all_open.wait()
        mistakes += not plain_step(name)
        mistakes += not await async_step(name)
        mistakes += not next(items)
    return mistakes + (current_flow_id() is not None)


async def run_units(thread: int, barrier: threading.Barrier, opened: list[str]) -> int:
    """Run a thread's share of the units, all at once, and return the number of mistakes."""
    all_open = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(work(f"{thread}-{number}", all_open, opened))
            for number in range(UNITS)
        ]
        await asyncio.sleep(0)
        await asyncio.to_thread(barrier.wait, 60)
        all_open.set()
    return sum(task.result() for task in tasks)


def test_units_open_at_once_are_not_mixed_up() -> None:
    """Every unit sees its own ID, step and metadata, and leaves its task without any."""
    opened: list[str] = []
    open_at_once: list[int] = []
    barrier = threading.Barrier(THREADS, lambda: open_at_once.append(len(opened)))
    mistakes: list[int] = []

    def run(thread: int) -> None:
        mistakes.append(asyncio.run(run_units(thread, barrier, opened)))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert open_at_once == [THREADS * UNITS]
    assert mistakes == [0] * THREADS
