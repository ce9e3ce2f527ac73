"""Routes of FastAPI, Starlette, Flask, Django and Django REST framework.

Knows decorators such as ``@anything.post("/path")``, functions and methods that add a route, the
dependencies that FastAPI runs before an endpoint, and views that are classes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from headrace_inspect._evaluate._contexts import HEAD, TAIL, Context
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._expressions import await_
from headrace_inspect._evaluate._frame import Frame
from headrace_inspect._evaluate._registry import Call, Registry
from headrace_inspect._evaluate._statements import enter_generators
from headrace_inspect._evaluate._values import (
    UNKNOWN,
    Arguments,
    ClassValue,
    Instance,
    Object,
    Pending,
    Table,
    Value,
    function_in,
    options_of,
    text_of,
)
from headrace_inspect._symbols._entities import Function, Module

VERBS = ("get", "post", "put", "patch", "delete", "head", "options")
_REGISTERING = frozenset([*VERBS, "api_route", "route", "trace", "websocket", "websocket_route"])
_DEPENDS = "fastapi.Depends"
_APPS = "fastapi.FastAPI fastapi.APIRouter starlette.applications.Starlette"
_ROUTES = "starlette.routing.Route starlette.routing.WebSocketRoute fastapi.routing.APIRoute"
_ROUTERS = """
    rest_framework.routers.DefaultRouter rest_framework.routers.SimpleRouter
    rest_framework_nested.routers.NestedDefaultRouter
    rest_framework_nested.routers.NestedSimpleRouter
    rest_framework_extensions.routers.ExtendedDefaultRouter
    rest_framework_extensions.routers.ExtendedSimpleRouter
