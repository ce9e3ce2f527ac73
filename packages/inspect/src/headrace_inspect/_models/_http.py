"""HTTP between services of the same source: routes, and requests that fit them."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from headrace_inspect._evaluate._contexts import Context
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._frame import Frame
from headrace_inspect._evaluate._registry import Call, Registry
from headrace_inspect._evaluate._values import UNKNOWN, Value, text_of

from ._routes import VERBS, Segments, route_contexts

_GAP = "\0"
_LOCAL = frozenset(["localhost", "127.0.0.1", "0.0.0.0", "::1", "testserver"])  # noqa: S104
_CLIENTS = """
    httpx.Client httpx.AsyncClient requests.Session requests.session requests.sessions.Session
    aiohttp.ClientSession
"""


@dataclass(frozen=True, slots=True)
class Request:
    """A request, by its method and the segments of its path."""

    verb: str
    path: Segments


def register(registry: Registry) -> None:
    """Register what this module knows."""
    for library in ("httpx", "requests"):
        registry.function(_by_verb, " ".join([f"{library}.{verb}" for verb in VERBS]))
        registry.function(_by_name, f"{library}.request {library}.stream")
    registry.method(_by_verb, _CLIENTS, " ".join(VERBS))
    registry.method(_by_name, _CLIENTS, "request stream")
    registry.finishing.append(_finish)


def _by_verb(call: Call) -> Value:
    _request(call.frame, call.name.rpartition(".")[2], call.get(0, "url"), call.node)
    return UNKNOWN


def _by_name(call: Call) -> Value:
    verb = text_of(call.get(0, "method")) or ""
    _request(call.frame, verb, call.get(1, "url"), call.node)
    return UNKNOWN


def _request(frame: Frame, verb: str, url: Value | None, node: ast.AST) -> None:
    path = path_of(text_of(url))
    if path:
        request = Request(verb.upper() if _GAP not in verb else "", path)
        frame.engine.facts.setdefault(Request, set()).add(request)
        frame.emit((frame.engine.hub(request),), node, "http")


def path_of(url: str | None) -> Segments:
    """Return the segments of a URL's path, None for one that varies.

    Nothing where the URL is unknown, or of another host.
    """
    if url is None or not url.strip(_GAP):
        return ()
    if url.startswith(("http://", "https://")):
        parts = urlsplit(url.replace(_GAP, "~"))
        host, path = parts.netloc.rpartition("@")[2], url.split("//", 1)[1].partition("/")[2]
        name = re.sub(r":[\d~]+$", "", host)
        if "~" not in host and name not in _LOCAL:
            return ()
        path = f"/{path.partition('?')[0]}"
    else:
        path = url.partition("?")[0].partition("#")[0]
        if path.startswith(_GAP):
            path = path[1:]
            if not path.startswith("/"):
                return ()
    return tuple([None if _GAP in part else part for part in path.split("/") if part])


def _finish(engine: Engine) -> None:
    routes = route_contexts(engine)
    for request in engine.facts.get(Request, ()):
        fitting = [
            (route.path, context)
            for route, context in routes
            if (not request.verb or not route.verbs or request.verb in route.verbs)
            and _fits(route.path, request.path)
        ]
        exact = [one for one in fitting if len(one[0]) == len(request.path)]
        found: list[Context] = [context for _, context in exact or fitting]
        if len(found) == 1:  # several differ in the host
            engine.hub(request).add(found[0])


def _fits(route: Segments, path: Segments) -> bool:
    """Compare from the end, since either may have a prefix that is declared elsewhere."""
    pairs = list(zip(reversed(route), reversed(path), strict=False))
    if any(one is not None and other is not None and one != other for one, other in pairs):
        return False
    return any(one is not None and one == other for one, other in pairs)
