"""Calls that configure logging: basicConfig, Formatter, addFilter, structlog, loguru."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from .findings import Finding
from .log_dicts import ADD_CONFIG, FILTER, PROCESSORS, effect_of_missing_filter, shows_id
from .project import Project
from .source import Source, elements, keyword, method, receiver, text_of

_PATCHERS = ("headrace.loguru.flow_patcher", "headrace.loguru.FlowPatcher")
_INSTALLERS = (
    *("headrace.logging.install", "headrace_flask.Headrace", "headrace_fastapi.init_app"),
    "headrace_celery.init_app",
)
NO_PROCESSOR = Finding(
    *("", 0, "structlog"),
    "structlog's processors do not include flow_processor, so events have no ID",
    ("from headrace.structlog import flow_processor", "processors=[flow_processor, ...]"),
    "in structlog.configure",
)
_HANDLER_CHANGES = ("default_handler", ".handlers", ".removeHandler", ".propagate", ".basicConfig")
_LOGGERS = ("logging.getLogger", "celery.utils.log.get_task_logger")
_ADD_FORMATTER = (
    "from headrace.logging import LinesFormatter",
    "handler.setFormatter(LinesFormatter())  # in production: JsonFormatter",
)
_ADD_FILTER = (
    "from headrace.logging import FlowFilter",
    "handler.addFilter(FlowFilter())  # on each handler",
)


def examine_log_calls(project: Project, source: Source) -> Iterator[Finding]:
    """Yield the calls of one file that configure lines without an ID, or that remove it."""
    yield from _basic_config(project, source)
    yield from _formatters(project, source)
    yield from _filters_on_loggers(source)
    yield from _factories(source)
    yield from _structlog(project, source)
    yield from _loguru(project, source)
    yield from _instrumentor(source)
    yield from _early_loggers(source)
    for call in source.calls("headrace.logging.dict_config"):
        if isinstance(source.parents[call], ast.Expr):
            message = "the dictionary is not applied to anything"
            yield Finding(source.shown, call.lineno, "log-set-up", message, ADD_CONFIG)


def _basic_config(project: Project, source: Source) -> Iterator[Finding]:
    for call in source.calls("logging.basicConfig"):
        handlers, format = keyword(call, "handlers"), keyword(call, "format")
        if any(each.arg is None for each in call.keywords):
            continue
        if handlers is not None and format is None:
            continue  # which may have formatters of their own
        text = text_of(format)
        if (format is None and not _reformats(source)) or (text is not None and not shows_id(text)):
            message = "basicConfig() has a format without the ID"
            yield Finding(source.shown, call.lineno, "log-format", message, ADD_CONFIG, "instead")
        elif text is not None and not _has_filter(project):
            yield _unfiltered(source, call)


def _reformats(source: Source) -> bool:
    return any(method(call) == "setFormatter" for call in source.calls())


def _has_filter(project: Project) -> bool:
    return project.mentions(FILTER) or project.has_own_names


def _unfiltered(source: Source, call: ast.Call) -> Finding:
    has_others = any(method(one) == "addFilter" for one in source.calls())
    effect = effect_of_missing_filter(has_others=has_others)
    message = f"the handler has no FlowFilter, so {effect}"
    return Finding(source.shown, call.lineno, "log-filter", message, _ADD_FILTER)


def _formatters(project: Project, source: Source) -> Iterator[Finding]:
    for call in source.calls("logging.Formatter"):
        format = call.args[0] if call.args else keyword(call, "fmt")
        text = "" if format is None else text_of(format)
        if text is None:
            continue
        if not shows_id(text):
            message = "a formatter shows no ID"
            yield Finding(source.shown, call.lineno, "log-format", message, _ADD_FORMATTER)
        elif not _has_filter(project):
            yield _unfiltered(source, call)


def _filters_on_loggers(source: Source) -> Iterator[Finding]:
    for call in source.calls():
        if method(call) != "addFilter" or not call.args:
            continue
        if source.is_made_by(call.args[0], FILTER) and _is_logger(source, receiver(call)):
            message = (
                "FlowFilter is on a logger, where it does not see the records of child loggers; "
                "put it on the handlers"
            )
            yield Finding(source.shown, call.lineno, "filter-on-logger", message, _ADD_FILTER)


def _is_logger(source: Source, node: ast.expr) -> bool:
    is_named = source.name(node) == "logging.root" or ast.unparse(node).endswith(".logger")
    return is_named or source.is_made_by(node, *_LOGGERS)


def _factories(source: Source) -> Iterator[Finding]:
    if "logging.getLogRecordFactory" in source.mentions:
        return  # the factory may wrap the one before
    installed = [call.lineno for call in source.calls(*_INSTALLERS)]
    for call in source.calls("logging.setLogRecordFactory"):
        if any(line < call.lineno for line in installed):
            message = "the log record factory replaces headrace's, which captures the ID"
            add = (
                "before = logging.getLogRecordFactory()",
                "# and in your factory: record = before(*args, **kwargs)",
            )
            yield Finding(source.shown, call.lineno, "log-factory", message, add)


def _structlog(project: Project, source: Source) -> Iterator[Finding]:
    for call in source.calls("structlog.configure"):
        processors = keyword(call, "processors")
        names = [
            source.name(one.func if isinstance(one, ast.Call) else one)
            for one in elements(processors) or []
        ]
        if not project.mentions(*PROCESSORS):
            yield NO_PROCESSOR.at(source.shown, call.lineno)
        elif ours := [place for place, name in enumerate(names) if name in PROCESSORS]:
            before = names[: ours[0]]
            if any(name.endswith("Renderer") for name in before):
                message = "flow_processor comes after the renderer; move it before the renderer"
                yield replace(NO_PROCESSOR, message=message).at(source.shown, call.lineno)


def _loguru(project: Project, source: Source) -> Iterator[Finding]:
    if project.mentions(*_PATCHERS) or "loguru.logger" not in source.imports.values():
        return
    calls = list(source.calls("loguru.logger.add", "loguru.logger.configure"))
    for call in calls[:1]:
        message = "loguru's messages have no ID without headrace's patcher"
        add = (
            "from headrace.loguru import flow_patcher",
            "logger.configure(patcher=flow_patcher)",
            "# and in the format of the sink: {extra[flow_id]}",
        )
        yield Finding(source.shown, call.lineno, "loguru", message, add)


def _instrumentor(source: Source) -> Iterator[Finding]:
    for call in source.calls():
        set_format = keyword(call, "set_logging_format")
        if not isinstance(set_format, ast.Constant) or set_format.value is not True:
            continue
        format = keyword(call, "logging_format")
        text = text_of(format)
        if format is None or (text is not None and not shows_id(text)):
            message = "OpenTelemetry's instrumentor sets a log format without the ID"
            to = "instead of set_logging_format=True"
            yield Finding(source.shown, call.lineno, "log-format", message, ADD_CONFIG, to)


def _early_loggers(source: Source) -> Iterator[Finding]:
    """Yield Flask loggers that are used before `dictConfig`, and so get a handler of their own."""
    if any(name.endswith(_HANDLER_CHANGES) for name in source.mentions):
        return
    configs = sorted(source.calls("logging.config.dictConfig"), key=lambda one: one.lineno)
    for config in configs[:1]:
        if not config.args or not source.is_made_by(config.args[0], "headrace.logging.dict_config"):
            continue
        early = [
            node
            for node in source.nodes()
            if isinstance(node, ast.Attribute)
            and node.attr == "logger"
            and node.lineno < config.lineno
            and source.scope(node) is source.scope(config)
            and source.is_made_by(node.value, "flask.Flask")
        ]
        if early:
            line = min(node.lineno for node in early)
            message = (
                "Flask gives its logger a handler if it is used before dictConfig(), so its lines "
                "appear twice, once without the ID"
            )
            add = ("logging.config.dictConfig(...)",)
            to = "before the application is created, not after it"
            yield Finding(source.shown, line, "log-format", message, add, to)
