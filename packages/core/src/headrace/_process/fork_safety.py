"""Prevent forks while another thread writes a log line.

Python gives a forked process new locks for its log handlers, but the lock inside a stream's C
buffer keeps its state: locked forever if another thread was writing. The process then hangs at its
first log line. Holding a handler's lock across the fork keeps other threads out of its stream.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import Any

PATIENCE = 1.0
"""How long a fork waits for busy handlers, in seconds: one may be blocked on a full pipe."""

_SLICE = 0.02  # seconds to wait for one lock before releasing all, to avoid a deadlock
# The only complete list of live handlers: dictConfig empties `logging._handlerList`.
_handlers: Iterable[logging.Handler] = getattr(logging, "_at_fork_reinit_lock_weakset", ())


class _Fork(threading.local):
    """The fork that this thread is about to make."""

    def __init__(self) -> None:
        self.held: list[Any] = []
        self.busy: list[logging.Handler] = []


_fork = _Fork()
_abandoned: list[Any] = []  # streams whose buffer is locked forever; deleting one would block


def fork_safe() -> None:
    """Prevent forks while another thread is writing a log line, so that no child hangs.

    Use it in programs that fork while other threads run, such as Celery's prefork worker on a
    transport without an event loop. It covers all handlers, including later ones. A fork waits at
    most a second for a busy handler, such as one blocked on a full pipe; the child then reopens
    that handler's stream. The effect lasts for the life of the process; a second call does nothing.
    """
    if hasattr(os, "register_at_fork"):
        _register()


@cache
def _register() -> None:
    os.register_at_fork(before=_before, after_in_parent=_release, after_in_child=_after_in_child)


def _before() -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        complete = _hold_all()
        if complete or time.monotonic() > deadline:
            return
        # A thread may hold the missing lock while it waits for a lock held here.
        _release()
        time.sleep(0.001)


def _hold_all() -> bool:
    """Take logging's own lock, then the handlers' locks; return whether all were free."""
    _fork.busy = []
    # Logging's lock first: dictConfig holds it while taking the handlers' locks, and logging's own
    # fork hook takes it without a timeout.
    module_lock = getattr(logging, "_lock", None)
    if module_lock is not None and not _hold(module_lock):
        _fork.busy = list(_handlers)
        return False
    for handler in list(_handlers):
        if handler.lock is not None and not _hold(handler.lock):
            _fork.busy.append(handler)
    return not _fork.busy


def _hold(lock: Any) -> bool:
    # Recorded first, since a signal handler may raise in between.
    _fork.held.append(lock)
    if lock.acquire(timeout=_SLICE):
        return True
    _fork.held.pop()
    return False


def _release() -> None:
    held = _fork.held
    while held:
        with suppress(RuntimeError):  # in the child, logging has replaced most of them
            held.pop().release()


def _after_in_child() -> None:
    _release()
    busy, _fork.busy = _fork.busy, []
    locked = {id(stream): stream for stream in map(_stream, busy) if stream is not None}
    for stream in locked.values():
        with suppress(OSError, ValueError):  # no file descriptor, or closed
            _replace(stream, _reopened(stream))


def _stream(handler: logging.Handler) -> io.TextIOWrapper | None:
    stream = getattr(handler, "stream", None)
    return stream if isinstance(stream, io.TextIOWrapper) else None


def _reopened(stream: io.TextIOWrapper) -> io.TextIOWrapper:
    raw = open(stream.fileno(), "wb", closefd=False)  # noqa: SIM115 - for the life of the process
    return io.TextIOWrapper(raw, stream.encoding, stream.errors, line_buffering=True)


def _replace(stream: io.TextIOWrapper, fresh: io.TextIOWrapper) -> None:
    _abandoned.append(stream)
    handlers: list[Any] = [*_handlers]
    for handler in handlers:
        if _stream(handler) is stream:
            with suppress(AttributeError):  # logging's last resort looks up sys.stderr each time
                handler.stream = fresh
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is stream:
            setattr(sys, name, fresh)
