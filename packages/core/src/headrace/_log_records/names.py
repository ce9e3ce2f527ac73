"""headrace's names as attributes of a log record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace._messages.text import plain_text

from .factory import RecordFactory, context_of, fields_of

if TYPE_CHECKING:
    import logging


class Absent(str):
    """The text for a missing value; another handler's filter may replace it with its own."""

    __slots__ = ()

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)


def publish(
    record: logging.LogRecord,
    values: dict[str, Any],
    fields: tuple[str, ...],
    default: Absent | None,
) -> None:
    """Add headrace's names to the attributes `values` of `record` if they are missing.

    Args:
        record: the record.
        values: the record's attributes, or a copy of them.
        fields: the fields, in addition to those of `install`.
        default: the text for a missing value.
    """
    flow_id, flow, step, *_ = context_of(record)
    if default is not None and "correlation_id" in values:  # perhaps from another handler's filter
        for name in [name for name, value in values.items() if type(value) is Absent]:
            del values[name]
    # Both names stand for one ID: a value of extra= for either one sets both.
    given = values.get("flow_id", values.get("correlation_id", flow_id))
    text = default if given is None else plain_text(given)
    values.setdefault("flow_id", text)
    values.setdefault("correlation_id", text)
    values.setdefault("flow", plain_text(flow) if flow else default)
    values.setdefault("step", plain_text(step) if step else default)
    if fields or RecordFactory.fields:
        for name, value in fields_of(record, fields).items():
            values.setdefault(name, default if value is None else plain_text(value))
