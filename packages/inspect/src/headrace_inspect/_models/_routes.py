"""Routes of web applications: FastAPI, Starlette, Flask, Django; and what runs around them.

A route is told by its looks, ``@anything.post("/path")``, since applications come from anywhere.
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
from headrace_inspect._evaluate._values import (
    UNKNOWN,
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
    first: tuple[Value, ...]
    module: Module
    node: ast.AST


@dataclass(frozen=True, slots=True, eq=False)
class Dependency(Wrapper):
    """What ``Depends`` names."""


def register(registry: Registry) -> None:
    """Register what this module knows."""
    registry.decorating.append(_by_looks)
    registry.function("fastapi.Depends", "fastapi.Security", "fastapi.params.Depends")(
        lambda call: Dependency(call.get(0, "dependency") or UNKNOWN)
    )
    registry.function("django.urls.path", "django.urls.re_path", "django.conf.urls.url")(_path)
    registry.function(
        "starlette.routing.Route", "starlette.routing.WebSocketRoute", "fastapi.routing.APIRoute"
    )(lambda call: _added(call, 1, "endpoint"))
    for owner in ("fastapi.FastAPI", "fastapi.APIRouter", "starlette.applications.Starlette"):
        registry.method(owner, "add_api_route", "add_route", "add_websocket_route")(
            lambda call: _added(call, 1, "endpoint")
        )
    for owner in ("flask.Flask", "flask.Blueprint"):
        registry.method(owner, "add_url_rule")(lambda call: _added(call, 2, "view_func"))


def routes_in(engine: Engine) -> dict[Route, Context | None]:
    """Return the routes that have been found, and what they run, once that is known."""
    found: dict[Route, Context | None] = engine.facts.setdefault(Route, {})
    return found


# --- finding routes -------------------------------------------------------------------------------


def _by_looks(frame: Frame, node: ast.expr, value: Value, function: Function) -> None:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
        return
    verb = node.func.attr
    if verb not in _REGISTERING:
        return
    engine = frame.engine
    path = text_of(engine.evaluate(frame, node.args[0]))
    if path is None or (not path.startswith(("/", "\0")) and path):
        return
    owner = engine.evaluate(frame, node.func.value)
    first = _dependencies_of(frame, owner)
    for keyword in node.keywords:
        if keyword.arg == "dependencies":
            first += engine.contents(engine.evaluate(frame, keyword.value))
    _enter(frame, _verbs(frame, verb, node), path, value, first, node)


def _dependencies_of(frame: Frame, owner: Value) -> tuple[Value, ...]:
    given = owner.keyword("dependencies") if isinstance(owner, Object) else None
    return () if given is None else frame.engine.contents(given)


def _verbs(frame: Frame, verb: str, node: ast.Call) -> frozenset[str]:
    if verb in VERBS:
        return frozenset([verb.upper()])
    if verb.startswith("websocket"):
        return frozenset(["WEBSOCKET"])
    for keyword in node.keywords:
        if keyword.arg == "methods":
            return _named_verbs(frame, frame.engine.evaluate(frame, keyword.value))
    return frozenset(["GET"])


def _named_verbs(frame: Frame, value: Value | None) -> frozenset[str]:
    named = [] if value is None else [text_of(one) for one in frame.engine.contents(value)]
    return frozenset([name.upper() for name in named if name])


def _added(call: Call, index: int, name: str) -> Value:
    path = text_of(call.get(0)) or ""
    endpoint = call.get(index, name) or UNKNOWN
    verbs = _named_verbs(call.frame, call.get(None, "methods")) or frozenset(["GET"])
    first = _dependencies_of(call.frame, call.owner)
    _enter_any(call.frame, verbs, path, endpoint, first, call.node)
    return UNKNOWN


def _path(call: Call) -> Value:
    node, endpoint = call.node, call.get(1, "view") or UNKNOWN
    actions: Actions = ()
    if isinstance(node, ast.Call) and len(node.args) > 1:
        inner, actions = unwrapped(node.args[1])
        endpoint = call.frame.engine.evaluate(call.frame, inner)
    path = text_of(call.get(0, "route")) or ""
    note_view(call.frame, path, endpoint, actions, node)
    _enter_any(call.frame, frozenset(), path, endpoint, (), node)
    return UNKNOWN


def _enter_any(
    frame: Frame,
    verbs: frozenset[str],
    path: str,
    endpoint: Value,
    first: tuple[Value, ...],
    node: ast.AST,
) -> None:
    if not isinstance(endpoint, ClassValue):
        _enter(frame, verbs, path, endpoint, first, node)
        return
    for verb in VERBS:
        if frame.engine.classes.find(endpoint.cls, verb) is not None:
            method = frame.engine.attribute(frame, Instance(endpoint.cls), verb, node)
            _enter(frame, frozenset([verb.upper()]), path, method, first, node)


def _enter(
    frame: Frame,
    verbs: frozenset[str],
    path: str,
    endpoint: Value,
    first: tuple[Value, ...],
    node: ast.AST,
) -> None:
    segments = tuple([
        None if _HOLE.search(part) else part
        for part in _HOLE.sub("{}", path).replace("{}", "\0").strip("^$").split("/")
        if part
    ])
    route = Route(verbs, segments, endpoint, first, frame.module, node)
    if not any(one.node is node and one.endpoint == endpoint for one in routes_in(frame.engine)):
        routes_in(frame.engine)[route] = None


# --- running them ---------------------------------------------------------------------------------


def route_contexts(engine: Engine) -> list[tuple[Route, Context]]:
    """Return what each route runs: its dependencies, and the endpoint within them."""
    routes = routes_in(engine)
    for route, known in list(routes.items()):
        if known is None:
            context = Context(None, route.module, line=getattr(route.node, "lineno", 0))
            routes[route] = context
            engine.contexts[route] = context
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
        made = frame.engine.invoke(frame, inner, (), (), route.node)
        for option in options_of(made):
            if isinstance(option, Pending) and option.is_generator:
                enter_generators(frame, option, route.node, HEAD)
                entered.append(option)
            else:
                await_(frame, option, route.node)
    made = frame.engine.invoke(frame, route.endpoint, (), (), route.node)
    await_(frame, made, route.node)
    for option in reversed(entered):
        enter_generators(frame, option, route.node, TAIL)


def _collect(
    frame: Frame, inner: Value, found: dict[Value, None], seen: frozenset[Function]
) -> None:
    """Add `inner` to `found` behind what it depends on; each runs once in a request."""
    function = function_in(inner)
    if isinstance(inner, ClassValue):
        found_init = frame.engine.classes.find(inner.cls, "__init__")
        if found_init is not None:
            value = frame.engine.names.in_class(found_init[0], "__init__")
            function = function_in(value)
    if function is not None and function not in seen:
        for one in _declared(frame, function):
            _collect(frame, one.inner, found, seen | {function})
    if inner is not UNKNOWN:
        found.setdefault(inner)


def _declared(frame: Frame, function: Function) -> list[Dependency]:
    """Return the dependencies among the parameters of `function`."""
    node = function.node.args
    positional = [*node.posonlyargs, *node.args]
    defaults: dict[str, ast.expr] = dict(
        zip([one.arg for one in positional[len(positional) - len(node.defaults) :]],
            node.defaults, strict=True)
    )  # fmt: skip
    defaults.update({
        one.arg: default
        for one, default in zip(node.kwonlyargs, node.kw_defaults, strict=True)
        if default is not None
    })
    found: list[Dependency] = []
    quiet = frame.engine.quiet(function.scope)
    for one in (*positional, *node.kwonlyargs):
        values = _metadata(frame, one.annotation, function.scope)
        if isinstance(defaults.get(one.arg), ast.Call):
            values.append(frame.engine.evaluate(quiet, defaults[one.arg]))
        for value in values:
            if isinstance(value, Dependency):
                typed = frame.engine.types.of(one.annotation, function.scope)
                if value.inner is UNKNOWN and isinstance(typed, Instance):
                    found.append(Dependency(ClassValue(typed.cls)))
                else:
                    found.append(value)
    return found


def _metadata(frame: Frame, annotation: ast.expr | None, scope: Scope) -> list[Value]:
    """Return what stands behind the type in ``Annotated[type, ...]``, or an alias of it."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            annotation = ast.parse(annotation.value, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return []
    if isinstance(annotation, ast.Name):
        alias = frame.engine.alias(annotation, scope)
        if alias is not None:
            annotation, scope = alias
    if not isinstance(annotation, ast.Subscript) or not isinstance(annotation.slice, ast.Tuple):
        return []
    name = annotation.value
    if (name.id if isinstance(name, ast.Name) else getattr(name, "attr", "")) != "Annotated":
        return []
    quiet = frame.engine.quiet(scope)
    return [frame.engine.evaluate(quiet, one) for one in annotation.slice.elts[1:]]
