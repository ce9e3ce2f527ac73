"""Requests to other services: which of the routes in the source they reach."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from headrace_inspect._names._values import (
    UNKNOWN,
    Arguments,
    Coroutine,
    External,
    Text,
    Value,
)
from headrace_inspect._running._nodes import Hub, Node
from headrace_inspect._running._trees import (
    NOTHING_HAPPENS,
    Branch,
    Cross,
    Possible,
    Run,
)

from ._registry import function

if TYPE_CHECKING:
    from headrace_inspect._running._engine import Engine
    from headrace_inspect._running._exposure import Route
    from headrace_inspect._running._frame import Frame

Segments = tuple[str | None, ...]

ROUTES = Hub("routes")
VERBS = ("get", "post", "put", "patch", "delete", "head", "options")
_LOCAL = frozenset(["localhost", "127.0.0.1", "0.0.0.0", "::1", "testserver"])  # noqa: S104
_SYNC = (
    "httpx",
    "httpx2",
    "requests",
    "httpx.Client()",
    "httpx2.Client()",
    "requests.Session()",
    "requests.session()",
    "requests.sessions.Session()",
)
_ASYNC = ("httpx.AsyncClient()", "httpx2.AsyncClient()", "aiohttp.ClientSession()")


def _of(owners: tuple[str, ...], *names: str) -> tuple[str, ...]:
    return tuple(f"{owner}.{name}" for owner in owners for name in names)


@function(*_of((*_SYNC, *_ASYNC), *VERBS))
def by_verb(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``client.post(url)``."""
    verb = value.name.rpartition(".")[2].upper()
    return _request(frame, value, Text((verb,)), arguments.get(0, "url"), node)


@function(*_of((*_SYNC, *_ASYNC), "request", "stream"))
def by_name(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``client.request(method, url)``."""
    verb = frame.engine.resolve(arguments.get(0, "method") or UNKNOWN)
    return _request(frame, value, verb, arguments.get(1, "url"), node)


def _request(frame: Frame, value: External, verb: Value, url: Value | None, node: ast.AST) -> Value:
    path = path_of(frame.engine.resolve(url or UNKNOWN))
    if path is None:
        tree = frame.any_of(ROUTES, node)
    elif path:
        name = verb.constant if isinstance(verb, Text) else None
        tree = Run(
            _request_node(frame.engine, name.upper() if name else "", path), frame.where(node)
        )
    else:
        tree = NOTHING_HAPPENS
    crossing = Cross("http", tree, is_later=False)
    response = External("httpx.Response()")
    if value.name.startswith(_ASYNC):
        return Coroutine(crossing, response)
    frame.emit(crossing)
    return response


def path_of(url: Value) -> Segments | None:
    """Return the segments of an address's path; None for one that varies.

    None for an address of which nothing is known; nothing at all for one that is not ours.
    """
    if not isinstance(url, Text) or all(part is None for part in url.parts):
        return None
    text = "".join(_GAP if part is None else part for part in url.parts)
    if text.startswith(("http://", "https://")):
        host, path = urlsplit(text).netloc.rpartition("@")[2], urlsplit(text).path
        name = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
        if _GAP not in host and name not in _LOCAL:
            return ()
    else:
        path = text.partition("?")[0].partition("#")[0]
        if path.startswith(_GAP):
            path = path[len(_GAP) :]
            if not path.startswith("/"):
                return None
    return tuple([_segment(part) for part in path.split("/") if part])


def _segment(text: str) -> str | None:
    return None if _GAP in text else text


def _request_node(engine: Engine, verb: str, path: Segments) -> Node:
    def look(node: Node) -> None:
        found = _routes_of(engine.exposure.routes, verb, path)
        trees = [route.tree for route in found]
        if len(trees) > 1:  # which of them answers is a matter of the host
            node.tree = Branch([NOTHING_HAPPENS, *(Possible(tree) for tree in trees)])
        else:
            node.tree = trees[0] if trees else NOTHING_HAPPENS

    return engine.late_node(("request", verb, path), look, lambda: len(engine.exposure.routes))


def _routes_of(routes: list[Route], verb: str, path: Segments) -> list[Route]:
    fitting = [
        route
        for route in routes
        if (not verb or not route.methods or verb in route.methods) and _fits(route.path, path)
    ]
    exact = [route for route in fitting if len(route.path) == len(path)]
    return exact or fitting


def _fits(route: Segments, path: Segments) -> bool:
    """Tell whether the address may be the route's.

    They are compared from the end, since what stands before either may be a prefix that is not
    seen.
    """
    pairs = list(zip(reversed(route), reversed(path), strict=False))
    if any(one is not None and other is not None and one != other for one, other in pairs):
        return False
    return any(one is not None and one == other for one, other in pairs)


_GAP = "\ufffc"
