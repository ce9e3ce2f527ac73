"""The correlation ID in every log line.

`install` captures the context in the thread that logs. `FlowFilter`, on a handler, publishes it as
attributes of the record, for format strings and JSON formatters; `Formatter` needs no filter.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any, Literal

from ._log_records.factory import RecordFactory, is_capturing
from ._log_records.fields import checked_fields
from ._log_records.json_lines import JsonFormatter, check_style
from ._log_records.names import Absent, publish
from ._log_records.terminal import LinesFormatter
from ._messages.hints import checks_keywords, name_hint
from ._process.fork_safety import fork_safe

__all__ = [
    "FlowFilter",
    "Formatter",
    "JsonFormatter",
    "LinesFormatter",
    "dict_config",
    "fork_safe",
    "install",
    "uninstall",
]

_FORMATTERS = {
    "json": "headrace.logging.JsonFormatter",
    "lines": "headrace.logging.LinesFormatter",
}

# Loggers to which servers attach handlers of their own, without passing their lines on. gunicorn's
# worker for uvicorn makes two of these loggers share one list of handlers.
_OF_SERVERS = (
    "django.server",
    "gunicorn.access",
    "gunicorn.error",
    "hypercorn.access",
    "hypercorn.error",
    "uvicorn",
    "uvicorn.access",
    "uvicorn.error",
)


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
        self._default = Absent(default)
        self._fields = checked_fields(fields)

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the attributes; let every record through."""
        publish(record, record.__dict__, self._fields, self._default)
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
        publish(record, values, self._fields, None)
        for name, value in values.items():
            if value is None and name not in vars(record):
                values[name] = self._defaults.get(name, "-")
            elif type(value) is Absent:
                values[name] = self._defaults.get(name, value)
        return self._style.format(shown)


@checks_keywords
def dict_config(
    format: Literal["json", "lines"],
    *,
    level: int | str = "INFO",
    fields: Iterable[str] = (),
    style: Literal["ecs", "gcp", "datadog"] | None = None,
    service: str | None = None,
) -> dict[str, Any]:
    """Return a complete configuration for `logging.config.dictConfig` and Django's ``LOGGING``.

    One handler writes the lines of all loggers to stderr, including those to which Django, gunicorn
    and uvicorn attach handlers of their own. The dictionary is new on each call and holds only
    strings, lists and dictionaries, so that more loggers can be added to it.

    Args:
        format: ``json`` for programs (see `JsonFormatter`), or ``lines`` for people (see
            `LinesFormatter`).
        level: the level of the root logger.
        fields: metadata of the unit of work to add to each line, as for `FlowFilter`.
        style: with ``json``, whose names the fields get.
        service: with ``json``, the name of the service; by default, that in the environment
            variable OTEL_SERVICE_NAME.

    Raises:
        TypeError: `fields` is not a list of names.
        ValueError: `format`, `level` or `style` is unknown, `style` or `service` is given for
            ``lines``, or a field has the name of a standard attribute of log records.
    """
    if format not in _FORMATTERS:
        raise ValueError(f"format {format!r} is unknown; {name_hint(format, _FORMATTERS)}")
    if format != "json" and (style or service):
        raise ValueError("style and service apply to 'json' only")
    levels = logging.getLevelNamesMapping()
    if isinstance(level, str) and level not in levels:
        raise ValueError(f"level {level!r} is unknown; {name_hint(level, levels)}")
    check_style(style)
    options = {"fields": [*checked_fields(fields)], "style": style, "service": service}
    formatter = {name: value for name, value in options.items() if value}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {format: {"()": _FORMATTERS[format], **formatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": format}},
        "loggers": {
            "django": {"handlers": []},
            **{name: {"handlers": ["stderr"], "propagate": False} for name in _OF_SERVERS},
        },
        "root": {"handlers": ["stderr"], "level": level},
    }


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
