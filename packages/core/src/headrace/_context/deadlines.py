"""Time budgets: a deadline is a reading of the monotonic clock; nested ones only shorten it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import ref

from headrace._process import clock

from .variables import get_budget, get_unit, set_budget

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import TracebackType

    from .model import FlowContext


class Budget:
    """A time budget for everything inside a block.

    Args:
        block: the context manager that begins and ends it. If it is freed without ending the
            budget, a signal arrived just before its `__exit__` could begin.
        unit: the unit of work in which it was set. It does not bind another unit that runs in a
            copy of these variables, such as a request on a kept-alive connection.
        until: the reading of `time.monotonic` at which it has passed, or None for no budget.
    """

    __slots__ = ("_block", "_is_over", "_outer", "unit", "until")

    def __init__(self, block: object, unit: FlowContext | None, until: float | None) -> None:
        self.unit: FlowContext | None = unit
        self.until: float | None = until
        self._block = ref(block)
        outer = get_budget()
        self._outer = outer.outer() if outer is not None and outer.is_over() else outer
        self._is_over = False

    def begin(self) -> None:
        """Make the budget current."""
        set_budget(self)

    def outer(self) -> Budget | None:
        """Return the nearest enclosing budget that is not over."""
        outer = self._outer
        while outer is not None and outer.is_over():
            outer = outer._outer  # noqa: SLF001 - of this class
        return outer

    def is_over(self) -> bool:
        """Return whether its block has been left, or can no longer be left."""
        return self._is_over or self._block() is None

    def is_forgotten(self) -> bool:
        """Return whether its block was never left and can no longer be left."""
        return not self._is_over and self._block() is None

    def is_current(self) -> bool:
        """Return whether this is the innermost budget."""
        return get_budget() is self

    def leave(self) -> None:
        """Restore the previous budget, unless another one has begun since."""
        self._is_over = True
        if self.is_current():
            set_budget(self.outer())


class _Deadline:
    """The block of `deadline`, for one use."""

    __slots__ = ("__weakref__", "_budget", "_seconds")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._budget: Budget | None = None

    def __enter__(self) -> None:
        if self._budget is not None:
            raise RuntimeError("this deadline has been used; call headrace.deadline() for another")
        unit = get_unit()
        until = min_deadline(clock.monotonic() + self._seconds, inherited_deadline(unit))
        self._budget = Budget(self, unit, until)
        try:
            self._budget.begin()
        except BaseException:  # a signal
            self._budget.leave()
            raise

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._budget is not None:
            self._budget.leave()


def deadline(seconds: float) -> AbstractContextManager[None]:
    """Give everything inside the block a time budget of `seconds`.

    A nested budget never lengthens the outer one. `remaining` returns the seconds left; chains and
    outgoing headers obey the deadline.

    Raises:
        ValueError: `seconds` is negative or not a number.
    """
    if not isinstance(seconds, int | float) or not seconds >= 0:
        raise ValueError(f"a deadline must be a number of seconds, 0 or more, not {seconds!r}")
    return _Deadline(seconds)


def remaining() -> float | None:
    """Return the seconds left until the active deadline, negative once it has passed, or None."""
    until = inherited_deadline(get_unit())
    return None if until is None else until - clock.monotonic()


def inherited_deadline(unit: FlowContext | None) -> float | None:
    """Return the active deadline of `unit`, the current unit, as a clock reading."""
    own = None if unit is None else unit.deadline
    budget = get_budget()
    if budget is not None and budget.is_forgotten():
        budget = budget.outer()
    return own if budget is None or budget.unit is not unit else min_deadline(own, budget.until)


def has_forgotten_block() -> bool:
    """Return whether the innermost `deadline` or `detached` block can no longer be left."""
    budget = get_budget()
    return budget is not None and budget.is_forgotten()


def min_deadline(first: float | None, second: float | None) -> float | None:
    """Return the earlier of two deadlines, either of which may be None."""
    if first is None or second is None:
        return second if first is None else first
    return min(first, second)
