"""The context variables that carry the unit of work, the step, its key and the time budget."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace._step_info import StepInfo

    from .deadlines import Budget
    from .model import FlowContext


unit_var: ContextVar[FlowContext | None] = ContextVar("headrace.unit", default=None)
step_var: ContextVar[StepInfo | None] = ContextVar("headrace.step", default=None)
key_var: ContextVar[str | None] = ContextVar("headrace.step_key", default=None)
budget_var: ContextVar[Budget | None] = ContextVar("headrace.deadline", default=None)

# Call these rather than methods of the variables: for an imported name, CPython 3.11 and later
# compile `unit_var.get()` to an attribute read and a call, which costs half as much again.
get_unit, set_unit, reset_unit = unit_var.get, unit_var.set, unit_var.reset
get_step, set_step, reset_step = step_var.get, step_var.set, step_var.reset
get_budget, set_budget = budget_var.get, budget_var.set
