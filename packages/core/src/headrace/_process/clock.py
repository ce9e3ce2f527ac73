"""The clocks and random source of deadlines, chains and messages; tests replace them."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Call these through the module, never import them by name: headrace.testing replaces them.
monotonic: Callable[[], float] = time.monotonic
"""The clock of deadlines, in seconds."""

wall: Callable[[], float] = time.time
"""The wall clock, shared between processes, in seconds since the epoch."""

perf_counter: Callable[[], float] = time.perf_counter
"""The clock of durations, in seconds."""

sleep: Callable[[float], None] = time.sleep
"""Wait in a thread, for a number of seconds."""


async def sleep_async(seconds: float) -> None:
    """Wait in a task."""
    import asyncio  # a Chain never needs it

    await asyncio.sleep(seconds)


def draw() -> float:
    """Return a number in the interval [0, 1), with 53 bits of the system's randomness.

    `random.seed()` and forks do not affect it, so no two processes retry in lockstep.
    """
    return (int.from_bytes(os.urandom(7), "big") >> 3) * 2.0**-53


waits: bool = True
"""Whether retries wait at all."""
