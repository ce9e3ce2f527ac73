"""An event loop with virtual time, so that no test depends on the speed of the machine.

Its clock stands still while a task or a thread works, and jumps to the next timer when all of them
wait. The deadlines of chains use this clock too.
"""

from __future__ import annotations

import asyncio
import selectors
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on which waiting takes no time; `run` creates one."""

    def __init__(self) -> None:
        self.now = 0.0
        self._working = 0
        self._sleepers: set[threading.Event] = set()
        self.was_called = threading.Event()
        super().__init__(_Selector(self))

    def time(self) -> float:
        """Return the seconds that have passed."""
        return self.now

    @property
    def is_idle(self) -> bool:
        """Whether no thread works."""
        return not self._working

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        """Stop the clock until the call ends or sleeps."""
        future = super().run_in_executor(executor, func, *args)
        self._working += 1
        future.add_done_callback(lambda _: self._pause())
        return future

    def sleep(self, seconds: float) -> None:
        """Sleep in a thread of `run_in_executor`."""
        over = threading.Event()
        self._sleepers.add(over)
        self.call_soon_threadsafe(self._send_to_sleep, over, seconds)
        assert over.wait(60)

    def _send_to_sleep(self, over: threading.Event, seconds: float) -> None:
        self._pause()
        self.call_later(seconds, self._wake, over)

    def _pause(self) -> None:
        self._working -= 1

    def _wake(self, over: threading.Event) -> None:
        if over in self._sleepers:
            self._sleepers.remove(over)
            self._working += 1
            over.set()

    def wake_all(self) -> None:
        """Wake all sleeping threads early."""
        for over in self._sleepers.copy():
            self._wake(over)

    def call_soon_threadsafe(self, *args: Any, **kwargs: Any) -> asyncio.Handle:
        """Schedule a call, and set `was_called`."""
        handle = super().call_soon_threadsafe(*args, **kwargs)
        self.was_called.set()
        return handle

    async def shutdown_default_executor(self, *_: object) -> None:
        """Wait without a timeout, which would expire at once."""
        await super().shutdown_default_executor()

    def close(self) -> None:
        """Close the loop and wake the threads that still sleep, which nothing else would."""
        super().close()
        self.wake_all()


class _Selector(selectors.DefaultSelector):
    """Advances the clock instead of waiting for a timer."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        if not timeout or timeout < 0:
            return super().select(timeout)
        if not self._loop.is_idle:
            return super().select(60)
        ready = super().select(0)
        if not ready:
            self._loop.now += timeout
        return ready


@contextmanager
def virtual_loop() -> Iterator[VirtualLoop]:
    """Create a loop; `sleep` and the deadlines of chains use its clock."""
    loop = VirtualLoop()
    with (
        patch("headrace._process.clock.monotonic", loop.time),
        patch(f"{__name__}.sleep", loop.sleep),
    ):
        yield loop


def run(main: Coroutine[Any, Any, T]) -> T:
    """Do what `asyncio.run` does, on a `VirtualLoop`."""
    with virtual_loop() as loop, asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main)


def sleep(seconds: float) -> None:
    """Sleep in a thread of the loop, on its clock."""
    raise RuntimeError("no virtual loop is running")
