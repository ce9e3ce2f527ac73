"""Checks that headrace is set up on each application, and that each set-up has an effect."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeGuard, TypeVar

from .applications import (
    ASGI,
    EXTENSION,
    KINDS,
    STARLETTE,
    WSGI,
    Application,
    is_discarded,
    is_extension,
)
from .findings import Finding
from .project import Project
from .source import Function, Source, elements, keyword, method, receiver

E = TypeVar("E", bound=ast.expr)
_MOUNTS = frozenset([
    *("mount", "Mount", "WSGIMiddleware", "ASGIMiddleware", "DispatcherMiddleware"),
    *("WsgiToAsgi", "Host", "add_app"),
])
_ROUTES = frozenset(["route", "get", "post", "put", "patch", "delete", "websocket"])
_ROUTERS = (
    *("flask.Flask", "flask.Blueprint", "fastapi.FastAPI", "fastapi.APIRouter", "quart.Quart"),
)
_LATE = (
    *("worker_process_init", "worker_init", "worker_ready", "celeryd_init"),
    *("on_event", "before_request", "before_first_request", "startup"),
)


def examine_applications(project: Project, apps: list[Application]) -> Iterator[Finding]:
    """Yield what applications lack, and set-ups that have no effect."""
    for app in apps:
        if not app.set_up:
            if not _is_mounted(project, apps, app):
                yield app.kind.missing(app.name).at(app.source.shown, app.call.lineno)
        elif all(source.is_main_only(call) for source, call in app.set_up):
            source, call = app.set_up[0]
            if not source.is_main_only(app.call):
                yield _in_main(app, source, call)
        elif all(_late_hook(project, app, source, call) for source, call in app.set_up):
            source, call = app.set_up[0]
            message = (
                f"{app.kind.title}'s set-up runs in a hook, after the application has started; "
                "move it to where the application is created"
            )
            add = app.kind.lines(app.name)
            yield Finding(source.shown, call.lineno, "late-set-up", message, add)
    for source in project.sources:
        yield from _without_effect(project, source)


def _in_main(app: Application, source: Source, call: ast.Call) -> Finding:
    message = (
        f'{app.kind.title}\'s set-up is under `if __name__ == "__main__"`, so a server or '
        "worker that imports the module does not run it"
    )
    to = "at the top level, after the application"
    add = app.kind.lines(app.name)
    return Finding(source.shown, call.lineno, "set-up-in-main", message, add, to)


def _late_hook(project: Project, app: Application, source: Source, call: ast.Call) -> bool:
    scope = source.scope(call)
    if not isinstance(scope, Function) or scope is app.source.scope(app.call):
        return False
    words = [ast.unparse(one) for one in scope.decorator_list]
    is_hook = any(hook in word for word in words for hook in _LATE)
    return is_hook or _is_lifespan(project, source, scope)


def _is_lifespan(project: Project, source: Source, function: Function) -> bool:
    """Return whether an application takes `function` as its ``lifespan``."""
    for other in project.sources:
        for call in other.calls():
            name = other.name(keyword(call, "lifespan"))
            found = (other, name) if name and "." not in name else project.find(name)
            if found == (source, function.name):
                return True
    return False


def _is_mounted(project: Project, apps: list[Application], app: Application) -> bool:
    """Return whether `app` is inside another application that is set up, judged by names."""
    if app.kind.title == "Celery" or app.target is None:
        return _shares_process(apps, app)
    if not any(other.set_up for other in apps):
        return False
    for source in project.sources:
        for call in source.calls():
            if ast.unparse(call.func).rpartition(".")[2] in _MOUNTS:
                names = {ast.unparse(one) for one in ast.walk(call) if isinstance(one, ast.expr)}
                if app.target in names or f"{app.target}.wsgi_app" in names:
                    return True
    return False


def _shares_process(apps: list[Application], app: Application) -> bool:
    """Return whether another Celery app of the same file is set up: signals are global."""
    same = [one for one in apps if one.kind is app.kind and one.source is app.source]
    return app.kind.title == "Celery" and any(one.set_up for one in same)


def _without_effect(project: Project, source: Source) -> Iterator[Finding]:
    for call in source.calls(*ASGI, *WSGI):
        if is_discarded(source, call):
            message = "the wrapped application is discarded; assign it"
            inner = ast.unparse(call.args[0]) if call.args else "app"
            add = (f"{inner} = FlowMiddleware({inner}, ...)",)
            yield Finding(source.shown, call.lineno, "discarded-wrapper", message, add)
    yield from _wrong_protocol(source)
    yield from _unused_extensions(project, source)
    yield from _late_settings(source)
    yield from _order(source)
    yield from _decorator_order(source)


def _wrong_protocol(source: Source) -> Iterator[Finding]:
    for target, value, statement in source.assigned():
        if not isinstance(value, ast.Call) or not isinstance(target, ast.Attribute):
            continue
        name = source.name(value.func)
        wrong = {"wsgi_app": ASGI, "asgi_app": WSGI}.get(target.attr, ())
        if name in wrong:
            right = (WSGI if target.attr == "wsgi_app" else ASGI)[0]
            message = f"{target.attr} is wrapped by middleware for the other protocol"
            add = (f"from {right.rpartition('.')[0]} import FlowMiddleware",)
            yield Finding(source.shown, statement.lineno, "wrong-protocol", message, add)
    for call in source.calls():
        if method(call) == "add_middleware" and call.args and source.name(call.args[0]) in WSGI:
            message = "WSGI middleware is added to an ASGI application"
            lines = STARLETTE.lines(ast.unparse(receiver(call)))
            yield Finding(source.shown, call.lineno, "wrong-protocol", message, lines)


def _unused_extensions(project: Project, source: Source) -> Iterator[Finding]:
    """Yield extension objects of Flask that never get an application."""
    for call in source.calls("headrace_flask.Headrace.init_app"):
        message = "init_app() is called on the class, not on an object"
        add = ("Headrace().init_app(app)",)
        yield Finding(source.shown, call.lineno, "flask-extension", message, add)
    for target, value, statement in source.assigned():
        if not isinstance(value, ast.Call) or source.name(value.func) != EXTENSION:
            continue
        if value.args or keyword(value, "app"):
            continue
        used = any(
            is_extension(project, other, call)
            for other in project.sources
            for call in other.calls()
        )
        if not used:
            message = "the extension is created, and its init_app() is never called"
            add = (f"{ast.unparse(target)}.init_app(app)",)
            to = "where the application is created"
            yield Finding(source.shown, statement.lineno, "flask-extension", message, add, to)


def _late_settings(source: Source) -> Iterator[Finding]:
    """Yield settings of Flask that are written after the extension has read them."""
    calls = [call for call in source.calls(EXTENSION) if call.args]
    for target, _, statement in source.assigned():
        if not isinstance(target, ast.Subscript) or not isinstance(target.slice, ast.Constant):
            continue
        key, owner = str(target.slice.value), ast.unparse(target.value)
        for call in calls:
            is_app = owner == f"{ast.unparse(call.args[0])}.config"
            is_here = source.scope(call) is source.scope(statement)
            if (
                key.startswith("HEADRACE_")
                and is_app
                and is_here
                and call.lineno < statement.lineno
            ):
                message = f"{key} is set after Headrace() has read the settings; set it before"
                yield Finding(source.shown, statement.lineno, "late-setting", message)


def _decorator_order(source: Source) -> Iterator[Finding]:
    """Yield steps whose decorator is above the route's, so that requests bypass the step."""
    for node in source.nodes():
        if not isinstance(node, Function):
            continue
        steps = [one for one in node.decorator_list if _declares_step(source, one)]
        if steps and any(_is_route(source, one) for one in _below(node, steps[0])):
            message = (
                f"the route calls {node.name}() without its step, since the step's decorator is "
                "above the route's"
            )
            step = f"@{ast.unparse(steps[0])}"
            add = ("@...  # the route", step, f"def {node.name}(...): ...")
            yield Finding(source.shown, steps[0].lineno, "decorator-order", message, add)


