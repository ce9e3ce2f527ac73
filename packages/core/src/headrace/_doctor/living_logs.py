"""Checks that the handlers of this process show the ID: each formats a record, writing nothing."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextvars import copy_context
from typing import Any

from headrace._context.opening import nested_context
from headrace._context.variables import set_unit

from .findings import Finding
from .log_calls import NO_PROCESSOR
from .log_dicts import ADD_CONFIG, NO_LINES, shows_id

LOG_FINDINGS = ("log-disabled", "log-filter", "log-format", "log-set-up")
"""The kinds of findings that the handlers of this process decide."""
_ADD_PARTS = (
    "from headrace.logging import LinesFormatter",
    "handler.setFormatter(LinesFormatter())  # in production: JsonFormatter; or keep yours and",
    "handler.addFilter(FlowFilter())  # name %(flow_id)s in its format",
)
_FOREIGN = ("_pytest.", "opentelemetry.", "sentry_sdk.", "logfire.", "ddtrace.")


def examine_handlers() -> Iterator[Finding]:
    """Yield the handlers whose lines show no ID, and one finding if there is no handler at all."""
    if logging.getLogger("headrace").disabled:
        message = "the logger 'headrace' is disabled, so no request or task has a line of its own"
        add = ('"disable_existing_loggers": False,',)
        yield Finding("", 0, "log-disabled", message, add, "in the logging configuration")
    found = list(_handlers())
    writing = [one for one in found if not _is_foreign(one[1])]
    structlog = sys.modules.get("structlog")
    if structlog is not None and structlog.is_configured():
        yield from _structlog(structlog)
    elif not found and "loguru" not in sys.modules:
        message = "no logger has a handler, so log lines show no ID"
        yield Finding("", 0, "log-set-up", message, ADD_CONFIG, "before the application")
    for logger, handler in writing:
        name = f"{type(handler).__name__} of the logger {logger!r}"
        verdict = _verdict(handler)
        if verdict == "fails":
            message = f"the handler {name} has no FlowFilter, but its format names the ID: it fails"
            yield Finding("", 0, "log-filter", message, ("handler.addFilter(FlowFilter())",))
        elif verdict == "hidden":
            message = f"the handler {name} shows no ID"
            yield Finding("", 0, "log-format", message, _ADD_PARTS)


def _handlers() -> Iterator[tuple[str, logging.Handler]]:
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    seen: set[int] = set()
    for logger in loggers:
        if not isinstance(logger, logging.Logger):
            continue
        for handler in logger.handlers:
            if id(handler) not in seen and type(handler).__name__ not in NO_LINES:
                seen.add(id(handler))
                yield logger.name, handler


def _is_foreign(handler: logging.Handler) -> bool:
    return f"{type(handler).__module__}.".startswith(_FOREIGN)


def _verdict(handler: logging.Handler) -> str:
    """Return ``shown``, ``hidden`` or ``fails`` for a record of a unit of work."""
    return copy_context().run(_formatted, handler)


def _formatted(handler: logging.Handler) -> str:
    unit = nested_context("manual", None)
    set_unit(unit)
    factory = logging.getLogRecordFactory()
    record: Any = factory("headrace", logging.ERROR, __file__, 0, "", (), None)
    for each in handler.filters:  # all of them, even after one has rejected the record
        accepts: Any = getattr(each, "filter", each)
        try:
            accepts(record)
        except Exception:  # noqa: S112 - a filter for records of another form
            continue
    try:
        text = handler.format(record)
    except Exception as error:
        if shows_id(str(error)):
            return "fails"
        text = str(getattr(handler.formatter, "_fmt", "flow_id"))
        return "shown" if shows_id(text) else "hidden"
    return "shown" if unit.correlation_id[-8:] in text else "hidden"


def _structlog(structlog: Any) -> Iterator[Finding]:
    processors = structlog.get_config()["processors"]
    owners = [getattr(one, "__module__", type(one).__module__) for one in processors]
    if "headrace.structlog" not in [*owners, *(type(one).__module__ for one in processors)]:
        yield NO_PROCESSOR
