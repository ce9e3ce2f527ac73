"""The unit of work that a run is part of: the current one, or one of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace import _state as _runtime
from headrace._context.variables import budget_var, step_var, unit_var

if TYPE_CHECKING:
    from headrace._context.model import FlowContext
    from headrace._step_info import StepInfo

_current_unit = unit_var.get


def must_be_told() -> bool:
    """Tell whether a new unit is more than a variable: somebody watches, or a clock runs."""
    observer = _runtime.observer
    return (observer is not None and observer.enabled()) or budget_var.get() is not None


def restore(unit: FlowContext, outer_unit: FlowContext | None, outer_step: StepInfo | None) -> None:
    """Make current again what was so before `unit`, unless something else has become current.

    A coroutine may be closed in another context than it ran in, which is not ours to change.
    """
    if _current_unit() is unit:
        if outer_unit is not unit:
            unit_var.set(outer_unit)
        step_var.set(outer_step)
