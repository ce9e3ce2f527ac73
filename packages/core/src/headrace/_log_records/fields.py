"""Fields of log records that come from a unit of work: its metadata and its IDs."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING

from headrace._messages.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace._context.model import FlowContext

FieldValue = str | int | float | None
"""The value of a field; lines of plain text show a number as text."""

_NUMBERS = (bool, int, float)
_ALWAYS = ("flow_id", "correlation_id", "flow", "step")
_OF_THE_UNIT = frozenset({"unit_id", "causation_id"})
_is_reading: ContextVar[bool] = ContextVar("headrace.reading_fields", default=False)


def checked_fields(fields: Iterable[str]) -> tuple[str, ...]:
    """Return the names `fields` without those that every record has.

    Raises:
        TypeError: `fields` is not a list of names.
        ValueError: a name is already an attribute of every log record.
    """
    names = () if isinstance(fields, str) else tuple(fields)
    if isinstance(fields, str) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"fields takes a list of names such as ('user', 'tenant'), not {fields!r}")
    taken = {*vars(logging.LogRecord("", 0, "", 0, "", (), None)), "message", "asctime"}
    for name in names:
        if name in taken or hasattr(logging.LogRecord, name):
            raise ValueError(
                f"{name!r} cannot be a field: every log record has an attribute of that name; "
                f"store the metadata under another name"
            )
    return tuple(dict.fromkeys(name for name in names if name not in _ALWAYS))


def field_values(unit: FlowContext | None, names: Iterable[str]) -> dict[str, FieldValue]:
    """Return the values of the fields `names`: numbers, printable text, or None without a value.

    Args:
        unit: the unit to read them from, or None.
        names: the fields: metadata, or the unit's ``unit_id`` and ``causation_id``.
    """
    # The str() of a value may log a line, such as that of a lazy object that queries a database.
    # That line would read the same value again, in endless recursion.
    if unit is None or _is_reading.get():
        return dict.fromkeys(names)
    _is_reading.set(True)
    try:
        return {name: _value(unit, name) for name in names}
    finally:
        _is_reading.set(False)


def _value(unit: FlowContext, name: str) -> FieldValue:
    value = getattr(unit, name) if name in _OF_THE_UNIT else unit.get_value(name)
    return value if value is None or type(value) in _NUMBERS else plain_text(value)
