"""A log record as a mapping of names to values, for formatters that write fields."""

from __future__ import annotations

import logging
import time
from typing import Any

from .factory import RecordFactory, context_of, fields_of
from .json_text import as_text
from .names import Absent

_NAMES_IN_ORDER = ("flow_id", "correlation_id", "unit_id", "causation_id", "flow", "step")
_NAMES = frozenset(_NAMES_IN_ORDER)

# color_message is uvicorn's copy of the message, with escapes for terminals.
_NOT_EXTRA = frozenset([
    *vars(logging.LogRecord("", 0, "", 0, "", (), None)),
    *("message", "asctime", "taskName", "color_message"),
    *("event", *_NAMES),
])

# What frameworks pass to handlers, but do not show in their own lines: the arguments of a task, and
# the request with its query string.
_FOR_HANDLERS = {"data": "celery.", "request": "django."}


class Clock:
    """Formats times as RFC 3339 does: UTC, with microseconds."""

    def __init__(self) -> None:
        # Replaced as a whole, since several threads may format.
        self._last: tuple[int, str] = (-1, "")

    def text(self, seconds: float) -> str:
        """Return the time `seconds` after the epoch, such as ``2026-11-21T14:03:07.211042Z``."""
        whole, micros = divmod(round(float(seconds) * 1_000_000), 1_000_000)
        known, text = self._last
        if known != whole:
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
            self._last = (whole, text)
        return f"{text}.{micros:06}Z"


def message_of(record: logging.LogRecord) -> str:
    """Return the message of `record`; the unformatted message and the error if it has one."""
    try:
        return str.__str__(record.getMessage())
    except Exception as error:
        return f"{as_text(record.msg)} <{type(error).__name__}: {as_text(record.args)}>"


def traceback_of(
    formatter: logging.Formatter, record: logging.LogRecord
) -> tuple[str | None, str | None]:
    """Return the texts of the exception and of the stack of `record`, or None for each."""
    exception: str | None = None
    try:
        exception = record.exc_text
        if not exception and record.exc_info:
            exception = formatter.formatException(record.exc_info)
        exception = as_text(exception) if exception else None
    except Exception as error:  # not an exception, or one with hostile code
        exception = f"<{type(error).__name__}>"
    stack = record.stack_info
    return exception, None if stack is None else as_text(stack)


def context_fields(record: logging.LogRecord) -> dict[str, str]:
    """Return the IDs, the flow and the step of `record`, without those that have no value.

    A value of ``extra=`` takes precedence.
    """
    try:
        flow_id, flow, step, unit_id, causation_id = context_of(record)
    except Exception:  # attributes that logging did not set
        flow_id = flow = step = unit_id = causation_id = None
    found: dict[str, str] = {}
    if flow_id is not None:
        found["flow_id"] = found["correlation_id"] = flow_id
    if unit_id is not None:
        found["unit_id"] = unit_id
        if causation_id is not None:
            found["causation_id"] = causation_id
    if flow is not None:
        found["flow"] = flow
        if step is not None:
            found["step"] = step
    values = vars(record)
    return found if _NAMES.isdisjoint(values) else _with_given(found, values)


def _with_given(found: dict[str, str], values: dict[str, Any]) -> dict[str, str]:
    """Return the context `found` with the values of ``extra=``."""
    given = {
        name: value if type(value) is str else as_text(value)
        for name in _NAMES_IN_ORDER
        if (value := values.get(name)) is not None and type(value) is not Absent
    }
    named = given.get("flow_id", given.get("correlation_id"))
    if named is not None:
        given.setdefault("flow_id", named)
        given.setdefault("correlation_id", named)
    if "unit_id" in given or (named is not None and named != found.get("flow_id")):
        # A line about another unit than the current one.
        found.pop("unit_id", None)
        found.pop("causation_id", None)
    merged = found | given
    return {name: merged[name] for name in _NAMES_IN_ORDER if name in merged}


def extra_fields(record: logging.LogRecord, fields: tuple[str, ...]) -> dict[str, Any]:
    """Return the values that ``extra=`` gave `record`, and its `fields`, without None.

    Names that begin with ``_`` are left out: libraries use them for values of their own.
    """
    values = vars(record)
    extra = {
        name: value
        for name, value in values.copy().items()
        if name not in _NOT_EXTRA
        and value is not None
        and type(value) is not Absent
        and not (type(name) is str and name[:1] == "_")
    }
    for name, loggers in _FOR_HANDLERS.items():
        if name in extra and as_text(record.name).startswith(loggers):
            del extra[name]
    if "event" in values and "unit_name" in extra:  # in a record, `name` is the logger's
        extra["name"] = extra.pop("unit_name")
    if fields or RecordFactory.fields:
        try:
            of_the_unit = fields_of(record, fields)
        except Exception:  # attributes that logging did not set
            of_the_unit = {}
        for name, text in of_the_unit.items():
            if text is not None and name not in _NOT_EXTRA:
                extra.setdefault(name, text)
    return extra
