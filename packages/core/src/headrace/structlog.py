"""The correlation ID in every structlog event.

Add `flow_processor` to ``structlog.configure(processors=[...])`` and to the ``foreign_pre_chain``
of a ``structlog.stdlib.ProcessorFormatter``. `FlowProcessor` also adds metadata.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, MutableMapping
from typing import Any

from ._context.capture import Captured, capture, current_unit
from ._log_records.factory import RecordFactory, context_of, fields_of
from ._log_records.fields import FieldValue, checked_fields, field_values
from ._messages.hints import checks_keywords
from ._messages.text import plain_text

__all__ = ["FlowProcessor", "flow_processor"]


class FlowProcessor:
    """A processor that adds `flow_id`, `flow`, `step` and chosen metadata to the event.

    It adds only existing values, as printable strings, never overwrites values of the event, and
    does not touch structlog's own context variables. In ``foreign_pre_chain``, the values come from
    the thread that logged, if `headrace.logging.install` was called. Outside any unit of work, an
    event with ``exc_info`` takes its `flow_id` from the unit that the exception has left, so put
    this processor before processors that format exceptions.

    Args:
        fields: the names of metadata of the unit of work to add; ``unit_id`` and ``causation_id``
            name the unit's IDs. The fields of `headrace.logging.install` are always added.

    Raises:
        TypeError: `fields` is not a list of names.
        ValueError: a field has the name of a standard attribute of log records.
    """

    @checks_keywords
    def __init__(self, fields: Iterable[str] = ()) -> None:
        self._fields = checked_fields(fields)

    def __call__(
        self, _logger: Any, _method_name: str, event_dict: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Add the values to `event_dict`, and return it."""
        record = event_dict.get("_record")
        foreign = record if isinstance(record, logging.LogRecord) else None
        context: Captured = (
            capture(event_dict.get("exc_info")) if foreign is None else context_of(foreign)
        )
        for name, text in zip(("flow_id", "flow", "step"), context[:3], strict=True):
            if text is not None:
                event_dict.setdefault(name, plain_text(text))
        if self._fields or RecordFactory.fields:
            for name, value in self._values(foreign, context).items():
                if value is not None:
                    event_dict.setdefault(name, plain_text(value))
        return event_dict

    def _values(self, record: logging.LogRecord | None, context: Captured) -> dict[str, FieldValue]:
        if record is not None:
            return fields_of(record, self._fields)
        return field_values(current_unit(context), (*RecordFactory.fields, *self._fields))


_processor = FlowProcessor()


def flow_processor(
    logger: Any, method_name: str, event_dict: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Add `flow_id`, `flow` and `step` to the event, as `FlowProcessor` does.

    Args:
        logger: ignored.
        method_name: ignored.
        event_dict: the event.
    """
    return _processor(logger, method_name, event_dict)
