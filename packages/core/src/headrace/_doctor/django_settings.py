"""Django's settings: the app, the middleware and its place, HEADRACE, TASKS."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from .applications import OPTIONS
from .findings import Finding
from .options import option_findings
from .project import Project
from .source import Source, elements, entries, keyword, text_of

APP = "headrace_django"
MIDDLEWARE = "headrace_django.middleware.FlowMiddleware"
_APPS = (APP, "headrace_django.apps.HeadraceConfig")
_BACKEND = "headrace_django.tasks.FlowBackend"
SKIPPED = "opentelemetry."  # whose instrumentor puts its middleware first
NO_APP = Finding(
    *("", 0, "django-app"),
    "INSTALLED_APPS does not list the app, so log records do not capture the ID",
    ("INSTALLED_APPS = [", f'    "{APP}",', "    ...", "]"),
    "in the settings, after pip install headrace-django",
)
NO_MIDDLEWARE = Finding(
    *("", 0, "django-middleware"),
    "MIDDLEWARE does not list FlowMiddleware, so requests and responses have no ID",
    ("MIDDLEWARE = [", f'    "{MIDDLEWARE}",  # first', "    ...", "]"),
    "in the settings",
)
NOT_FIRST = replace(
    NO_MIDDLEWARE,
    message="FlowMiddleware is not first in MIDDLEWARE, so the lines and responses of the "
    "middleware before it have no ID",
)
TWICE = replace(
    NO_MIDDLEWARE,
    message="MIDDLEWARE lists FlowMiddleware more than once; only the first has an effect, so "
    "remove the others",
    add=(),
)


def settings_groups(project: Project) -> list[list[Source]]:
    """Return the modules of Django settings, grouped by those that build on one another."""
    groups: dict[str, list[Source]] = {}
    for source in project.sources:
        if _assigned(source, "MIDDLEWARE", "INSTALLED_APPS"):
            groups.setdefault(str(source.path.parent), []).append(source)
    for folder, members in groups.items():
        near = [one for one in project.sources if str(one.path.parent) == folder]
        groups[folder] = members + [one for one in near if one not in members and _is_set(one)]
    return [
        group
        for group in groups.values()
        if any("django." in text for source in group for text in source.strings)
        or any(_assigned(source, "ROOT_URLCONF", "SECRET_KEY") for source in group)
    ]


def _is_set(source: Source) -> bool:
    """Return whether a module consists of settings, judged by its names."""
    names = [target.id for target, _, _ in source.assigned() if isinstance(target, ast.Name)]
    return bool(names) and all(name.isupper() for name in names)


def examine_django(project: Project) -> Iterator[Finding]:
    """Yield what the settings lack."""
    for group in settings_groups(project):
        yield from _app(group)
        yield from _middleware(project, group)
        for source in group:
            yield from _settings(source)
            yield from _tasks(source)


def _assigned(source: Source, *names: str) -> list[tuple[ast.expr, ast.stmt, str]]:
    """Return what the top level of a module assigns to one of `names`."""
    return [
        (value, statement, target.id)
        for target, value, statement in source.assigned()
        if isinstance(target, ast.Name)
        and target.id in names
        and isinstance(source.scope(statement), ast.Module)
    ]


def _lists(group: list[Source], name: str) -> list[tuple[Source, ast.stmt, list[ast.expr]]]:
    """Return the places where the group assigns a list literal."""
    return [
        (source, statement, found)
        for source in group
        for value, statement, _ in _assigned(source, name)
        if (found := elements(value)) is not None and isinstance(statement, ast.Assign)
    ]


def _app(group: list[Source]) -> Iterator[Finding]:
    lists = _lists(group, "INSTALLED_APPS")
    if not lists or any(not source.strings.isdisjoint(_APPS) for source in group):
        return
    wrong = "the INSTALLED_APPS entry that starts with 'headrace' is not its app"
    yield _unlisted(lists, NO_APP, wrong)


def _unlisted(
    lists: list[tuple[Source, ast.stmt, list[ast.expr]]], missing: Finding, wrong: str
) -> Finding:
    """Return the finding for the longest list: `missing`, or that an entry of ours is wrong."""
    source, statement, listed = max(lists, key=lambda one: len(one[2]))
    for one in listed:
        if (text_of(one) or "").startswith("headrace"):
            return replace(missing, message=wrong).at(source.shown, one.lineno)
    return missing.at(source.shown, statement.lineno)


def _middleware(project: Project, group: list[Source]) -> Iterator[Finding]:
    ours = {MIDDLEWARE, *_subclasses(project)}
    lists = _lists(group, "MIDDLEWARE")
    if lists and all(source.strings.isdisjoint(ours) for source in group):
        wrong = "the MIDDLEWARE entry that starts with 'headrace' is not its middleware"
        yield _unlisted(lists, NO_MIDDLEWARE, wrong)
    if any(_is_changed(source) for source in group):
        return
    for source, _, listed in lists:
        counted = [one for one in listed if not (text_of(one) or "").startswith(SKIPPED)]
        places = [place for place, one in enumerate(counted) if text_of(one) in ours]
        if places and places[0] != 0:
            yield NOT_FIRST.at(source.shown, counted[places[0]].lineno)
        for place in places[1:]:
            yield TWICE.at(source.shown, counted[place].lineno)


def _subclasses(project: Project) -> Iterator[str]:
    for source in project.sources:
        for node in source.nodes():
            if isinstance(node, ast.ClassDef) and MIDDLEWARE in map(source.name, node.bases):
                yield f"{source.module}.{node.name}"


def _is_changed(source: Source) -> bool:
    """Return whether a module changes MIDDLEWARE in other ways than by a list literal."""
    changed = {"MIDDLEWARE.insert", "MIDDLEWARE.append", "MIDDLEWARE.remove", "MIDDLEWARE.extend"}
    if any(source.name(call.func) in changed for call in source.calls()):
        return True
    others = [one for one in _assigned(source, "MIDDLEWARE") if elements(one[0]) is None]
    return bool(others)


def _settings(source: Source) -> Iterator[Finding]:
    for target, value, statement in source.assigned():
        if not isinstance(target, ast.Name):
            continue
        if target.id.startswith("HEADRACE_"):
            key = target.id.removeprefix("HEADRACE_")
            message = f"{target.id} has no effect: Django's setting is one dict, HEADRACE"
            add = (f'HEADRACE = {{"{key}": ...}}',)
            yield Finding(source.shown, statement.lineno, "django-setting", message, add)
        elif target.id == "HEADRACE" and isinstance(value, ast.List | ast.Tuple | ast.Constant):
            message = "HEADRACE must be a dict; otherwise the middleware refuses to start"
            add = ('HEADRACE = {"NAME": value}',)
            yield Finding(source.shown, statement.lineno, "django-setting", message, add)
        elif target.id == "HEADRACE":
            yield from _options(source, value)
    for call in source.calls("django.conf.settings.configure"):
        yield from _options(source, keyword(call, "HEADRACE"))


def _options(source: Source, setting: ast.expr | None) -> Iterator[Finding]:
    known = {name.upper() for name in OPTIONS}
    for name, option in entries(setting).items():
        yield from option_findings(source, f"HEADRACE[{name!r}]", name, option, known)


def _tasks(source: Source) -> Iterator[Finding]:
    for value, _, _ in _assigned(source, "TASKS"):
        for backend in entries(value).values():
            options = entries(backend)
            path = text_of(options.get("BACKEND")) or ""
            if not path.startswith(("django.tasks.", "django_tasks")) or "dummy" in path:
                continue
            message = "a backend of TASKS is not wrapped, so its tasks have no ID"
            add = (f'"BACKEND": "{_BACKEND}",', '"WRAPS": ...,  # the previous BACKEND')
            line = options["BACKEND"].lineno
            yield Finding(source.shown, line, "django-tasks", message, add, "in this backend")
