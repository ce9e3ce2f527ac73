"""The unit of work that an entrypoint opens, and the check for steps outside any unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from headrace import _state
from headrace._context.deadlines import inherited_deadline
from headrace._context.model import FlowContext
from headrace._context.opening import make_id, opening_id
from headrace._context.variables import get_unit
from headrace._errors import OutsideFlowError

if TYPE_CHECKING:
    from headrace._step_info import StepInfo


class Opening(NamedTuple):
    """The unit of work that an entrypoint opens if none is active.

    Attributes:
        kind: ``flow`` or ``task``.
        name: the name of the flow or task.
        new: whether to open a unit with a new correlation ID even if one is active.
    """

    kind: str
    name: str
    new: bool = False


def check_outside(info: StepInfo) -> None:
    """Raise `OutsideFlowError` for a call of the step `info` outside any unit, if strict."""
    if _state.settings.strict:
        raise OutsideFlowError(
            f"step {info.name!r} of flow {info.flow!r} was called outside any unit of work; open "
            f"one with an entrypoint, `with headrace.open_context():` or an integration's "
            f"middleware, or call headrace.configure(strict=False)"
        )


def entry_context(opening: Opening, outer: FlowContext | None) -> FlowContext:
    """Return the context that `opening` opens inside `outer`, which is its cause."""
    cause = None if outer is None else outer.unit_id
    correlation_id = make_id() if opening.new else opening_id()
    return FlowContext(correlation_id, cause, opening.kind, opening.name, inherited_deadline(outer))


def entered(opening: Opening) -> FlowContext | None:
    """Return the context that `opening` opens here, or None if it joins the current unit."""
    outer = get_unit()
    return entry_context(opening, outer) if opening.new or outer is None else None
