"""Conditions under which a call runs inside the surrounding transaction."""

from __future__ import annotations

from collections.abc import Mapping

from headrace_inspect._evaluate._contexts import Event

_IN_OTHER_THREADS = frozenset(["start", "submit", "run_in_executor", "start_soon"])
_IN_TESTS = frozenset([
    "CELERY_TASK_ALWAYS_EAGER", "CELERY_ALWAYS_EAGER", "task_always_eager", "TESTING",
])  # fmt: skip
Flags = Mapping[str, bool | None]
"""Parameters known to be true, false or None."""


def runs(event: Event, flags: Flags) -> bool:
    """Tell whether a call may run inside the surrounding transaction.

    It does not if a condition contradicts a known parameter, requires a test setting, or requires
    `in_atomic_block` to be false; nor in another thread, which has its own connection.

    Args:
        event: the call.
        flags: the known parameters.
    """
    match event.node:
        case ("c", _, _, ("a", _, name, _), _, _) if name in _IN_OTHER_THREADS:
            return False
    for name, holds in event.conditions:
        truth: bool | None = True if name == "in_atomic_block" else None
        truth = False if name in _IN_TESTS else truth
        plain = name.removesuffix(" is None")
        if plain in flags:
            truth = flags[plain] is None if name != plain else bool(flags[plain])
        if truth is not None and truth is not holds:
            return False
    return True
