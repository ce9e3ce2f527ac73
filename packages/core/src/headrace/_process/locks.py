"""Locks that stay usable when a signal handler raises."""

from __future__ import annotations

import sys
from threading import RLock
from typing import TYPE_CHECKING, Any

_Base: Any = object if TYPE_CHECKING else type(RLock())


class SignalSafeLock(_Base):  # type: ignore[misc]  # Any: RLock is a function there
    """A reentrant lock that is released although a signal comes just after it was acquired.

    Since Python 3.14 a signal handler may run between `__enter__` of a lock and the body of its
    `with` statement. If it raises there, nothing releases the lock, and other threads wait for
    ever.
    """

    def __enter__(self) -> bool:
        """Acquire the lock, or leave it as it was."""
        acquired: list[bool] = []
        try:
            # Both are C functions: no handler runs between the acquisition and its record.
            acquired.extend(map(self.acquire, (True,)))
        except BaseException:
            if acquired:
                self.release()
            raise
        return True

    # `__exit__` stays the one written in C: a handler could run where a Python function begins.


new_lock: Any = SignalSafeLock if sys.version_info >= (3, 14) else RLock
"""Make a lock for `with`."""
