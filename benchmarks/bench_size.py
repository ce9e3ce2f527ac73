"""What is not a ratio of calls: the memory of an open unit, and how registration grows."""

from __future__ import annotations

import gc
import statistics
import tracemalloc
from contextlib import ExitStack
from contextvars import copy_context
from time import process_time

import headrace
from benchmarks.harness import Result

_UNITS = 1000


def bytes_per_unit() -> float:
    """Return the memory of an open unit in bytes, its IDs included."""
    headrace.configure("none")
    return statistics.median(copy_context().run(_hold_units) for _ in range(5))


def _hold_units() -> float:
    with ExitStack() as stack:
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        units = [headrace.open_context() for _ in range(_UNITS)]
        ids = [stack.enter_context(unit).unit_id for unit in units]
        used = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        del ids
    return used / _UNITS


def registration_growth(steps: int = 5000) -> float:
    """Return how much longer registering and drawing twice the steps takes."""
    pairs = [(_register(2 * steps, f"double{i}"), _register(steps, f"{i}")) for i in range(7)]
    return statistics.median(doubled / once for doubled, once in pairs)


def _register(steps: int, name: str) -> float:
    flow = headrace.flow(f"growth.{name}")
    gc.collect()
    gc.disable()
    try:
        start = process_time()
        flow.entrypoint(name="s0")(_nothing)
        for i in range(1, steps):
            flow.step(after=f"s{(i - 1) // 2}", name=f"s{i}")(_nothing)
        flow.graph()
        return process_time() - start
    finally:
        gc.enable()


def _nothing() -> None:
    """Be a step."""


def results() -> list[Result]:
    """Return both figures; the first is in bytes and stands as a ratio of 700."""
    size = bytes_per_unit()
    growth = registration_growth()
    return [
        Result("an open unit, of 700 bytes", "headrace", 0.0, size / 700, 1.0),
        Result("twice 5,000 steps, in once", "headrace, registered and drawn", 0.0, growth, 2.2),
    ]
