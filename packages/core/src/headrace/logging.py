"""The correlation ID in every log line.

`install` captures the context in the thread that logs. `FlowFilter`, on a handler, publishes it as
attributes of the record, for format strings and JSON formatters; `Formatter` needs no filter.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any, Literal

from ._log_records.factory import RecordFactory, context_of, fields_of, is_capturing
from ._log_records.fields import checked_fields
from ._messages.hints import checks_keywords
from ._messages.text import plain_text
from ._process.fork_safety import fork_safe

__all__ = ["FlowFilter", "Formatter", "fork_safe", "install", "uninstall"]


class FlowFilter(logging.Filter):
    """A handler's filter that gives each record `flow_id`, `correlation_id`, `flow` and `step`.

    On every record, these and the fields are printable strings. Values set with ``extra=`` take
    precedence.

    Args:
        default: the text for a missing value.
        fields: the names of metadata of the unit of work to add; ``unit_id`` and ``causation_id``
            name the unit's IDs. The fields of `install` are always added. If another thread, such
            as a queue listener, writes the lines, name the fields in `install`.

    Raises:
        TypeError: `fields` is not a list of names.
        ValueError: a field has the name of a standard attribute of log records.
    """

    @checks_keywords
    def __init__(self, default: str = "-", fields: Iterable[str] = ()) -> None:
        super().__init__()
        self._default = _Absent(default)
        self._fields = checked_fields(fields)

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the attributes; let every record through."""
        _publish(record, record.__dict__, self._fields, self._default)
        return True


class Formatter(logging.Formatter):
    """A `logging.Formatter` whose format can use headrace's names without a `FlowFilter`.

    It does not change the record, so other handlers are not affected.

    Args:
        fmt: the format; this and the next four are as for `logging.Formatter`.
        datefmt: the format of the time.
        style: ``%``, ``{`` or ``$``.
        validate: whether to check the format.
        defaults: the text for each name without a value; for headrace's names, ``-`` by default.
        fields: metadata of the unit of work that the format names, as for `FlowFilter`.

    Raises:
        TypeError: `fields` is not a list of names.
        ValueError: the format is invalid, or a field has the name of a standard attribute of log
            records.
    """

    @checks_keywords
    def __init__(
        self,
        fmt: str | None = None,
        datefmt: str | None = None,
        style: Literal["%", "{", "$"] = "%",
        validate: bool = True,
        *,
        defaults: Mapping[str, Any] | None = None,
        fields: Iterable[str] = (),
    ) -> None:
        super().__init__(fmt, datefmt, style, validate, defaults=defaults)
        self._defaults = dict(defaults or {})
        self._fields = checked_fields(fields)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the line, without the traceback."""
        shown = SimpleNamespace()
        values = vars(shown)
        values.update(vars(record))
        _publish(record, values, self._fields, None)
        for name, value in values.items():
            if value is None and name not in vars(record):
                values[name] = self._defaults.get(name, "-")
            elif type(value) is _Absent:
                values[name] = self._defaults.get(name, value)
        return self._style.format(shown)


@checks_keywords
def install(fields: Iterable[str] = ()) -> None:
    """Make every log record capture the context of the thread or task that logs it.

    This wraps the current log record factory, so that the ID also reaches handlers in other threads
    (queue listeners), child loggers and other libraries' loggers. A second call only adds its
    fields, unless another library has replaced the factory since.

    Args:
        fields: metadata of the unit of work that each record captures and each `FlowFilter`,
            `Formatter` and `headrace.structlog.flow_processor` publishes; ``unit_id`` and
            ``causation_id`` name the unit's IDs.

    Raises:
        TypeError: `fields` is not a list of names.
        ValueError: a field has the name of a standard attribute of log records.
    """
    RecordFactory.fields = tuple(dict.fromkeys([*RecordFactory.fields, *checked_fields(fields)]))
    RecordFactory.active = True
    factory = logging.getLogRecordFactory()
    if isinstance(factory, RecordFactory):
        return
    # A test record shows whether another library has wrapped our factory.
    if not is_capturing(factory("headrace", logging.DEBUG, "", 0, "", (), None)):
        logging.setLogRecordFactory(RecordFactory(factory))


def uninstall() -> None:
    """Undo `install`: later records capture nothing."""
    RecordFactory.active = False  # a factory wrapped by another library must stay in place
    RecordFactory.fields = ()
    factory = logging.getLogRecordFactory()
    if isinstance(factory, RecordFactory):
        logging.setLogRecordFactory(factory.wrapped)


def _publish(
    record: logging.LogRecord,
    values: dict[str, Any],
    fields: tuple[str, ...],
    default: _Absent | None,
) -> None:
    """Add headrace's names to the attributes `values` of `record` if they are missing.

    Args:
        record: the record.
        values: the record's attributes, or a copy of them.
        fields: the fields, in addition to those of `install`.
        default: the text for a missing value.
    """
    flow_id, flow, step = context_of(record)
    if default is not None and "correlation_id" in values:  # perhaps from another handler's filter
        for name in [name for name, value in values.items() if type(value) is _Absent]:
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
            values.setdefault(name, default if value is None else value)


class _Absent(str):
    """The text for a missing value; another handler's filter may replace it with its own."""

    __slots__ = ()

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)
