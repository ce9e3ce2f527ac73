"""HTTP requests with httpx, requests and aiohttp to routes of the same program.

A request reaches a route only if no other route matches its method and whole path. If its base URL
is computed, it may leave the program, so it can only reach a route of another package.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from headrace_inspect._evaluate._contexts import Call
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._registry import Registry
from headrace_inspect._evaluate._values import Object, Value, text_of
from headrace_inspect._symbols._entities import Module

from ._routes import VERBS, routes_in

_CLIENTS = """
    httpx.Client httpx.AsyncClient requests.Session requests.session
    aiohttp.ClientSession
"""
_PATH = re.compile(
    r"(https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]|testserver)(?::\d+)?"
    r"|http://[^/]*\0[^/]*)?(?:https://[^/]*\0[^/]*|\0)?(/[^?#]*)"
)
"""The host of a URL, if it is clearly internal, and the path; ``\\0`` is a computed part."""
_PARAMETER = re.compile(r"\{[^}]*\}|<[^>]*>|\(\?P<[^)]*\)|\([^)]*\)|\*|\0")
Segments = tuple[str | None, ...]
"""The segments of a path; None for a parameter."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request: its method, its path, and the package that it leaves if its host is unknown."""

    verb: str
    path: Segments
    package: str


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
        verb, index = text_of(call.value(0, "method")) or "\0", 1
    url = text_of(call.value(index, "url")) or ""
    base = call.owner.keyword("base_url") if isinstance(call.owner, Object) else None
    if base is not None and url.startswith("/"):
        url = (text_of(base) or "\0").rstrip("/") + url
    found = _PATH.fullmatch(url.partition("?")[0])
    if found is not None:
        package = "" if found[1] else _package(call.frame.module)
        request = Request("" if "\0" in verb else verb.upper(), _segments(found[2]), package)
        engine = call.frame.engine
        engine.facts.setdefault(Request, set()).add(request)
        call.frame.emit((engine.call_targets(request),), call.node, "http")
    return None


def _package(module: Module) -> str:
    return module.name.partition(".")[0]


def _segments(path: str) -> Segments:
    parts = _PARAMETER.sub("\0", path).strip("^$").split("/")
    return tuple([None if "\0" in part else part for part in parts if part])


def _finish(engine: Engine) -> None:
    for request in engine.facts.get(Request, ()):
        found = [
            context
            for route, contexts in routes_in(engine).items()
            if request.package != _package(route.module)
            and _fits(_segments(route.path), request.path)
            for verbs, context in contexts
            if not request.verb or not verbs or request.verb in verbs
        ]
        if len(found) == 1:
            engine.call_targets(request).add(found[0])


def _fits(route: Segments, path: Segments) -> bool:
    """Tell whether all segments match; a computed segment matches only a parameter."""
    is_whole = len(route) == len(path) and any(route)
    return is_whole and all(one in {None, given} for one, given in zip(route, path, strict=True))
