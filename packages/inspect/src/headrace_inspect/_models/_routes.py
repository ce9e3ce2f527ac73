"""Routes of web applications: FastAPI, Starlette, Flask, Django; and what runs around them.

A decorator like ``@anything.post("/path")`` makes a route, since applications come from anywhere.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from headrace_inspect._evaluate._contexts import HEAD, TAIL, Context
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._expressions import await_
from headrace_inspect._evaluate._frame import Frame
from headrace_inspect._evaluate._registry import Call, Registry
from headrace_inspect._evaluate._statements import enter_generators
from headrace_inspect._evaluate._types import last_name, parsed
from headrace_inspect._evaluate._values import (
    UNKNOWN,
    Arguments,
    ClassValue,
    Instance,
    Object,
    Pending,
    Value,
    Wrapper,
    function_in,
    options_of,
    text_of,
)
from headrace_inspect._symbols._entities import Function, Module, Scope

from ._views import Actions, note_view, unwrapped

VERBS = ("get", "post", "put", "patch", "delete", "head", "options")
Segments = tuple[str | None, ...]
_REGISTERING = frozenset([*VERBS, "api_route", "route", "trace", "websocket", "websocket_route"])
_HOLE = re.compile(r"\{[^}]*\}|<[^>]*>|\(\?P<[^)]*\)|\([^)]*\)|\0")
_ROUTES = """
    starlette.routing.Route starlette.routing.WebSocketRoute fastapi.routing.APIRoute
