"""Routes of FastAPI, Starlette, Flask, Django and Django REST framework.

Covers decorators such as ``@anything.post("/path")``, functions and methods that add a route, and
class-based views.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from headrace_inspect._evaluate._contexts import Call, Context, Frame, line_of
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._registry import Registry
from headrace_inspect._evaluate._values import (
    ClassValue,
    Instance,
    Object,
    Table,
    Value,
    text_of,
)
from headrace_inspect._symbols._entities import Function, Module

VERBS = ("get", "post", "put", "patch", "delete", "head", "options")
_REGISTERING = frozenset([*VERBS, "api_route", "route", "websocket"])
_APPS = "fastapi.FastAPI fastapi.APIRouter starlette.applications.Starlette"
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
        verbs: the HTTP methods; empty for all methods.
        endpoint: a function or class.
        actions: the method names of a class, by HTTP method.
    """

    path: str
    verbs: frozenset[str]
    endpoint: Value
    actions: tuple[tuple[str, str], ...]
    module: Module
    node: Any


Contexts = list[tuple[frozenset[str], Context]]
"""The contexts of a route, by HTTP method."""


def register(registry: Registry) -> None:
    """Register this model."""
    function, method = registry.function, registry.method
    registry.decorating.append(_by_decorator)
    function(_path, "django.urls.path django.urls.re_path django.conf.urls.url")
    added = partial(_added, 1, "endpoint")
    function(added, "starlette.routing.Route starlette.routing.WebSocketRoute")
    method(added, _APPS, "add_api_route add_route add_websocket_route")
    method(partial(_added, 2, "view_func"), "flask.Flask flask.Blueprint", "add_url_rule")
    method(partial(_added, 1, "viewset"), _ROUTERS, "register")
    registry.injecting.update(["fastapi.Depends", "fastapi.Security"])
    registry.finishing.append(_finish)


def routes_in(engine: Engine) -> dict[Route, Contexts]:
    """Return the routes and their contexts, which are empty until the model finishes."""
    found: dict[Route, Contexts] = engine.facts.setdefault(Route, {})
    return found


# --- registering ----------------------------------------------------------------------------------


def _by_decorator(frame: Frame, node: Any, value: Value, function: Function) -> None:
    match node:
        case ("c", _, _, ("a", receiver, verb, _), (first, *_), given) if verb in _REGISTERING:
            evaluate = partial(frame.engine.evaluate, frame)
        case _:
            return
    path = text_of(evaluate(first))
    if path is None or (path and not path.startswith(("/", "\0"))):
        return
    owner = evaluate(receiver)
    if isinstance(owner, Object):
        path = (text_of(owner.keyword("prefix") or owner.keyword("url_prefix")) or "") + path
    verbs = frozenset([verb.upper()])
    if verb in {"route", "api_route"}:
        verbs = _verbs(frame, evaluate(dict(given).get("methods")))
    _enter(frame, path, verbs, value, node)


def _verbs(frame: Frame, methods: Value) -> frozenset[str]:
    named = [text_of(one) for one in frame.engine.contents(frame, methods)]
    return frozenset([name.upper() for name in named if name]) or frozenset(["GET"])


def _added(index: int, endpoint: str, call: Call) -> Value:
    verbs = _verbs(call.frame, call.value(None, "methods"))
    path = text_of(call.value(0, "prefix")) or text_of(call.value(None, "path")) or ""
    _enter(call.frame, path, verbs, call.value(index, endpoint), call.node)
    return None


def _path(call: Call) -> Value:
    frame, node, endpoint, actions = call.frame, call.node, call.value(1, "view"), None
    inner = node[4][1] if len(node[4]) > 1 else None
    while isinstance(inner, tuple) and inner[0] == "c":
        _, _, _, called, given, _ = inner
        if isinstance(called, tuple) and called[0] == "a" and called[2] == "as_view":
            actions = frame.engine.evaluate(frame, given[0]) if given else None
            inner = called[1]
        else:  # a decorator
            inner = given[0] if given else None
        if inner is not None:
            endpoint = frame.engine.evaluate(frame, inner)
    path = text_of(call.value(0, "route")) or ""
    _enter(frame, path, frozenset(), endpoint, node, actions)
    return None


def _enter(
    frame: Frame,
    path: str,
    verbs: frozenset[str],
    endpoint: Value,
    node: Any,
    actions: Value = None,
) -> None:
    named: list[tuple[str, str]] = []
    if isinstance(endpoint, ClassValue):
        find = frame.engine.classes.find
        named = [(verb, verb) for verb in VERBS if find(endpoint.cls, verb) is not None]
    if isinstance(actions, Table):
        named = [(verb, text_of(name) or "") for verb, name in actions.named]
    path = path.replace("\0", "*")
    made = Route(path, verbs, endpoint, tuple(named), frame.module, node)
    known = routes_in(frame.engine)
    if not any(one.node is node and one.endpoint == endpoint for one in known):
        known[made] = []


# --- evaluating -----------------------------------------------------------------------------------


def _finish(engine: Engine) -> None:
    for route, contexts in routes_in(engine).items():
        for verbs, endpoint in _endpoints(engine, route) if not contexts else ():
            context = Context(None, route.module, line=line_of(route.node))
            engine.contexts[route, verbs] = context
            contexts.append((verbs, context))
            Frame(engine, context, route.module, {}).hand_over(endpoint, route.node)


def _endpoints(engine: Engine, route: Route) -> Iterator[tuple[frozenset[str], Value]]:
    if not isinstance(route.endpoint, ClassValue):
        yield route.verbs, route.endpoint
        return
    view, frame = Instance(route.endpoint.cls), engine.scratch_frame(route.module)
    for verb, name in route.actions:
        yield frozenset([verb.upper()]), engine.attributes.get(frame, view, name, route.node)