"""


@dataclass(frozen=True, slots=True)
class Route:
    """A route.

    Attributes:
        path: the path as written.
        verbs: the HTTP methods; none for all.
        endpoint: a function or class.
        actions: the methods of a class, by HTTP method.
        first: the dependencies of the route and its router.
    """

    path: str
    verbs: frozenset[str]
    endpoint: Value
    actions: tuple[tuple[str, str], ...]
    first: Arguments
    module: Module
    node: ast.AST


Contexts = list[tuple[frozenset[str], Context]]
"""The contexts of a route, by HTTP methods."""


def register(registry: Registry) -> None:
    """Register this model."""
    function, method = registry.function, registry.method
    registry.decorating.append(_by_decorator)
    registry.alias(_DEPENDS, "fastapi.Security fastapi.params.Depends")
    function(_path, "django.urls.path django.urls.re_path django.conf.urls.url")
    function(lambda call: _added(call, 1, "endpoint"), _ROUTES)
    adding = "add_api_route add_route add_websocket_route"
    method(lambda call: _added(call, 1, "endpoint"), _APPS, adding)
    method(lambda call: _added(call, 2, "view_func"), "flask.Flask flask.Blueprint", "add_url_rule")
    method(lambda call: _added(call, 1, "viewset", "prefix"), _ROUTERS, "register")
    registry.finishing.append(_finish)


def routes_in(engine: Engine) -> dict[Route, Contexts]:
    """Return the routes with their contexts, which are empty until the model finishes."""
    found: dict[Route, Contexts] = engine.facts.setdefault(Route, {})
    return found


# --- registering ----------------------------------------------------------------------------------


def _by_decorator(frame: Frame, node: ast.expr, value: Value, function: Function) -> None:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
        return
    verb, engine = node.func.attr, frame.engine
    path = text_of(engine.evaluate(frame, node.args[0])) if verb in _REGISTERING else None
    if path is None or (path and not path.startswith(("/", "\0"))):
        return
    named = {one.arg: engine.evaluate(frame, one.value) for one in node.keywords}
    owner = engine.evaluate(frame, node.func.value)
    first = _dependencies_of(frame, owner) + engine.contents(named.get("dependencies", UNKNOWN))
    if isinstance(owner, Object):
        path = (text_of(owner.keyword("prefix") or owner.keyword("url_prefix")) or "") + path
    verbs = frozenset([verb.upper()])
    if verb not in VERBS:
        is_socket = verb.startswith("websocket")
        methods = named.get("methods", UNKNOWN)
        verbs = frozenset(["WEBSOCKET"]) if is_socket else _verbs(frame, methods)
    _enter(frame, path, verbs, value, first, node)


def _dependencies_of(frame: Frame, owner: Value) -> Arguments:
    given = owner.keyword("dependencies") if isinstance(owner, Object) else None
    return frame.engine.contents(given or UNKNOWN)


def _verbs(frame: Frame, methods: Value) -> frozenset[str]:
    named = [text_of(one) for one in frame.engine.contents(methods)]
    return frozenset([name.upper() for name in named if name]) or frozenset(["GET"])


def _added(call: Call, index: int, endpoint: str, path: str = "path") -> Value:
    first = _dependencies_of(call.frame, call.owner)
    verbs = _verbs(call.frame, call.value(None, "methods"))
    given = (text_of(call.get(0, path)) or "", verbs, call.value(index, endpoint), first)
    _enter(call.frame, *given, call.node)
    return UNKNOWN


def _path(call: Call) -> Value:
    frame, node, endpoint, actions = call.frame, call.node, call.value(1, "view"), None
    inner = node.args[1] if isinstance(node, ast.Call) and len(node.args) > 1 else None
    while isinstance(inner, ast.Call):
        if isinstance(inner.func, ast.Attribute) and inner.func.attr == "as_view":
            actions = frame.engine.evaluate(frame, inner.args[0]) if inner.args else None
            inner = inner.func.value
        else:  # a decorator
            inner = inner.args[0] if inner.args else None
        if inner is not None:
            endpoint = frame.engine.evaluate(frame, inner)
    path = text_of(call.get(0, "route")) or ""
    _enter(frame, path, frozenset(), endpoint, (), node, actions)
    return UNKNOWN


def _enter(
    frame: Frame,
    path: str,
    verbs: frozenset[str],
    endpoint: Value,
    first: Arguments,
    node: ast.AST,
    actions: Value | None = None,
) -> None:
    named: list[tuple[str, str]] = []
    if isinstance(endpoint, ClassValue):
        find = frame.engine.classes.find
        named = [(verb, verb) for verb in VERBS if find(endpoint.cls, verb) is not None]
    if isinstance(actions, Table):
        named = [(verb, text_of(name) or "") for verb, name in actions.named]
    path = path.replace("\0", "*")
    made = Route(path, verbs, endpoint, tuple(named), first, frame.module, node)
    known = routes_in(frame.engine)
    if not any(one.node is node and one.endpoint is endpoint for one in known):
        known[made] = []


# --- evaluating -----------------------------------------------------------------------------------


def _finish(engine: Engine) -> None:
    for route, contexts in routes_in(engine).items():
        for verbs, endpoint in _endpoints(engine, route) if not contexts else ():
            context = Context(None, route.module, line=getattr(route.node, "lineno", 0))
            engine.contexts[route, verbs] = context
            contexts.append((verbs, context))
            _run(Frame(engine, context, route.module, {}), route, endpoint)


def _endpoints(engine: Engine, route: Route) -> Iterator[tuple[frozenset[str], Value]]:
    if not isinstance(route.endpoint, ClassValue):
        yield route.verbs, route.endpoint
        return
    view, frame = Instance(route.endpoint.cls), engine.quiet(route.module)
    for verb, name in route.actions:
        yield frozenset([verb.upper()]), engine.attribute(frame, view, name, route.node)


def _run(frame: Frame, route: Route, endpoint: Value) -> None:
    found: dict[Value, None] = {}
    for one in route.first:
        _collect(frame, one, found)
    for one in _declared(frame, endpoint):
        _collect(frame, one, found)
    entered = []
    for dependency in found:
        for option in options_of(frame.call(dependency, route.node)):
            if isinstance(option, Pending) and option.is_generator:
                enter_generators(frame, option, route.node, HEAD)
                entered.append(option)
            else:
                await_(frame, option, route.node)
    await_(frame, frame.call(endpoint, route.node), route.node)
    for option in reversed(entered):
        enter_generators(frame, option, route.node, TAIL)


def _collect(frame: Frame, one: Value, found: dict[Value, None], depth: int = 8) -> None:
    """Add a dependency to `found` after its own dependencies; each runs once in a request."""
    if isinstance(one, Object) and one.made_by == _DEPENDS and one.arguments and depth:
        callee = one.arguments[0]
        for inner in _declared(frame, callee):
            _collect(frame, inner, found, depth - 1)
        found.setdefault(callee)


def _declared(frame: Frame, callee: Value) -> list[Value]:
    """Return the values of the calls in the parameters of `callee`, such as ``Depends``."""
    function, engine = function_in(callee), frame.engine
    found: list[Value] = []
    if function is None:
        return found
    scope = function.scope
    for one in function.parameters:
        nodes = [(one.default, scope)]
        if one.annotation is not None:
            nodes.append(engine.types.alias(one.annotation, scope) or (one.annotation, scope))
        for node, where in nodes:
            calls = [] if node is None else ast.walk(node)
            found += [engine.default(call, where) for call in calls if isinstance(call, ast.Call)]
    return found