"""
_APPS = "fastapi.FastAPI fastapi.APIRouter starlette.applications.Starlette"


@dataclass(frozen=True, slots=True)
class Route:
    """A route.

    Attributes:
        verbs: the HTTP methods; nothing for all.
        path: the segments of its path; None for a parameter.
        endpoint: what answers.
        first: the dependencies that are declared at the route or its router.
    """

    verbs: frozenset[str]
    path: Segments
    endpoint: Value
    first: Arguments
    module: Module
    node: ast.AST


@dataclass(slots=True, eq=False)
class Dependency(Wrapper):
    """What ``Depends`` names."""


def register(registry: Registry) -> None:
    """Register what this module knows."""
    registry.decorating.append(_by_decorator)
    registry.function(
        lambda call: Dependency(call.value(0, "dependency")),
        "fastapi.Depends fastapi.Security fastapi.params.Depends",
    )
    registry.function(_path, "django.urls.path django.urls.re_path django.conf.urls.url")
    registry.function(lambda call: _added(call, 1, "endpoint"), _ROUTES)
    adding = "add_api_route add_route add_websocket_route"
    registry.method(lambda call: _added(call, 1, "endpoint"), _APPS, adding)
    flask = "flask.Flask flask.Blueprint"
    registry.method(lambda call: _added(call, 2, "view_func"), flask, "add_url_rule")


def routes_in(engine: Engine) -> dict[Route, Context | None]:
    """Return the routes, and what each runs once that is known."""
    found: dict[Route, Context | None] = engine.facts.setdefault(Route, {})
    return found


# --- finding routes -------------------------------------------------------------------------------


def _by_decorator(frame: Frame, node: ast.expr, value: Value, function: Function) -> None:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
        return
    verb, engine = node.func.attr, frame.engine
    path = text_of(engine.evaluate(frame, node.args[0])) if verb in _REGISTERING else None
    if path is None or (path and not path.startswith(("/", "\0"))):
        return
    named = {one.arg: engine.evaluate(frame, one.value) for one in node.keywords}
    first = _dependencies_of(frame, engine.evaluate(frame, node.func.value))
    first += engine.contents(named.get("dependencies", UNKNOWN))
    if verb in VERBS:
        verbs = frozenset([verb.upper()])
    elif verb.startswith("websocket"):
        verbs = frozenset(["WEBSOCKET"])
    else:
        verbs = _verbs(frame, named.get("methods", UNKNOWN))
    _enter(frame, verbs, path, value, first, node)


def _dependencies_of(frame: Frame, owner: Value) -> Arguments:
    given = owner.keyword("dependencies") if isinstance(owner, Object) else None
    return frame.engine.contents(given or UNKNOWN)


def _verbs(frame: Frame, value: Value) -> frozenset[str]:
    named = [text_of(one) for one in frame.engine.contents(value)]
    return frozenset([name.upper() for name in named if name]) or frozenset(["GET"])


def _added(call: Call, index: int, name: str) -> Value:
    first = _dependencies_of(call.frame, call.owner)
    verbs = _verbs(call.frame, call.value(None, "methods"))
    path, endpoint = text_of(call.get(0)) or "", call.value(index, name)
    _enter(call.frame, verbs, path, endpoint, first, call.node)
    return UNKNOWN


def _path(call: Call) -> Value:
    node, endpoint = call.node, call.value(1, "view")
    actions: Actions = ()
    if isinstance(node, ast.Call) and len(node.args) > 1:
        inner, actions = unwrapped(node.args[1])
        endpoint = call.frame.engine.evaluate(call.frame, inner)
    path = text_of(call.get(0, "route")) or ""
    note_view(call.frame, path, endpoint, actions, node)
    _enter(call.frame, frozenset(), path, endpoint, (), node)
    return UNKNOWN


def _enter(
    frame: Frame,
    verbs: frozenset[str],
    path: str,
    endpoint: Value,
    first: Arguments,
    node: ast.AST,
) -> None:
    endpoints = [(verbs, endpoint)]
    if isinstance(endpoint, ClassValue):
        view = Instance(endpoint.cls)
        endpoints = [
            (frozenset([verb.upper()]), frame.engine.attribute(frame, view, verb, node))
            for verb in VERBS
            if frame.engine.classes.find(endpoint.cls, verb) is not None
        ]
    segments = tuple([
        None if "\0" in part else part
        for part in _HOLE.sub("\0", path).strip("^$").split("/")
        if part
    ])
    known = routes_in(frame.engine)
    for methods, one in endpoints:
        route = Route(methods, segments, one, first, frame.module, node)
        if not any(other.node is node and other.endpoint is one for other in known):
            known[route] = None


# --- running them ---------------------------------------------------------------------------------


def route_contexts(engine: Engine) -> list[tuple[Route, Context]]:
    """Return what each route runs: its dependencies, and the endpoint within them."""
    routes = routes_in(engine)
    for route, known in list(routes.items()):
        if known is None:
            context = Context(None, route.module, line=getattr(route.node, "lineno", 0))
            routes[route] = engine.contexts[route] = context
            _run(Frame(engine, context, route.module, {}), route)
    return [(route, context) for route, context in routes.items() if context is not None]


def _run(frame: Frame, route: Route) -> None:
    found: dict[Value, None] = {}
    function = function_in(route.endpoint)
    own = [] if function is None else _declared(frame, function)
    for one in (*route.first, *own):
        if isinstance(one, Dependency):
            _collect(frame, one.inner, found, frozenset())
    entered = []
    for inner in found:
        for option in options_of(frame.call(inner, route.node)):
            if isinstance(option, Pending) and option.is_generator:
                enter_generators(frame, option, route.node, HEAD)
                entered.append(option)
            else:
                await_(frame, option, route.node)
    await_(frame, frame.call(route.endpoint, route.node), route.node)
    for option in reversed(entered):
        enter_generators(frame, option, route.node, TAIL)


def _collect(
    frame: Frame, inner: Value, found: dict[Value, None], seen: frozenset[Function]
) -> None:
    """Add `inner` to `found` behind what it depends on; each runs once in a request."""
    function = function_in(inner)
    if isinstance(inner, ClassValue):
        constructor = frame.engine.classes.find(inner.cls, "__init__")
        if constructor is not None:
            function = function_in(frame.engine.names.in_class(constructor[0], "__init__"))
    if function is not None and function not in seen:
        for one in _declared(frame, function):
            _collect(frame, one.inner, found, seen | {function})
    if inner is not UNKNOWN:
        found.setdefault(inner)


def _declared(frame: Frame, function: Function) -> list[Dependency]:
    """Return the dependencies among the parameters of `function`."""
    found: list[Dependency] = []
    for one in function.parameters:
        values = [*_metadata(frame, one.annotation, function.scope)]
        if isinstance(one.default, ast.Call):
            values.append(frame.engine.default(one.default, function.scope))
        for value in values:
            if isinstance(value, Dependency):
                typed = frame.engine.types.of(one.annotation, function.scope)
                found.append(Dependency(_class_of(typed)) if value.inner is UNKNOWN else value)
    return found


def _class_of(value: Value) -> Value:
    return ClassValue(value.cls) if isinstance(value, Instance) else value


def _metadata(frame: Frame, annotation: ast.expr | None, scope: Scope) -> list[Value]:
    """Return what follows the type in ``Annotated[type, ...]``, or an alias of it."""
    if annotation is None:
        return []
    annotation = parsed(annotation)
    annotation, scope = frame.engine.types.alias(annotation, scope) or (annotation, scope)
    match annotation:
        case ast.Subscript(value=name, slice=ast.Tuple(elts=[_, *rest])):
            if last_name(name) == "Annotated":
                quiet = frame.engine.quiet(scope)
                return [frame.engine.evaluate(quiet, one) for one in rest]
    return []
