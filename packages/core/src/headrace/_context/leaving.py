"""Units left out of order, while something opened inside them was still current."""

from __future__ import annotations

from contextvars import Token
from typing import TYPE_CHECKING, NamedTuple

from .deadlines import has_forgotten_block
from .variables import reset_unit, set_unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace._step_info import StepInfo

    from .model import FlowContext


class Left(NamedTuple):
    """How a unit was left while another one was current."""

    outer: FlowContext | None
    """The unit that was current before it."""
    info: StepInfo | None
    """The step that was current before it."""
    token: Token[FlowContext | None]
    """Identifies the thread or task in which it was left."""
    takes_all: bool
    """Whether everything opened inside was left with it."""


def restored(
    unit: FlowContext | None, info: StepInfo | None
) -> tuple[FlowContext | None, StepInfo | None]:
    """Return the unit and step to restore for `unit`: itself, unless it has been left here.

    A thread or task started inside the unit keeps it, even if it has been left elsewhere. The
    caller sets the variable of the unit afterwards.
    """
    while unit is not None and (left := left_here(unit)) is not None:
        unit, info = left.outer, left.info
    return unit, info


def left_here(unit: FlowContext) -> Left | None:
    """Return how `unit` was left in this thread or task, or None.

    The caller sets the variable of the unit afterwards.
    """
    left: Left | None = getattr(unit, "_left", None)
    if left is None:
        return None
    try:
        reset_unit(left.token)
    except ValueError:
        return None
    set_left(unit, left.outer, left.info, takes_all=left.takes_all)
    return left


def set_left(
    unit: FlowContext, outer: FlowContext | None, info: StepInfo | None, *, takes_all: bool
) -> None:
    """Record that `unit` has been left in this thread or task, and the previous unit and step.

    This makes `outer` current, since only a new token identifies the thread or task later.
    """
    unit._left = Left(outer, info, set_unit(outer), takes_all)  # noqa: SLF001 - a slot for this


def is_forgotten(context: FlowContext | None) -> bool:
    """Return whether the unit `context` can no longer be ended.

    Either it was never closed, or a signal arrived just before its `__exit__` could begin. For
    None, the answer is about the block that hides the unit.
    """
    if context is None:
        return has_forgotten_block()
    unit = getattr(context, "_unit", None)
    return unit is not None and unit() is None


def enclosing(context: FlowContext | None) -> Iterator[FlowContext]:
    """Yield `context` and its enclosing units, those included that can no longer be ended."""
    while context is not None:
        yield context
        context = getattr(context, "_outer", None)


def is_discarded(context: FlowContext) -> bool:
    """Return whether a unit around `context` has been left, and `context` with it."""
    left = map(left_here, enclosing(context))
    return any(each is not None and each.takes_all for each in left)


def discard(
    current: FlowContext | None,
    until: FlowContext,
    outer: FlowContext | None,
    info: StepInfo | None,
) -> None:
    """Record that the units opened inside `until`, from `current` outwards, have been left too.

    Args:
        current: the innermost unit.
        until: the unit that has been left.
        outer: the unit that was current before `until`.
        info: the step that was current before `until`.
    """
    for context in enclosing(current):
        if context is until:
            return
        set_left(context, outer, info, takes_all=True)
