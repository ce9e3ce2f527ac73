"""Routes of web frameworks, and HTTP requests from the program to its own routes.

Covers FastAPI, Starlette, Flask, Django and Django REST framework: decorators such as
``@anything.post("/path")``, functions and methods that add a route, and class-based views; and the
clients httpx, requests and aiohttp. A request reaches a route only if no other route matches its
method and whole path. If its base URL is computed, it may leave the program, so it can only reach a
route of another package.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Any

from headrace_inspect._evaluate._contexts import Call, Context, line_of
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
"""
_CLIENTS = """
    httpx.Client httpx.AsyncClient requests.Session requests.session
    aiohttp.ClientSession
"""
_LIBRARIES = ("httpx", "requests", "aiohttp")
_PATH = re.compile(
    r"(https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]|testserver)(?::\d+)?"
    r"|http://[^/]*\0[^/]*)?(?:https://[^/]*\0[^/]*|\0)?(/[^?#]*)"
)
"""The host of a URL, if it is clearly internal, and the path; ``\\0`` is a computed part."""
_PARAMETER = re.compile(r"\{[^}]*\}|<[^>]*>|\(\?P<[^)]*\)|\([^)]*\)|\*|\0")
Segments = tuple[str | None, ...]
"""The segments of a path; None for a parameter."""


@dataclass(frozen=True, slots=True)
class Route:
    """A route."""

    path: str  # the path as written
    verbs: frozenset[str]  # the HTTP methods; empty for all methods
    endpoint: Value  # a function or class
    actions: tuple[tuple[str, str], ...]  # the method names of a class, by HTTP method
    module: Module
    node: Any


class Routes(dict[Route, list[tuple[frozenset[str], Context]]]):
    """The routes and their contexts by HTTP method, which are empty until the model finishes."""


class Requests(set[tuple[str, Segments, str]]):
    """The requests: method, path, and the package that sends each if its host is unknown."""


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
    verbs = (*VERBS, "request", "stream")
    function(_request, " ".join([f"httpx.{one} requests.{one}" for one in verbs]))
    method(_request, _CLIENTS, " ".join(verbs))
    registry.finishing += [_finish, _finish_requests]
    registry.seeds.update(["add_api_route", "add_route", "add_websocket_route", "add_url_rule"])
    registry.declaring.update(["path", "re_path", "url", "Route", "WebSocketRoute", "register"])


# --- registering ----------------------------------------------------------------------------------


def _by_decorator(frame: Context, node: Any, value: Value, function: Function) -> None:
    match node:
        case ("c", _, _, ("a", receiver, verb, *_), (first, *_), given, _) if verb in _REGISTERING:
            evaluate = frame.value
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


def _verbs(frame: Context, methods: Value) -> frozenset[str]:
    named = [text_of(one) for one in frame.engine.contents(frame, methods)]
    return frozenset([name.upper() for name in named if name]) or frozenset(["GET"])


def _added(index: int, endpoint: str, call: Call) -> Value:
    verbs = _verbs(call.frame, call.value(None, "methods"))
    path = text_of(call.value(0, "prefix")) or text_of(call.value(None, "path")) or ""
    _enter(call.frame, path, verbs, call.value(index, endpoint), call.node)
    return None


def _path(call: Call) -> Value:
    frame, node, endpoint, actions = call.frame, call.node, call.value(1, "view"), None
    inner = node[4][1] if len(node[4]) > 1 else dict(node[5]).get("view")
    while isinstance(inner, tuple) and inner[0] == "c":
        _, _, _, called, given, *_ = inner
        if isinstance(called, tuple) and called[0] == "a" and called[2] == "as_view":
            actions = frame.value(given[0]) if given else None
            inner = called[1]
        else:  # a decorator
            inner = given[0] if given else None
        if inner is not None:
            endpoint = frame.value(inner)
    _enter(frame, text_of(call.value(0, "route")) or "", frozenset(), endpoint, node, actions)
    return None


def _enter(
    frame: Context,
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
    made = Route(path.replace("\0", "*"), verbs, endpoint, tuple(named), frame.module, node)
    known = frame.engine.fact(Routes)
    if not any(one.node is node and one.endpoint == endpoint for one in known):
        known[made] = []


def _finish(engine: Engine) -> None:
    """Evaluate the endpoints: a function, or the methods of a class."""
    for route in [route for route, contexts in engine.fact(Routes).items() if not contexts]:
        endpoints = [(route.verbs, route.endpoint)]
        if isinstance(route.endpoint, ClassValue):
            view, scratch = Instance(route.endpoint.cls, is_exact=True), engine.home(route.module)
            endpoints = [
                (frozenset([verb.upper()]), engine.attributes.get(scratch, view, name, route.node))
                for verb, name in route.actions
            ]
        for verbs, endpoint in endpoints:
            frame = engine.entry((route, verbs), route.module, line_of(route.node))
            frame.wants = ((*VERBS, "request", "stream"), _LIBRARIES)
            engine.fact(Routes)[route].append((verbs, frame))
            frame.hand_over(endpoint, route.node)


# --- requests -------------------------------------------------------------------------------------


def _request(call: Call) -> Value:
    call.engine.demand.mark_relevant(call.frame)  # its callers may pass the address
    verb, index = call.name.rpartition(".")[2], 0
    if verb not in VERBS:
        verb, index = text_of(call.value(0, "method")) or "\0", 1
    url = text_of(call.value(index, "url")) or ""
    base = call.owner.keyword("base_url") if isinstance(call.owner, Object) else None
    if base is not None and url.startswith("/"):
        url = (text_of(base) or "\0").rstrip("/") + url
    found = _PATH.fullmatch(url.partition("?")[0])
    if found is not None:
        package = "" if found[1] else _package(call.frame.module)
        request = "" if "\0" in verb else verb.upper(), _segments(found[2]), package
        call.engine.fact(Requests).add(request)
        call.frame.emit((call.engine.call_targets(request),), call.node, "http")
    return None


def _package(module: Module) -> str:
    return module.name.partition(".")[0]


def _segments(path: str) -> Segments:
    parts = _PARAMETER.sub("\0", path).strip("^$").split("/")
    return tuple([None if "\0" in part else part for part in parts if part])


def _finish_requests(engine: Engine) -> None:
    """Link each request to the only route that it fits."""
    for request in engine.fact(Requests):
        verb, path, package = request
        found = [
            context
            for route, contexts in engine.fact(Routes).items()
            if package != _package(route.module) and _fits(_segments(route.path), path)
            for verbs, context in contexts
            if not verb or not verbs or verb in verbs
        ]
        if len(found) == 1:
            engine.call_targets(request).add(found[0])


def _fits(route: Segments, path: Segments) -> bool:
    """Tell whether all segments match; a computed segment matches only a parameter.

    A route that begins with a parameter would match by its length, whatever prefix it is under.
    """
    is_whole = len(route) == len(path) and bool(route) and route[0] is not None
    return is_whole and all(one in {None, given} for one, given in zip(route, path, strict=True))
