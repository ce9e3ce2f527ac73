"""Names of the JSON fields in the documentation of log stores."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, TypeAlias

from .json_text import add, as_text, is_mapping

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Style: TypeAlias = "Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]"
"""Merges the fields that every line has, and the others, into one entry."""

_NO_NAMES: dict[str, str] = {}
_is_trace_id = re.compile("(?!0{32})[0-9a-f]{32}").fullmatch

# https://www.elastic.co/docs/reference/ecs, in the order of the specification for loggers,
# https://github.com/elastic/ecs-logging/blob/main/spec/spec.json
_ECS = {
    "time": "@timestamp",
    "level": "log.level",
    "message": "message",
    "logger": "log.logger",
    "event": "event.action",
    "correlation_id": "trace.id",
    "service": "service.name",
    "host": "host.name",
    "pid": "process.pid",
    "exception": "error.stack_trace",
}
_ECS_OF_UNITS = {
    "error": "error.message",
    "method": "http.request.method",
    "path": "url.path",
    "status": "http.response.status_code",
}
_ECS_OUTCOMES = {"ok": "success", "error": "failure"}
_ECS_VERSION = "1.6.0"
# The objects of ECS: Elasticsearch rejects a line in which one of them is text or a number.
_is_ecs_object = re.compile(
    "agent|as|client|cloud|code_signature|container|data_stream|destination|device|dll|dns|ecs|elf|"
    "email|error|event|faas|file|geo|group|hash|host|http|interface|labels|log|macho|network|"
    "observer|orchestrator|organization|os|package|pe|process|registry|related|risk|rule|server|"
    "service|source|span|threat|tls|trace|transaction|url|user|user_agent|vlan|volume|"
    "vulnerability|x509"
).fullmatch

# https://docs.cloud.google.com/logging/docs/structured-logging and
# https://docs.cloud.google.com/error-reporting/docs/formatting-error-messages
_GCP = {"time": "time", "level": "severity", "message": "message", "exception": "stack_trace"}
_GCP_TRACE = "logging.googleapis.com/trace"
_GCP_LEVELS = {"WARN": "WARNING", "FATAL": "CRITICAL"}
_GCP_REQUEST = {"method": "requestMethod", "path": "requestUrl", "status": "status"}

# https://docs.datadoghq.com/standard-attributes/?product=log
_DATADOG = {
    "time": "timestamp",
    "level": "status",
    "message": "message",
    "logger": "logger.name",
    "correlation_id": "dd.trace_id",
    "exception": "error.stack",
}
_DATADOG_OF_UNITS = {
    "error": "error.message",
    "method": "http.method",
    "path": "http.url_details.path",
    "status": "http.status_code",
}


def plain(known: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    """Use headrace's own names."""
    return _merged(known, extra, _NO_NAMES)


def ecs(known: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    """Use the names of the Elastic Common Schema."""
    entry = _renamed(known, _ECS)
    entry["log.level"] = as_text(known["level"]).lower()
    entry["ecs.version"] = _ECS_VERSION
    names = {
        name: f"labels.{name}"
        for name, value in extra.items()
        if _is_ecs_object(as_text(name)) and not is_mapping(value)
    }
    if "event" in known:
        _add_nanoseconds(entry, "event.duration", extra)
        if "outcome" in extra:
            entry["event.outcome"] = _ECS_OUTCOMES.get(as_text(extra["outcome"]), "unknown")
        names |= _ECS_OF_UNITS
    return _merged(entry, extra, names)


def gcp(known: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    """Use the names of Google Cloud Logging.

    The trace is named only where GOOGLE_CLOUD_PROJECT is set, since its name begins with it.
    """
    trace_id, project = known.pop("correlation_id", ""), os.environ.get("GOOGLE_CLOUD_PROJECT")
    entry = _renamed(known, _GCP)
    level = as_text(known["level"])
    entry["severity"] = _GCP_LEVELS.get(level, level)
    if project and _is_trace_id(trace_id):
        entry[_GCP_TRACE] = f"projects/{project}/traces/{trace_id}"
    if "service" in known and "exception" in known:
        entry["serviceContext"] = {"service": known["service"]}
    if "event" in known and "method" in extra:
        names = {name: field for name, field in _GCP_REQUEST.items() if name in extra}
        entry["httpRequest"] = {field: extra[name] for name, field in names.items()}
        if isinstance(extra.get("duration_ms"), float):
            entry["httpRequest"]["latency"] = f"{extra['duration_ms'] / 1000:.6f}s"
    return _merged(entry, extra, _NO_NAMES)


def datadog(known: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    """Use the names of Datadog's reserved and standard attributes."""
    if not _is_trace_id(known.get("correlation_id", "")) or "dd.trace_id" in extra:
        known.pop("correlation_id", None)
    entry = _renamed(known, _DATADOG)
    if "event" not in known:
        return _merged(entry, extra, _NO_NAMES)
    _add_nanoseconds(entry, "duration", extra)
    return _merged(entry, extra, _DATADOG_OF_UNITS)


STYLES: dict[str, Style] = {"ecs": ecs, "gcp": gcp, "datadog": datadog}


def _renamed(known: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return `known` with other `names`, and those first, in their order."""
    first = {name: known[own] for own, name in names.items() if own in known}
    return first | {name: value for name, value in known.items() if name not in names}


def _merged(
    entry: dict[str, Any], extra: dict[str, Any], names: Mapping[str, str]
) -> dict[str, Any]:
    for name, value in extra.items():
        shown = names.get(name, name)
        if shown in entry or type(shown) is not str:
            add(entry, shown, value)
        else:
            entry[shown] = value
    return entry


def _add_nanoseconds(entry: dict[str, Any], name: str, extra: dict[str, Any]) -> None:
    if isinstance(extra.get("duration_ms"), float):
        entry[name] = round(extra["duration_ms"] * 1_000_000)
