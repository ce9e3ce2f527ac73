"""Time budgets: a deadline is a reading of the monotonic clock, and nested ones only shorten."""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import TYPE_CHECKING

from ._context import FlowContext, unit_var

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import TracebackType

# Called through this module each time: headrace.testing puts a clock of its own here.
monotonic = time.monotonic
"""The clock of deadlines, in seconds."""


class Budget:
    """A time budget as everything inside its block sees it.

    Args:
        unit: the unit of work in which it was set. Another one that happens to run in a copy of
            these variables (a request on a kept-alive connection) is not bound by it.
        until: the reading of `time.monotonic` at which it has passed, or None for no budget.
    """

    __slots__ = ("_is_over", "_outer", "unit", "until")

    def __init__(self, unit: FlowContext | None, until: float | None) -> None:
        self.unit: FlowContext | None = unit
        self.until: float | None = until
        self._outer = budget_var.get()
        self._is_over = False
        budget_var.set(self)

    def outer(self) -> Budget | None:
        """Return the budget around this one that is not over yet."""
        outer = self._outer
        return outer if outer is None or not outer.is_over() else outer.outer()

    def is_over(self) -> bool:
        """Tell whether its block has been left."""
        return self._is_over

    def is_current(self) -> bool:
        """Tell whether no other block has begun since and is still open."""
        return budget_var.get() is self

    def leave(self) -> None:
        """Restore what was in force before, unless that is over too or something else is on."""
        self._is_over = True
        if self.is_current():
            budget_var.set(self.outer())


class _Deadline:
    """The block of `deadline`, for one use."""

    __slots__ = ("_budget", "_seconds")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._budget: Budget | None = None

    def __enter__(self) -> None:
        if self._budget is not None:
            raise RuntimeError("this deadline has been used; call headrace.deadline() for another")
        unit = unit_var.get()
        until = min_deadline(monotonic() + self._seconds, inherited_deadline(unit))
        self._budget = Budget(unit, until)

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._budget is not None:
            self._budget.leave()


budget_var: ContextVar[Budget | None] = ContextVar("headrace.deadline", default=None)


def deadline(seconds: float) -> AbstractContextManager[None]:
    """Give everything inside the block a time budget of `seconds`.

    A budget that is already running is never lengthened by a nested one. `remaining` tells what
    is left; chains and outgoing headers heed it.

    Raises:
        ValueError: `seconds` is negative or not a number.
    """
    if not isinstance(seconds, int | float) or not seconds >= 0:
        raise ValueError(f"a deadline is a number of seconds from 0, not {seconds!r}")
    return _Deadline(seconds)


def remaining() -> float | None:
    """Return the seconds left of the active deadline, negative once it has passed, or None."""
    until = inherited_deadline(unit_var.get())
    return None if until is None else until - monotonic()


def inherited_deadline(unit: FlowContext | None) -> float | None:
    """Return the deadline that is active in `unit`, the current one, as a clock reading."""
    own = None if unit is None else unit.deadline
    budget = budget_var.get()
    return own if budget is None or budget.unit is not unit else min_deadline(own, budget.until)


def min_deadline(first: float | None, second: float | None) -> float | None:
    """Return the earlier of two deadlines, either of which may be None."""
    if first is None or second is None:
        return second if first is None else first
    return min(first, second)
