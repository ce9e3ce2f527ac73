"""The fields of a line, and the keys that state them in the shapes of several libraries.

headrace's own keys come first. The others are those of structlog, python-json-logger, the Elastic
Common Schema (https://www.elastic.co/docs/reference/ecs), Google Cloud's structured logging
(https://cloud.google.com/logging/docs/structured-logging) and Datadog's standard attributes
(https://docs.datadoghq.com/standard-attributes/).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from headrace.commands import CommandError, name_hint

Names = Mapping[str, tuple[str, ...]]

FIELDS: Names = {
    "time": ("time", "timestamp", "@timestamp", "asctime", "date", "ts"),
    "level": ("level", "levelname", "severity", "log.level", "log_level"),
    "logger": ("logger", "log.logger", "logger.name", "logger_name"),
    "message": ("message", "msg", "textPayload"),
    "event": ("event", "event.action"),
    "flow_id": (
        *("flow_id", "correlation_id", "trace.id", "trace_id", "dd.trace_id"),
        "logging.googleapis.com/trace",
    ),
    "unit_id": ("unit_id",),
    "causation_id": ("causation_id",),
    "flow": ("flow",),
    "step": ("step",),
    "service": ("service", "service.name", "dd.service"),
    "host": ("host", "host.name", "hostname", "host.hostname"),
    "pid": ("pid", "process.pid", "process"),
    "exception": (
        *("exception", "exc_info", "exc_text", "error.stack_trace", "error.stack"),
        *("stack_trace", "traceback"),
    ),
    "kind": ("kind",),
    "name": ("unit_name", "name"),
    "outcome": ("outcome", "event.outcome"),
    "error": ("error", "error.message", "labels.error"),
    "duration_ms": ("duration_ms",),
    "steps": ("steps",),
    "method": ("method", "http.request.method", "http.method", "httpRequest.requestMethod"),
    "path": ("path", "url.path", "http.url_details.path", "httpRequest.requestUrl"),
    "status": ("status", "http.response.status_code", "http.status_code", "httpRequest.status"),
    "task": ("task",),
    "task_id": ("task_id", "run_id"),
    "queue": ("queue",),
    "queue_ms": ("queue_ms",),
    "retries": ("retries",),
    "redelivered": ("redelivered",),
    "eta": ("eta",),
}
"""For each field its keys, the first that has a value counts. A dotted key is one key with a dot,
or the path into nested objects."""

TYPES = {
    **dict.fromkeys(("pid", "steps", "status", "retries"), "BIGINT"),
    **dict.fromkeys(("duration_ms", "queue_ms"), "DOUBLE"),
    "redelivered": "BOOLEAN",
}
"""The types of the fields that are not text, in SQL; ``time`` becomes a BIGINT."""

NATIVE = ("time", "level", "logger", "message")
"""The keys that every line of `headrace.logging.JsonFormatter` has, and lines of other shapes do
not."""

CONTAINERS = ("labels", "logging.googleapis.com/labels", "jsonPayload", "extra", "context")
"""Objects in which some shapes keep an application's own fields."""


def field_names(renamed: Iterable[str]) -> Names:
    """Return the keys of each field, those of the user before the known ones.

    Args:
        renamed: texts such as ``flow_id=request_id,unit_id=span.id``.

    Raises:
        CommandError: a text is not of this form, or there is no such field.
    """
    names = dict(FIELDS)
    for pair in (pair for text in renamed for pair in text.split(",")):
        field, equals, key = (part.strip() for part in pair.partition("="))
        if not equals or not key:
            raise CommandError(f"--fields takes pairs such as flow_id=request_id, not {pair!r}")
        if field not in FIELDS:
            raise CommandError(f"--fields: there is no field {field!r}; {name_hint(field, FIELDS)}")
        names[field] = (key, *(one for one in names[field] if one != key))
    return names


def is_native(text: bytes) -> bool:
    """Return whether a line looks like one of `headrace.logging.JsonFormatter`."""
    try:
        entry = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(entry, dict) and all(key in entry for key in NATIVE)
