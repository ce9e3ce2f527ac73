"""Log lines for programs: one JSON object each."""

from __future__ import annotations

import logging
import os
from socket import gethostname
from typing import TYPE_CHECKING, Any, Literal

from headrace._messages.hints import checks_keywords, name_hint

from .entries import Clock, context_fields, extra_fields, message_of, traceback_of
from .fields import checked_fields
from .json_text import as_text, json_object
from .styles import STYLES, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .styles import Style


class JsonFormatter(logging.Formatter):
    """Formats each record as a JSON object on one line, with headrace's names and no filter.

    The fields are `time` (RFC 3339, UTC, microseconds), `level`, `logger`, `message`, `event`,
    `flow_id`, `correlation_id`, `unit_id`, `causation_id`, `flow`, `step`, `service`, `host`,
    `pid`, `exception` and `stack` (texts), and then the values of ``extra=``. Fields without a
    value are left out. A value of ``extra=`` whose name is taken gets ``_`` after its name. It
    raises nothing, whatever a record holds.

    Args:
        fields: metadata of the unit of work to add, as for `FlowFilter`.
        style: whose names the fields get: ``ecs`` (Elastic Common Schema), ``gcp`` (Google Cloud
            Logging), ``datadog``, or None for the names above.
        service: the name of the service; by default, that in the environment variable
            OTEL_SERVICE_NAME.

    Raises:
        TypeError: `fields` is not a list of names.
        ValueError: `style` is unknown, or a field has the name of a standard attribute of log
            records.
    """

    @checks_keywords
    def __init__(
        self,
        *,
        fields: Iterable[str] = (),
        style: Literal["ecs", "gcp", "datadog"] | None = None,
        service: str | None = None,
    ) -> None:
        super().__init__()
        self._fields = checked_fields(fields)
        self._merge = check_style(style)
        name = service or os.environ.get("OTEL_SERVICE_NAME")
        self._service = {"service": name} if name else {}
        self._host = gethostname()
        self._clock = Clock()

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return json_object(self._merge(self._known(record), extra_fields(record, self._fields)))

    def _known(self, record: logging.LogRecord) -> dict[str, Any]:
        """Return the fields that are not from ``extra=``."""
        known: dict[str, Any] = {
            "time": self._time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": message_of(record),
        }
        event = vars(record).get("event")
        if event is not None:
            known["event"] = event
        known.update(context_fields(record))
        known.update(self._service)
        known["host"] = self._host
        if record.process is not None:
            known["pid"] = record.process
        exception, stack = traceback_of(self, record)
        if exception is not None:
            known["exception"] = exception
        if stack is not None:
            known["stack"] = stack
        return known

    def _time(self, record: logging.LogRecord) -> str:
        try:
            return self._clock.text(record.created)
        except Exception:  # not a time
            return as_text(record.created)


def check_style(style: str | None) -> Style:
    """Return the style of the name `style`.

    Raises:
        ValueError: there is no such style.
    """
    if style is None:
        return plain
    if style not in STYLES:
        raise ValueError(f"style {style!r} is unknown; {name_hint(style, STYLES)}")
    return STYLES[style]
