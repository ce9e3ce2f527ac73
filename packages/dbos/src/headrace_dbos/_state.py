"""The process's durable chains, and its DBOS once that is launched."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from headrace.integration import GuardedLogger

if TYPE_CHECKING:
    from dbos import DBOS

    from ._chain import BaseDurable

T = TypeVar("T")

PREFIX = "headrace:"  # of the names of our workflows

log = GuardedLogger("headrace.chain")
chains: dict[str, BaseDurable] = {}  # by name

SLOTS = 200
"""How many resumed runs at a time: each occupies a thread, however many are unfinished."""


@dataclass(eq=False)
class Engine:
    """The DBOS of this process."""

    url: str
    serializer: Any
    release: Callable[[], None]  # unlocks the executor ID
    is_joined: bool  # whether the application launched it
    queue: Any = None  # DBOS's internal queue, which starts resumed runs
    pid: int = field(default_factory=os.getpid)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _slots: int = 0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Give another run the slot of one that waits for its branches, which may need slots."""
        self.add_slots(1)
        try:
            yield
        finally:
            self.add_slots(-1)

    def add_slots(self, count: int) -> None:
        """Let `count` more runs be resumed at a time."""
        with self._lock:
            self._slots += count
            # DBOS has no public name for this limit of its own queue.
            self.queue._worker_concurrency = self._slots  # noqa: SLF001


current: list[Engine] = []  # the DBOS of this process, if it is launched


def engine() -> Engine:
    """Return the DBOS of this process; raise `RuntimeError` if it was not launched here."""
    if not current:
        raise RuntimeError("call headrace_dbos.launch() first")
    if current[0].pid != os.getpid():
        raise RuntimeError("headrace_dbos was launched before a fork: launch it in each child")
    return current[0]


def dbos() -> type[DBOS]:
    """Return the class of DBOS, whose import takes a second."""
    from dbos import DBOS

    return DBOS


def aside(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Call `function` outside the workflow that may be current, which would record the call.

    On an event loop, where DBOS refuses calls that block, a thread makes it.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return Context().run(function, *args, **kwargs)
    with ThreadPoolExecutor(1, thread_name_prefix="headrace-dbos") as pool:
        return pool.submit(Context().run, function, *args, **kwargs).result()
