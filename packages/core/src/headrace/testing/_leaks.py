"""The context of a thread or task: what is current, and whether a test has left it behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._context.variables import (
    get_budget,
    get_step,
    get_unit,
    set_budget,
    set_step,
    set_unit,
)

if TYPE_CHECKING:
    from headrace._context.deadlines import Budget
    from headrace._context.model import FlowContext
    from headrace._step_info import StepInfo

    Current = tuple[FlowContext | None, StepInfo | None, Budget | None]


def current() -> Current:
    """Return the unit of work, the step and the time budget that are current."""
    return get_unit(), get_step(), get_budget()


def restore(found: Current) -> None:
    """Make what `current` returned current again."""
    unit, step, budget = found
    set_unit(unit)
    set_step(step)
    set_budget(budget)


def describe(found: Current) -> str:
    """Name what is current; "" if nothing is."""
    unit, step, budget = found
    left = []
    if unit is not None:
        left.append(f"the unit of work {unit!r}")
    if step is not None:
        flow = f"the flow {step.flow!r}"
        left.append(f"the step {step.name!r} of {flow}" if step.name else flow)
    if budget is not None and budget.until is not None:
        left.append("a deadline")
    return ", ".join(left)
