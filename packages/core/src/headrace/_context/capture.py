"""Context captured for log records, in the thread that logs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .marks import marked_ids
from .sending import sent_unit
from .variables import get_step, get_unit

if TYPE_CHECKING:
    from .model import FlowContext

Captured = tuple[str | None, str | None, str | None, str | None, str | None]
"""The correlation ID, the names of the flow and the step, the unit's ID and its causation ID."""


def capture(exc_info: Any = None) -> Captured:
    """Return the current context, or the IDs of the unit that `exc_info` has just left.

    Args:
        exc_info: as in `logging` and structlog: a tuple, an exception, True or a false value.
    """
    if exc_info:
        # The unit may have just ended with this exception, which a server then logs.
        marked = marked_ids(_exception(exc_info))
        if marked is not None:
            return marked[0], None, None, *marked[1:]
    unit = get_unit() or sent_unit()
    if unit is None:
        return None, None, None, None, None
    info = get_step()
    if info is None:
        return unit.correlation_id, None, None, unit.unit_id, unit.causation_id
    return unit.correlation_id, info.flow, info.name or None, unit.unit_id, unit.causation_id


def capture_mark(exc_info: Any) -> Captured:
    """Return the IDs of the unit that raised `exc_info`, for a record created elsewhere."""
    marked = marked_ids(_exception(exc_info)) if exc_info else None
    return (
        (None, None, None, None, None) if marked is None else (marked[0], None, None, *marked[1:])
    )


def current_unit(context: Captured) -> FlowContext | None:
    """Return the current unit if `context` has its correlation ID; a mark's may differ."""
    unit = get_unit() or sent_unit()
    return unit if unit is not None and unit.correlation_id == context[0] else None


def _exception(exc_info: Any) -> object:
    if isinstance(exc_info, BaseException):
        return exc_info
    if not isinstance(exc_info, tuple):
        exc_info = sys.exc_info()
    return exc_info[1] if len(exc_info) > 1 else None
