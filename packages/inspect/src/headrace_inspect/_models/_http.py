"""HTTP requests of httpx, requests and aiohttp to routes of the same program.

A request is joined with the only route that its method and path fit. Either may have a prefix that
is configured elsewhere, so paths are compared from their ends.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._registry import Call, Registry
from headrace_inspect._evaluate._values import UNKNOWN, Value, text_of

from ._routes import VERBS, routes_in

_CLIENTS = """
    httpx.Client httpx.AsyncClient requests.Session requests.session requests.sessions.Session
    aiohttp.ClientSession
"""
_PATH = re.compile(
    r"(?:https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]|testserver|[^/]*\0[^/]*)(?::\d+)?"
    r"|\0)?(/[^?#]*)"
)
"""The path of a URL whose host is local, or computed: ``\\0`` stands for a computed part."""
_PARAMETER = re.compile(r"\{[^}]*\}|<[^>]*>|\(\?P<[^)]*\)|\([^)]*\)|\*|\0")
Segments = tuple[str | None, ...]
"""The segments of a path; None for a parameter."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request, by its method and path."""

    verb: str
    path: Segments


def register(registry: Registry) -> None:
    """Register this model."""
    for library in ("httpx", "requests"):
        registry.function(_request, " ".join([f"{library}.{verb}" for verb in VERBS]))
        registry.function(_request, f"{library}.request {library}.stream")
    registry.method(_request, _CLIENTS, " ".join([*VERBS, "request stream"]))
    registry.finishing.append(_finish)


def _request(call: Call) -> Value:
    verb, index = call.name.rpartition(".")[2], 0
    if verb not in VERBS:
        verb, index = text_of(call.get(0, "method")) or "\0", 1
    path = path_of(text_of(call.get(index, "url")))
    if path:
        request = Request("" if "\0" in verb else verb.upper(), path)
        engine = call.frame.engine
        engine.facts.setdefault(Request, set()).add(request)
        call.frame.emit((engine.hub(request),), call.node, "http")
    return UNKNOWN


def path_of(url: str | None) -> Segments:
    """Return the segments of a URL's path, or nothing if it is unknown or of another host."""
    found = _PATH.match(url or "")
    return () if found is None else _segments(found[1])


def _segments(path: str) -> Segments:
    parts = _PARAMETER.sub("\0", path).strip("^$").split("/")
    return tuple([None if "\0" in part else part for part in parts if part])


def _finish(engine: Engine) -> None:
    routes = [(_segments(one.path), contexts) for one, contexts in routes_in(engine).items()]
    for request in engine.facts.get(Request, ()):
        fitting = [
            (path, context)
            for path, contexts in routes
            for verbs, context in contexts
            if (not request.verb or not verbs or request.verb in verbs)
            and _fits(path, request.path)
        ]
        exact = [one for one in fitting if len(one[0]) == len(request.path)]
        found = [context for _, context in exact or fitting]
        if len(found) == 1:
            engine.hub(request).add(found[0])


def _fits(route: Segments, path: Segments) -> bool:
    pairs = list(zip(reversed(route), reversed(path), strict=False))
    is_equal = all(None in pair or pair[0] == pair[1] for pair in pairs)
    return is_equal and any(None not in pair for pair in pairs)
