"""The process's durable chains, and its DBOS once that is launched."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from headrace.integration import GuardedLogger

if TYPE_CHECKING:
    from ._chain import BaseDurable
    from ._values import Values

P = ParamSpec("P")
T = TypeVar("T")

PREFIX = "headrace:"
"""Begins the names of our workflows."""

log = GuardedLogger("headrace.chain")
chains: dict[str, BaseDurable] = {}
"""The durable chains, by name."""


class Engine:
    """The DBOS of this process.

    Args:
        executor_id: the ID of this executor.
        url: the database.
        values: checks the values to record.
        queue: the queue of DBOS through which resumed runs start.
        release: unlocks the executor ID.
    """

    SLOTS = 200
    """How many resumed runs at a time: a run occupies a thread, however many are unfinished."""

    def __init__(
        self,
        executor_id: str,
        url: str,
        values: Values,
        queue: Any,
        release: Callable[[], None],
    ) -> None:
        self.executor_id = executor_id
        self.url = url
        self.values = values
        self.release = release
        self.pid = os.getpid()
        self._queue = queue
        self._lock = threading.Lock()
        self._slots = queue._worker_concurrency = self.SLOTS  # noqa: SLF001 - no public setter

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Give another run the slot of one that waits for its branches, which may need slots."""
        self._add_slots(1)
        try:
            yield
        finally:
            self._add_slots(-1)

    def _add_slots(self, count: int) -> None:
        with self._lock:
            self._slots += count
            self._queue._worker_concurrency = self._slots  # noqa: SLF001 - as above


_engine: Engine | None = None


def set_engine(engine: Engine | None) -> None:
    """Set the DBOS of this process."""
    global _engine  # noqa: PLW0603 - one per process, like DBOS
    _engine = engine


@overload
def engine() -> Engine: ...
@overload
def engine(*, needed: bool) -> Engine | None: ...
def engine(*, needed: bool = True) -> Engine | None:
    """Return the DBOS of this process.

    Raises:
        RuntimeError: it was launched before a fork, or is needed and not launched.
    """
    if _engine is None:
        if needed:
            raise RuntimeError("call headrace_dbos.launch() first")
        return None
    if _engine.pid != os.getpid():
        raise RuntimeError(
            f"headrace_dbos was launched in process {_engine.pid}, before this one was forked; a "
            f"prefork server launches it in each child"
        )
    return _engine


def aside(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `function` outside the workflow that may be current, which would record the call."""
    return Context().run(function, *args, **kwargs)
