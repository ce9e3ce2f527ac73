"""Locks that stay usable when a signal handler raises, and in a forked child."""

from __future__ import annotations

import os
import sys
from threading import RLock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_Base: Any = object if TYPE_CHECKING else type(RLock())


class SignalSafeLock(_Base):  # type: ignore[misc]  # Any: RLock is a function there
    """A reentrant lock that is released even if a signal arrives just after it was acquired.

    Since Python 3.14, a signal handler may run between a lock's `__enter__` and the body of the
    `with` statement. If it raises there, nothing releases the lock, and other threads wait forever.
    """

    def __enter__(self) -> bool:
        """Acquire the lock, or leave it as it was."""
        acquired: list[bool] = []
        try:
            # Both are C functions: no handler runs between acquiring the lock and recording it.
            acquired.extend(map(self.acquire, (True,)))
        except BaseException:
            if acquired:
                self.release()
            raise
        return True

    # `__exit__` is inherited from C: a signal handler could run at the start of a Python function.


new_lock: Any = SignalSafeLock if sys.version_info >= (3, 14) else RLock
"""Create a reentrant lock for `with` statements."""


def fork_safe_lock(namespace: dict[str, Any], name: str) -> Any:
    """Return a lock for a module's global variable, which a forked child replaces with a free one.

    A thread that held the lock during the fork does not exist in the child, and would never
    release it there.

    Args:
        namespace: the module's ``globals()``.
        name: the name of the variable.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: renew_lock(namespace, name))
    return new_lock()


def renew_lock(namespace: dict[str, Any], name: str) -> None:
    """Replace the lock in the variable `name` with a free one."""
    namespace[name] = new_lock()


# A signal or a garbage collection may interrupt while it is held.
_once_lock = fork_safe_lock(globals(), "_once_lock")


def make_once(owner: Any, name: str, make: Callable[[], Any]) -> None:
    """Set the attribute `name` of `owner` to the result of `make`, unless it is already set."""
    with _once_lock:
        if not hasattr(owner, name):  # another thread may have been first
            setattr(owner, name, make())
