"""Dictionaries for `logging.config.dictConfig`, such as Django's LOGGING."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from .findings import Finding
from .project import Project
from .source import Source, elements, entries, text_of

FILTER = "headrace.logging.FlowFilter"
PROCESSORS = ("headrace.structlog.flow_processor", "headrace.structlog.FlowProcessor")
OWN_FORMATTERS = frozenset(
    f"headrace.logging.{name}" for name in ("Formatter", "JsonFormatter", "LinesFormatter")
)
ADD_CONFIG = (
    "import logging.config",
    "from headrace.logging import dict_config",
    'logging.config.dictConfig(dict_config("lines"))  # in production: "json"',
)
ADD_FILTER = (
    '"filters": {"flow": {"()": "headrace.logging.FlowFilter"}},',
    '"handlers": {... "filters": ["flow"]},',
)
_STREAMS = frozenset(["logging.StreamHandler", "logging.FileHandler", "logging.NullHandler"])
NO_LINES = ("AdminEmailHandler", "NullHandler", "QueueHandler", "MemoryHandler")


def shows_id(format: str) -> bool:
    """Return whether a format string names the correlation ID."""
    return "flow_id" in format or "correlation_id" in format


@dataclass(frozen=True, slots=True)
class Formatter:
    """A formatter of the dictionary.

    Attributes:
        line: its line.
        shows: whether its lines show the ID; None if that is not known.
        needs_filter: whether the handler needs a `FlowFilter` for that.
    """

    line: int
    shows: bool | None
    needs_filter: bool = False


def find_log_dicts(source: Source) -> Iterator[dict[str, ast.expr]]:
    """Yield the dictionaries of the file that configure handlers."""
    for node in source.nodes():
        if isinstance(node, ast.Dict | ast.Call):
            found = entries(node)
            if "version" in found and "handlers" in found:
                yield found


def examine_log_dict(
    project: Project, source: Source, config: dict[str, ast.expr]
) -> Iterator[Finding]:
    """Yield the formatters and handlers of one dictionary whose lines have no ID."""
    filters = _flow_filters(project, source, config)
    formatters = {
        name: _formatter(project, source, node)
        for name, node in entries(config.get("formatters")).items()
    }
    used = _used(config)
    reported: set[str] = set()
    for name, node in entries(config.get("handlers")).items():
        handler = entries(node)
        path = text_of(handler.get("class")) or ""
        if (used is not None and name not in used) or path.endswith(NO_LINES) or not handler:
            continue
        wanted = text_of(handler.get("formatter"))
        if "formatter" not in handler:
            yield from _unformatted(source, name, path, node)
            continue
        formatter = formatters.get(wanted or "")
        if formatter is None or wanted is None:
            continue
        if formatter.shows is False and wanted not in reported:
            reported.add(wanted)
            yield _without_id(source, wanted, formatter.line)
        elif formatter.shows and formatter.needs_filter and not project.has_own_names:
            listed = elements(handler.get("filters"))
            given = {text_of(one) for one in listed or []}
            if "filters" not in handler or (listed is not None and given.isdisjoint(filters)):
                yield _unfiltered(source, name, node.lineno, has_others=bool(given))
    yield from _on_loggers(source, config, filters)
    if _disables(source, config):
        message = (
            "disable_existing_loggers, True by default, silences headrace's loggers, so no request "
            "or task has a line of its own"
        )
        line = config["version"].lineno
        add = ('"disable_existing_loggers": False,',)
        yield Finding(source.shown, line, "log-disabled", message, add)


def _disables(source: Source, config: dict[str, ast.expr]) -> bool:
    """Return whether the dictionary disables the logger ``headrace``, if that is certain."""
    flag, loggers = config.get("disable_existing_loggers"), config.get("loggers")
    named = entries(loggers)
    is_known = loggers is None or len(named) == len(getattr(loggers, "keys", ()))
    if not is_known or "headrace" in named or "incremental" in config:
        return False
    if flag is None:
        return any(name.partition(".")[0].startswith("headrace") for name in source.modules)
    return isinstance(flag, ast.Constant) and bool(flag.value)


def _flow_filters(project: Project, source: Source, config: dict[str, ast.expr]) -> set[str | None]:
    """Return the names of the filters that are ours, or may be."""
    found: set[str | None] = set()
    for name, node in entries(config.get("filters")).items():
        factory = entries(node).get("()")
        path = text_of(factory) or source.name(factory)
        if path == FILTER or path in {f"{one.module}.{each}" for one, each in _derived(project)}:
            found.add(name)
    return found


def _derived(project: Project) -> Iterator[tuple[Source, str]]:
    for source in project.sources:
        for node in source.nodes():
            if isinstance(node, ast.ClassDef) and FILTER in map(source.name, node.bases):
                yield source, node.name


def _formatter(project: Project, source: Source, node: ast.expr) -> Formatter:
    options = entries(node)
    factory = options.get("()", options.get("class"))
    path = text_of(factory) or source.name(factory)
    if not options and not isinstance(node, ast.Dict):
        return Formatter(node.lineno, shows=None)
    if path in OWN_FORMATTERS:
        return Formatter(node.lineno, shows=True)
    if path.startswith("structlog."):
        return Formatter(node.lineno, shows=project.mentions(*PROCESSORS))
    format = options.get("format", options.get("fmt"))
    text = text_of(format)
    if text is not None:
        return Formatter(node.lineno, shows=shows_id(text) or _is_json(path), needs_filter=True)
    if format is not None or (path and not _is_json(path) and path != "logging.Formatter"):
        return Formatter(node.lineno, shows=None)
    return Formatter(node.lineno, shows=_is_json(path), needs_filter=True)


def _is_json(path: str) -> bool:
    """Return whether a formatter of another library writes every attribute of the record."""
    return "json" in path.lower()


def _used(config: dict[str, ast.expr]) -> set[str | None] | None:
    """Return the names of the handlers that loggers use, or None if that is not known."""
    loggers = entries(config.get("loggers"))
    if config.keys().isdisjoint({"loggers", "root"}):
        return None
    if len(loggers) != len(getattr(config.get("loggers"), "keys", [])):
        return None
    found: set[str | None] = set()
    for logger in [*loggers.values(), *([config["root"]] if "root" in config else [])]:
        handlers = entries(logger).get("handlers")
        listed = elements(handlers)
        if listed is None and (handlers is not None or not isinstance(logger, ast.Dict)):
            return None
        found |= {text_of(one) for one in listed or []}
    return None if None in found else found


def _unformatted(source: Source, name: str, path: str, node: ast.expr) -> Iterator[Finding]:
    if path in _STREAMS or path.startswith("logging.handlers."):
        message = f"the handler {name!r} has no formatter, so its lines show no ID"
        add = (
            '"formatters": {"lines": {"()": "headrace.logging.LinesFormatter"}},',
            f'"handlers": {{"{name}": {{..., "formatter": "lines"}}}},',
        )
        yield Finding(source.shown, node.lineno, "log-format", message, add)


def _without_id(source: Source, name: str, line: int) -> Finding:
    message = f"the formatter {name!r} shows no ID"
    add = (
        f'"formatters": {{"{name}": {{"()": "headrace.logging.LinesFormatter"}}}},',
        "# in production: JsonFormatter; or keep yours, with %(flow_id)s in its format, and:",
        *ADD_FILTER,
    )
    return Finding(source.shown, line, "log-format", message, add)


def _unfiltered(source: Source, name: str, line: int, *, has_others: bool) -> Finding:
    effect = effect_of_missing_filter(has_others=has_others)
    message = f"the handler {name!r} has no FlowFilter, so {effect}"
    return Finding(source.shown, line, "log-filter", message, ADD_FILTER)


def effect_of_missing_filter(*, has_others: bool) -> str:
    """Return the effect of a missing FlowFilter if a format names the ID.

    Args:
        has_others: whether there are other filters, which may set ``correlation_id``.
    """
    if has_others:
        return "its lines do not show headrace's ID"
    return "its records lack the attributes of headrace, and a format that names one fails"


def _on_loggers(
    source: Source, config: dict[str, ast.expr], filters: set[str | None]
) -> Iterator[Finding]:
    loggers = entries(config.get("loggers")) | (
        {"root": config["root"]} if "root" in config else {}
    )
    for name, node in loggers.items():
        listed = elements(entries(node).get("filters")) or []
        if not filters.isdisjoint(map(text_of, listed)):
            message = (
                f"FlowFilter is on the logger {name!r}, where it does not see the records of child "
                "loggers; put it on the handlers"
            )
            yield Finding(source.shown, node.lineno, "filter-on-logger", message, ADD_FILTER)
