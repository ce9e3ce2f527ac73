"""The addresses of web applications: FastAPI, Starlette, Flask, Django."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from headrace_inspect._names._entities import Class, Function
from headrace_inspect._names._library_values import Router, ViewClass
from headrace_inspect._names._values import (
    UNKNOWN,
    Arguments,
    ClassValue,
    External,
    Instance,
    Items,
    Method,
    Text,
    Value,
)
from headrace_inspect._running._attributes import attribute
from headrace_inspect._running._calls import call_library
from headrace_inspect._running._exposure import Route
from headrace_inspect._running._giving import ANY_ARGUMENTS
from headrace_inspect._running._trees import NOTHING_HAPPENS, Tree

from ._dependencies import function_of, note_dependencies, with_dependencies
from ._http import VERBS
from ._registry import Model, finder, function, method
from ._running_arguments import tree_of_call

if TYPE_CHECKING:
    from headrace_inspect._running._engine import Engine
    from headrace_inspect._running._frame import Frame

_REGISTERING = frozenset([*VERBS, "api_route", "route", "trace", "websocket", "websocket_route"])
_HOLE = re.compile(r"\{[^}]*\}|<[^>]*>|\(\?P<[^)]*\)|\([^)]*\)")
_APPLICATIONS = ("fastapi.FastAPI", "flask.Flask", "starlette.applications.Starlette")
_PARTS = ("fastapi.APIRouter", "flask.Blueprint", "fastapi.routing.APIRouter")


@function(*_APPLICATIONS, *_PARTS)
def make_router(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """Applications and routers, with the prefix of their addresses."""
    for argument in arguments.values():
        note_dependencies(frame, argument, node)
    prefix = arguments.get(None, "prefix", "url_prefix")
    given = frame.engine.resolve(arguments.get(None, "dependencies") or UNKNOWN)
    return Router(
        (prefix.constant or "") if isinstance(prefix, Text) else "",
        given.items if isinstance(given, Items) else (),
    )


@finder
def router_method(engine: Engine, value: Method) -> Model | None:
    """What is not modelled of an application or router is its library's business."""
    return _of_library if isinstance(value.owner, Router) else None


def _of_library(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    return call_library(frame, External(f"starlette.Router().{value.name}"), arguments, node)


# --- entering routes ------------------------------------------------------------------------------


def enter_route(frame: Frame, decorator: ast.expr, target: Value, function: Function) -> bool:
    """Enter the route that `decorator` makes of `target`; return whether it makes one.

    That is told by its looks, ``@anything.post("/path")``: many applications come from functions.
    """
    if not (isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute)):
        return False
    verb = decorator.func.attr
    if verb not in _REGISTERING or not decorator.args:
        return False
    path = frame.resolved(decorator.args[0])
    if not isinstance(path, Text) or (path.parts and not (path.parts[0] or "/").startswith("/")):
        return False
    if frame.is_recorded:
        owner = frame.resolved(decorator.func.value)
        router = owner if isinstance(owner, Router) else Router()
        first = [*router.dependencies, *_of_route(frame, decorator)]
        tree = _endpoint(frame, target, decorator, function, first)
        _enter(frame, _methods(frame, verb, decorator), router.prefix, path, tree)
    return True


def _of_route(frame: Frame, decorator: ast.Call) -> list[Value]:
    """Return what stands in ``dependencies=`` of the decorator."""
    given = next((k.value for k in decorator.keywords if k.arg == "dependencies"), None)
    value = frame.resolved(given) if given is not None else UNKNOWN
    return list(value.items) if isinstance(value, Items) else []


def _methods(frame: Frame, verb: str, node: ast.Call) -> frozenset[str]:
    if verb in VERBS:
        return frozenset([verb.upper()])
    if verb.startswith("websocket"):
        return frozenset(["WEBSOCKET"])
    given = next((k.value for k in node.keywords if k.arg == "methods"), None)
    named = frame.resolved(given) if given is not None else None
    return methods_in(named, default=frozenset(["GET"]))


def methods_in(value: Value | None, default: frozenset[str]) -> frozenset[str]:
    """Return the HTTP methods that `value` lists."""
    if isinstance(value, Items):
        names = [item.constant for item in value.items if isinstance(item, Text)]
        return frozenset(name.upper() for name in names if name)
    return default if value is None else frozenset()


def _enter(frame: Frame, methods: frozenset[str], prefix: str, path: Text, tree: Tree) -> None:
    if tree is NOTHING_HAPPENS or frame.node is None:
        return
    text = prefix + "".join("{}" if part is None else part for part in path.parts)
    segments = tuple([
        None if _HOLE.search(segment) else segment
        for segment in _HOLE.sub("{}", text).strip("^$").split("/")
        if segment
    ])
    frame.engine.exposure.routes.append(Route(frame.node, methods, segments, tree))
    frame.expose(tree)


def _endpoint(
    frame: Frame,
    target: Value,
    node: ast.AST,
    function: Function | None,
    first: Sequence[Value] = (),
) -> Tree:
    tree, _ = tree_of_call(frame, frame.engine.resolve(target), ANY_ARGUMENTS, node)
    return with_dependencies(frame, tree, first, function, node)


@method(Router, "add_api_route", "add_url_rule", "add_route", "add_websocket_route")
def add_route(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``app.add_api_route(path, f)``, ``app.add_url_rule(rule, endpoint, f)``."""
    position = 2 if value.name == "add_url_rule" else 1
    target = arguments.get(position, "endpoint", "view_func", "route")
    return _add(frame, value.owner.prefix, arguments, target, node)


@function("starlette.routing.Route", "starlette.routing.WebSocketRoute", "fastapi.routing.APIRoute")
def make_route(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``Route(path, f)``."""
    return _add(frame, "", arguments, arguments.get(1, "endpoint"), node)


@function("django.urls.path", "django.urls.re_path", "django.urls.conf.path")
def django_path(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``path(route, view)``."""
    return _add(frame, "", arguments, arguments.get(1, "view"), node, any_method=True)


@function("django.urls.include")
def include(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``include(...)``: the routes are entered where they stand."""
    return UNKNOWN


def _add(
    frame: Frame,
    prefix: str,
    arguments: Arguments,
    target: Value | None,
    node: ast.AST,
    *,
    any_method: bool = False,
) -> Value:
    path = frame.engine.resolve(arguments.get(0, "path", "rule", "route") or UNKNOWN)
    resolved = frame.engine.resolve(target or UNKNOWN)
    if not frame.is_recorded:
        return UNKNOWN
    text = path if isinstance(path, Text) else Text((None,))
    default = frozenset() if any_method else frozenset(["GET"])
    methods = methods_in(arguments.get(None, "methods"), default)
    if isinstance(resolved, ViewClass | ClassValue):
        _enter_class(frame, resolved.cls, prefix, text, node)
    else:
        tree = _endpoint(frame, resolved, node, function_of(resolved))
        _enter(frame, methods, prefix, text, tree)
    return UNKNOWN


def _enter_class(frame: Frame, cls: Class, prefix: str, path: Text, node: ast.AST) -> None:
    for verb in (*VERBS, "websocket"):
        if frame.engine.has_method(cls, verb):
            target = attribute(frame, Instance(cls), verb, node)
            tree = _endpoint(frame, target, node, None)
            _enter(frame, frozenset([verb.upper()]), prefix, path, tree)


@method(ClassValue, "as_view")
def as_view(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``View.as_view()``."""
    return ViewClass(value.owner.cls)
