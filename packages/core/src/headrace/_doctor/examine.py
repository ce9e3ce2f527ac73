"""Examines the source of a project, without importing it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .applications import EXTENSION, Application, find_applications
from .celery_workers import examine_celery
from .django_settings import examine_django, settings_groups
from .findings import Finding, Report
from .log_calls import examine_log_calls
from .log_dicts import (
    ADD_CONFIG,
    FILTER,
    OWN_FORMATTERS,
    PROCESSORS,
    examine_log_dict,
    find_log_dicts,
)
from .options import examine_options
from .project import Project
from .queues import examine_queues
from .set_ups import examine_applications
from .source import Source, text_of

_SHOWN = (
    *("headrace.logging.dict_config", FILTER, *PROCESSORS, *OWN_FORMATTERS),
    *("headrace.loguru.flow_patcher", "headrace.loguru.FlowPatcher"),
)
_ADD_DJANGO = (
    "from headrace.logging import dict_config",
    'LOGGING = dict_config("lines")  # in production: "json"',
)


def examine(root: Path) -> Report:
    """Return the missing or broken set-up of the project in `root`.

    Args:
        root: a folder, or one file.
    """
    project = Project(root)
    report = Report(problems=project.problems)
    apps = find_applications(project)
    groups = settings_groups(project)
    programs = [one for one in project.sources if _is_part(project, one, apps, groups)]
    found = [
        *examine_django(project),
        *examine_applications(project, apps),
        *examine_celery(project, apps, has_django=bool(groups)),
        *examine_queues(project),
        *(finding for source in programs for finding in _logging(project, source)),
        *(
            finding
            for source in project.sources
            for finding in examine_options(source, has_flask=project.mentions(EXTENSION))
        ),
    ]
    if not any(one.name.startswith(("log-", "structlog", "loguru")) for one in found):
        found += _no_logging(project, apps, groups)
    lines = {source.shown: source for source in project.sources}
    report.findings = sorted({
        one for one in found if not lines[one.file].is_ignored(one.line, one.name)
    })
    report.seen = [*(f"Django ({group[0].shown})" for group in groups)]
    report.seen += [f"{app.kind.title} ({app.source.shown}:{app.call.lineno})" for app in apps]
    uses = any(name.startswith("headrace") for one in project.sources for name in one.modules)
    if not report.seen and not report.findings:
        if uses:
            report.seen = ["the modules that import headrace"]
        elif not report.problems:
            report.problems.append(f"there is no application in {root}; pass its folder")
    return report


def _is_part(
    project: Project, source: Source, apps: list[Application], groups: list[list[Source]]
) -> bool:
    """Return whether a file is part of the program, not a separate script."""
    uses = any(name.partition(".")[0].startswith("headrace") for name in source.modules)
    has_app = any(app.source is source for app in apps)
    return (
        uses
        or has_app
        or any(source in group for group in groups)
        or (bool(apps or groups) and project.is_imported(source))
    )


def _logging(project: Project, source: Source) -> Iterator[Finding]:
    for config in find_log_dicts(source):
        yield from examine_log_dict(project, source, config)
    yield from examine_log_calls(project, source)


def _no_logging(
    project: Project, apps: list[Application], groups: list[list[Source]]
) -> Iterator[Finding]:
    """Yield one finding if nothing in the project gives log lines an ID."""
    is_known = project.mentions(*_SHOWN) or project.configured_by_file or project.has_own_names
    if is_known or _is_built_elsewhere(project):
        return
    message = "no handler of the project shows the ID, so log lines have none"
    web = [app for app in apps if app.kind.title != "Celery"]
    if groups:
        source = groups[0][0]
        yield Finding(source.shown, 1, "log-set-up", message, _ADD_DJANGO, "in the settings")
    elif web:
        app = web[0]
        to = "before the application"
        yield Finding(app.source.shown, app.call.lineno, "log-set-up", message, ADD_CONFIG, to)


def _is_built_elsewhere(project: Project) -> bool:
    """Return whether a dictionary or a file that is not in the source configures logging."""
    named = any(
        "flow_id" in text or "correlation_id" in text
        for source in project.sources
        for text in source.strings
    )
    if named:
        return True
    for source in project.sources:
        for call in source.calls("logging.config.dictConfig", "logging.config.fileConfig"):
            argument = call.args[0] if call.args else None
            if (
                argument is not None
                and text_of(argument) is None
                and not any(True for _ in find_log_dicts(source))
            ):
                return True
    return False