def _below(function: Function, decorator: ast.expr) -> list[ast.expr]:
    listed = function.decorator_list
    return listed[listed.index(decorator) + 1 :]


def _declares_step(source: Source, decorator: ast.expr) -> bool:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    if source.name(target) in {"headrace.entrypoint", "headrace.step"}:
        return True
    if not isinstance(target, ast.Attribute) or target.attr not in {"entrypoint", "step"}:
        return False
    return source.is_made_by(target.value, "headrace.flow")


def _is_route(source: Source, decorator: ast.expr) -> bool:
    if not isinstance(decorator, ast.Call) or method(decorator) not in _ROUTES:
        return False
    return source.is_made_by(receiver(decorator), *_ROUTERS)


def _order(source: Source) -> Iterator[Finding]:
    """Yield the places where other listed middleware is outside ours."""
    added: dict[tuple[str, int], list[ast.Call]] = {}
    for call in source.calls():
        if method(call) == "add_middleware":
            key = (ast.unparse(receiver(call)), id(source.scope(call)))
            added.setdefault(key, []).append(call)
        if any(source.name(call.func) in kind.classes for kind in KINDS):
            yield from _listed_order(source, elements(keyword(call, "middleware")) or [])
    for calls in added.values():
        counted = _counted(source, sorted(calls, key=lambda one: one.lineno))
        ours = [one for one in counted if _is_ours(one, source)]
        if ours and ours[-1] is not counted[-1]:
            message = (
                "middleware that is added later is outside FlowMiddleware, and its lines and "
                "responses have no ID; init_app() encloses all of it"
            )
            add = STARLETTE.lines(ast.unparse(receiver(ours[-1])))
            to = "instead of add_middleware"
            yield Finding(source.shown, ours[-1].lineno, "middleware-order", message, add, to)


def _is_ours(listed: ast.expr, source: Source) -> TypeGuard[ast.Call]:
    """Return whether `listed` is a call that lists or adds FlowMiddleware."""
    if not isinstance(listed, ast.Call) or not listed.args:
        return False
    return source.name(listed.args[0]) in ASGI


def _counted(source: Source, listed: list[E]) -> list[E]:
    """Return `listed` without CORS middleware if ours rejects IDs: then CORS belongs outside."""
    rejects = any(keyword(one, "on_invalid") for one in listed if _is_ours(one, source))
    return [one for one in listed if not (rejects and _does_cors(one))]


def _does_cors(listed: ast.expr) -> bool:
    first = listed.args[0] if isinstance(listed, ast.Call) and listed.args else listed
    return "cors" in ast.unparse(first).lower()


def _listed_order(source: Source, listed: list[ast.expr]) -> Iterator[Finding]:
    for one in _counted(source, listed)[1:]:
        if _is_ours(one, source):
            message = (
                "FlowMiddleware is not first in the list of middleware, so the lines and responses "
                "of the middleware before it have no ID"
            )
            yield Finding(source.shown, one.lineno, "middleware-order", message)
