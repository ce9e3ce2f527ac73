"""Celery's workers, which configure logging themselves, and the modules that load its app."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from .applications import Application
from .findings import Finding
from .log_dicts import shows_id
from .project import Project
from .source import Function, Source, entries, keyword, text_of

_FORMATS = ("worker_log_format", "CELERY_WORKER_LOG_FORMAT", "CELERYD_LOG_FORMAT")
_TASK_FORMATS = (
    *("worker_task_log_format", "CELERY_WORKER_TASK_LOG_FORMAT", "CELERYD_TASK_LOG_FORMAT"),
)
_HIJACK = (
    *("worker_hijack_root_logger", "CELERY_WORKER_HIJACK_ROOT_LOGGER"),
    "CELERYD_HIJACK_ROOT_LOGGER",
)
_RUNS = frozenset([
    *("task", "shared_task", "flow_task", "chain_task", "register_task", "autodiscover_tasks"),
    *("Task", "include", "imports", "worker_main"),
])
_SIGNALS = "celery.signals"
_CONNECT = f"{_SIGNALS}.setup_logging.connect"
_ADD_RECEIVER = (
    "import logging.config",
    "from celery.signals import setup_logging",
    "from headrace.logging import dict_config",
    "",
    "",
    "@setup_logging.connect",
    "def configure_logging(**_):",
    '    logging.config.dictConfig(dict_config("lines"))  # in production: "json"',
)
NO_RECEIVER = Finding(
    *("", 0, "celery-logging"),
    "Celery configures logging in its workers, with a format that shows no ID; connect a receiver "
    "of setup_logging",
    _ADD_RECEIVER,
    "in the module of the app",
)
NO_DJANGO_RECEIVER = replace(
    NO_RECEIVER,
    add=(
        *(*_ADD_RECEIVER[:2], *_ADD_RECEIVER[3:7], "    from django.conf import settings", ""),
        "    logging.config.dictConfig(settings.LOGGING)",
    ),
)
NO_TASK_FORMAT = replace(
    NO_RECEIVER,
    message="worker_log_format has the ID, but worker_task_log_format does not",
    add=("worker_task_log_format = ...  # the same format",),
    to="",
)


def examine_celery(
    project: Project, apps: list[Application], *, has_django: bool
) -> Iterator[Finding]:
    """Yield what the project's Celery workers lack, beyond `init_app`."""
    ours = [app for app in apps if app.kind.title == "Celery"]
    if not ours:
        return
    if any(_runs_tasks(source) for source in project.sources):
        yield from _logging(project, ours[0], has_django=has_django)
    for source in project.sources:
        yield from _weak_receivers(source)
        yield from _request_classes(source)
    if has_django:
        for app in ours:
            yield from _not_loaded(project, app)


def _runs_tasks(source: Source) -> bool:
    """Return whether a file declares or loads tasks; some projects only publish other projects'."""
    return any(
        getattr(node, field, None) in _RUNS
        for node in source.nodes()
        for field in ("id", "attr", "arg")
    )


def _settings(project: Project, names: tuple[str, ...]) -> Iterator[tuple[Source, ast.expr]]:
    """Yield the values that the project gives to one of Celery's settings, in any spelling."""
    for source in project.sources:
        for target, value, _ in source.assigned():
            name = ast.unparse(target).rpartition(".")[2]
            if isinstance(target, ast.Subscript):
                name = text_of(target.slice) or ""
            if name in names:
                yield source, value
        for node in source.nodes():
            if isinstance(node, ast.keyword) and node.arg in names:
                yield source, node.value
            elif isinstance(node, ast.Dict):
                for name, value in entries(node).items():
                    if name in names:
                        yield source, value


def _logging(project: Project, app: Application, *, has_django: bool) -> Iterator[Finding]:
    receivers = project.mentions(
        _CONNECT,
        f"{_SIGNALS}.after_setup_logger.connect",
        f"{_SIGNALS}.after_setup_task_logger.connect",
    )
    formats = [*_settings(project, _FORMATS)]
    task_formats = [*_settings(project, _TASK_FORMATS)]
    hijack = any(
        isinstance(value, ast.Constant) and value.value is False
        for _, value in _settings(project, _HIJACK)
    )
    missing = NO_DJANGO_RECEIVER if has_django else NO_RECEIVER
    for source, value in [*formats, *task_formats]:
        text = text_of(value)
        if text is not None and not shows_id(text) and not receivers:
            message = "a log format of Celery's workers shows no ID"
            yield replace(missing, message=message).at(source.shown, value.lineno)
    if receivers or hijack:
        return
    if not formats:
        yield missing.at(app.source.shown, app.call.lineno)
    elif (
        not task_formats
        and shows_id(text_of(formats[0][1]) or "")
        and project.mentions("celery.utils.log.get_task_logger")
    ):
        yield NO_TASK_FORMAT.at(formats[0][0].shown, formats[0][1].lineno)


def _weak_receivers(source: Source) -> Iterator[Finding]:
    """Yield receivers of setup_logging that are lost, since Celery holds them weakly."""
    for call in source.calls(_CONNECT):
        if call.args and keyword(call, "weak") is None and _is_local(source, call.args[0]):
            yield _weak(source, call.lineno)
    for node in source.nodes():
        if isinstance(node, Function) and isinstance(source.scope(node), Function):
            for decorator in node.decorator_list:
                if source.name(decorator) == _CONNECT:
                    yield _weak(source, decorator.lineno)


def _is_local(source: Source, receiver: ast.expr) -> bool:
    """Return whether only the function that connects a receiver refers to it."""
    if isinstance(receiver, ast.Lambda):
        return True
    scope = source.scope(receiver)
    return isinstance(scope, Function) and any(
        isinstance(one, Function) and one.name == ast.unparse(receiver) for one in ast.walk(scope)
    )


def _weak(source: Source, line: int) -> Finding:
    message = (
        "Celery holds the receiver of setup_logging weakly, so a nested function is "
        "gone before the worker starts"
    )
    add = ("setup_logging.connect(configure_logging, weak=False)",)
    return Finding(source.shown, line, "celery-receiver", message, add)


def _request_classes(source: Source) -> Iterator[Finding]:
    requests = {
        node.name
        for node in source.nodes()
        if isinstance(node, ast.ClassDef)
        and "celery.worker.request.Request" in map(source.name, node.bases)
    }
    for target, value, statement in source.assigned():
        name = ast.unparse(target)
        is_request = name == "Request" or name.endswith(".Request")
        if is_request and ast.unparse(value) in requests:
            message = (
                "this request class replaces headrace's, which puts the ID into the lines of the "
                "worker's parent process"
            )
            add = (
                "from kombu.utils.imports import symbol_by_name",
                "class Request(symbol_by_name(Task.Request)): ...",
            )
            to = "after init_app"
            yield Finding(source.shown, statement.lineno, "celery-request", message, add, to)


def _not_loaded(project: Project, app: Application) -> Iterator[Finding]:
    source = app.source
    package = source.path.parent / "__init__.py"
    if not package.exists() or source.path == package or project.is_imported(source):
        return
    message = (
        "no module imports the Celery app, so the web process publishes shared tasks without it, "
        "and without init_app"
    )
    stem = source.path.stem
    add = (f"from .{stem} import {app.name} as celery_app",)
    to = f"in the __init__.py next to {source.path.name}"
    yield Finding(source.shown, app.call.lineno, "celery-not-loaded", message, add, to)
