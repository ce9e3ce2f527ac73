"""The clocks and random source of deadlines, chains and messages; tests replace them."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Always called through this module, never imported by name: headrace.testing replaces them.
monotonic: Callable[[], float] = time.monotonic
"""The clock of deadlines, in seconds."""

wall: Callable[[], float] = time.time
"""The clock that processes share, in seconds since the epoch."""

perf_counter: Callable[[], float] = time.perf_counter
"""The clock of durations, in seconds."""

sleep: Callable[[float], None] = time.sleep
"""Wait in a thread, for a number of seconds."""


async def sleep_async(seconds: float) -> None:
    """Wait in a task."""
    import asyncio  # a Chain never needs it

    await asyncio.sleep(seconds)


def draw() -> float:
    """Draw a number from 0 (included) to 1, with 53 bits of the system's randomness.

    Neither `random.seed()` nor a fork makes two processes draw the same numbers and retry at the
    same moments.
    """
    return (int.from_bytes(os.urandom(7), "big") >> 3) * 2.0**-53


waits: bool = True
"""Whether retries wait at all."""
