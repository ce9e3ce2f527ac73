"""Time budgets: a deadline is a reading of the monotonic clock, and nested ones only shorten."""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from ._context import FlowContext, unit_var

if TYPE_CHECKING:
    from collections.abc import Iterator

# Called through this module each time: headrace.testing puts a clock of its own here.
monotonic = time.monotonic
"""The clock of deadlines, in seconds."""

# The unit in which the budget was set stands beside it: another unit that happens to run in a
# copy of these variables (a request on a kept-alive connection) is not bound by it.
budget_var: ContextVar[tuple[FlowContext | None, float] | None] = ContextVar(
    "headrace.deadline", default=None
)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Give everything inside the block a time budget of `seconds`.

    A budget that is already running is never lengthened by a nested one. `remaining` tells what
    is left; chains and outgoing headers heed it.

    Raises:
        ValueError: `seconds` is negative or not a number.
    """
    if not seconds >= 0:
        raise ValueError(f"a deadline is a number of seconds from 0, not {seconds!r}")
    unit = unit_var.get()
    running = inherited_deadline(unit)
    until = monotonic() + seconds
    previous = budget_var.get()
    budget_var.set((unit, until if running is None else min(until, running)))
    try:
        yield
    finally:
        budget_var.set(previous)


def remaining() -> float | None:
    """Return the seconds left of the active deadline, negative once it has passed, or None."""
    until = inherited_deadline(unit_var.get())
    return None if until is None else until - monotonic()


def inherited_deadline(unit: FlowContext | None) -> float | None:
    """Return the deadline that is active in `unit`, the current one, as a clock reading."""
    own = None if unit is None else unit.deadline
    budget = budget_var.get()
    if budget is None or budget[0] is not unit:
        return own
    return budget[1] if own is None else min(budget[1], own)
