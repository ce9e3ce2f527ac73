"""The correlation ID in every loguru message: ``logger.configure(patcher=flow_patcher)``.

A patcher runs in the thread that logs, so the values are also right with ``enqueue=True``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ._context.capture import capture, current_unit
from ._log_records.factory import RecordFactory
from ._log_records.fields import checked_fields, field_values
from ._messages.hints import checks_keywords
from ._messages.text import plain_text

__all__ = ["FlowPatcher", "flow_patcher"]


class FlowPatcher:
    """A patcher that adds `flow_id`, `flow`, `step` and chosen metadata to a message's `extra`.

    All of them are always there, so a format can name them: ``{extra[flow_id]}``. Values that the
    application has bound take precedence. Outside any unit of work, a message with an exception
    takes its `flow_id` from the unit that the exception has left.

    Args:
        default: the text for a missing value.
        fields: the names of metadata of the unit of work to add; ``unit_id`` and ``causation_id``
            name the unit's IDs. The fields of `headrace.logging.install` are always added.

    Raises:
        TypeError: `fields` is not a list of names.
        ValueError: a field has the name of a standard attribute of log records.
    """

    @checks_keywords
    def __init__(self, default: str = "-", fields: Iterable[str] = ()) -> None:
        self._default = default
        self._fields = checked_fields(fields)

    def __call__(self, record: Any) -> None:
        """Add the values to `record`."""
        extra, default = record["extra"], self._default
        context = capture(record["exception"])
        for name, value in zip(("flow_id", "flow", "step"), context, strict=False):
            extra.setdefault(name, default if value is None else plain_text(value))
        fields = (*RecordFactory.fields, *self._fields)
        if fields:
            for name, found in field_values(current_unit(context), fields).items():
                extra.setdefault(name, default if found is None else found)


_patcher = FlowPatcher()


def flow_patcher(record: Any) -> None:
    """Add `flow_id`, `flow` and `step` to the message, as `FlowPatcher` does.

    Args:
        record: loguru's record.
    """
    _patcher(record)
