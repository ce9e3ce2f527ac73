"""Marks: the IDs that a unit of work writes on an exception that leaves it.

A server logs an unhandled error after the unit has ended; the mark lets that line carry the IDs.
"""

from __future__ import annotations

from contextlib import suppress
from threading import get_ident
from typing import TYPE_CHECKING, Any

from headrace._exceptions.raised import Raised

from .attachments import has_ended
from .variables import get_unit

if TYPE_CHECKING:
    from .model import FlowContext

_KEY = "_headrace_correlation_id"
MARKS = frozenset([_KEY])
"""The attributes of an exception that are kept when it is pickled."""


Marked = tuple[str, str | None, str | None]
"""The correlation ID, the unit's ID and its causation ID."""


class _Mark:
    """The IDs of the unit that an exception has left."""

    __slots__ = ("_over", "_raised", "ids")

    def __init__(self, exc: BaseException, unit: FlowContext, over: FlowContext | None) -> None:
        self.ids: Marked = unit.correlation_id, unit.unit_id, unit.causation_id
        self._over = None if over is None else over.unit_id
        self._raised = Raised(exc)

    def applies(self, exc: BaseException, unit: FlowContext | None) -> bool:
        """Return whether a log line about `exc`, with `unit` current, carries these IDs."""
        if unit is not None and not has_ended(unit):
            over = self._over is not None and self._over == unit.unit_id
            return over and self._raised.is_same(exc)
        return self._raised.is_same(exc)


class _Marks(dict[int, _Mark]):
    """The last mark of each thread, since threads may share an exception, and the last of all."""

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (self[_LAST].ids[0],)  # the rest is meaningless in another process


_LAST = 0  # not a thread ID


def mark(exc: BaseException, unit: FlowContext, over: FlowContext | None = None) -> None:
    """Record on the exception `exc` the unit that it comes from.

    Args:
        exc: the exception that leaves a unit of work.
        unit: that unit. If the exception leaves nested units, the outermost one wins.
        over: an unrelated unit that a server has left current around a request, or None.
    """
    with suppress(Exception):  # an exception may refuse attributes
        new = _Mark(exc, unit, over)
        marks = exc.__dict__.setdefault(_KEY, _Marks())
        if type(marks) is not _Marks:  # written in another process
            marks = exc.__dict__[_KEY] = _Marks()
        marks[_LAST] = marks[get_ident()] = new


def marked_id(exc: object) -> str | None:
    """Return the correlation ID of the unit that `exc` has just left, or None.

    It is also None if another unit is current, to which the error now belongs, or if the same
    object has been raised again since.

    Args:
        exc: an exception that a log or an error tracker reports after its unit has ended.
    """
    ids = marked_ids(exc)
    return None if ids is None else ids[0]


def marked_ids(exc: object) -> Marked | None:
    """Return the IDs of the unit that `exc` has just left, or None; see `marked_id`."""
    try:
        return _marked_ids(exc, vars(exc).get(_KEY))
    except Exception:  # no usable __dict__, or an unusual traceback
        return None


def _marked_ids(exc: Any, marks: _Marks | str | None) -> Marked | None:
    unit = get_unit()
    if isinstance(marks, _Marks):
        mark = marks.get(get_ident()) or marks[_LAST]
        return mark.ids if mark.applies(exc, unit) else None
    if marks is not None:  # written in another process
        return (marks, None, None) if unit is None or has_ended(unit) else None
    if isinstance(exc, BaseExceptionGroup):
        return _common_ids({marked_ids(part) for part in exc.exceptions})
    return None


def _common_ids(found: set[Marked | None]) -> Marked | None:
    """Return the IDs that all parts of a group have."""
    if len(found) == 1:
        return found.pop()
    operations = {None if ids is None else ids[0] for ids in found}
    operation = operations.pop()
    return None if operations or operation is None else (operation, None, None)
