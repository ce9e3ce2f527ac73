"""The context variables that carry the unit of work, the step and the time budget."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace._step_info import StepInfo

    from .deadlines import Budget
    from .model import FlowContext


unit_var: ContextVar[FlowContext | None] = ContextVar("headrace.unit", default=None)


step_var: ContextVar[StepInfo | None] = ContextVar("headrace.step", default=None)


budget_var: ContextVar[Budget | None] = ContextVar("headrace.deadline", default=None)
