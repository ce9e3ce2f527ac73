"""What a picture of a chain says of a step besides its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace._callables import own_name
from headrace._step_info import StepNote

from .references import spelled

if TYPE_CHECKING:
    from .plan import Plan
    from .spec import Spec


def notes_of(spec: Spec, branch: str = "") -> tuple[StepNote, ...]:
    """Return the notes on a step.

    Args:
        spec: the step.
        branch: which of the branches that run at once it belongs to, such as ``1 of 2``.
    """
    notes = [StepNote("parallel", branch)] if branch else []
    if spec.when is not None:
        path = spec.when
        notes.append(StepNote("when", spelled(path) if isinstance(path, tuple) else _name(path)))
    if spec.retries.count:
        notes.append(StepNote("retries", str(spec.retries.count)))
    if spec.timeout is not None:
        notes.append(StepNote("timeout", f"{spec.timeout:g} s"))
    if spec.undo is not None:
        notes.append(StepNote("undo", _name(spec.undo)))
    return tuple(notes)


def notes_on(plan: Plan) -> dict[str, tuple[StepNote, ...]]:
    """Return the notes on the steps of a chain, by name."""
    branches = plan.places()
    return {
        step.name: notes_of(step.spec, branches.get(step.name, "")) for step in plan.all_steps()
    }


def _name(function: Any) -> str:
    name = own_name(function)
    return "" if name == "<lambda>" else name
