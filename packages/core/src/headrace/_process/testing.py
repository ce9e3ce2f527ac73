"""Control over clocks and randomness for tests; exported by `headrace.testing`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from headrace._process import clock as _clock
from headrace._process.locks import new_lock

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def no_waiting() -> Iterator[None]:
    """Make every retry of every chain immediate.

    Hooks still receive the scheduled delay, which does not count towards a deadline. The effect
    covers the whole process, with all its threads and tasks.
    """
    before = _clock.waits
    _clock.waits = False
    try:
        yield
    finally:
        _clock.waits = before


class FakeClock:
    """A clock that a test controls; `fake_clock` installs it.

    Attributes:
        now: the current reading, in seconds.
        slept: the delays of chains, in seconds, in order.
    """

    def __init__(self, now: float) -> None:
        self.now: float = now
        self.slept: list[float] = []
        self._lock = new_lock()
        self._epoch = _clock.wall() - now

    def advance(self, seconds: float) -> None:
        """Move the clock forward by `seconds`."""
        with self._lock:
            self.now += seconds

    def read(self) -> float:
        """Return the clock's reading, in seconds."""
        return self.now

    def wall(self) -> float:
        """Return the wall time: the real time at creation plus the time advanced since."""
        return self._epoch + self.now

    def sleep(self, seconds: float) -> None:
        """Move the clock forward by `seconds` instead of blocking the thread."""
        self.slept.append(seconds)
        self.advance(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Move the clock forward by `seconds` instead of suspending the task."""
        import asyncio

        self.sleep(seconds)
        await asyncio.sleep(0)


@contextmanager
def fake_clock(now: float = 1000.0) -> Iterator[FakeClock]:
    """Replace the clock with one that moves only when a chain waits or the test advances it.

    All chains and deadlines of the process use it, including the deadlines of requests and Celery
    messages. Retries take no real time, and ``clock.slept`` lists their delays. The `timeout` of a
    step still measures real time.

    Args:
        now: the clock's initial reading, in seconds.
    """
    clock = FakeClock(now)
    names = ("monotonic", "perf_counter", "wall", "sleep", "sleep_async")
    before = {name: getattr(_clock, name) for name in names}
    _clock.monotonic = _clock.perf_counter = clock.read
    _clock.wall, _clock.sleep, _clock.sleep_async = clock.wall, clock.sleep, clock.sleep_async
    try:
        yield clock
    finally:
        for name, function in before.items():
            setattr(_clock, name, function)


@contextmanager
def fake_random(*numbers: float) -> Iterator[None]:
    """Make retry jitter cycle through `numbers` instead of drawing random ones.

    Args:
        numbers: fractions of the maximum delay, at least 0 and less than 1; a single ``0.5`` halves
            every delay.

    Raises:
        ValueError: there are no numbers, or one is out of range.
    """
    if not numbers or not all(0 <= number < 1 for number in numbers):
        raise ValueError(
            f"fake_random() takes numbers of at least 0 and less than 1, not {numbers!r}"
        )
    queue = list(numbers)
    lock = new_lock()

    def draw() -> float:
        with lock:
            queue.append(queue[0])
            return queue.pop(0)

    before = _clock.draw
    _clock.draw = draw
    try:
        yield
    finally:
        _clock.draw = before
