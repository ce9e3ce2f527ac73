"""Callables registered with an application: endpoints and FastAPI's dependencies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headrace.integration import Registration

_MAX_LAYERS = 100  # of middleware, in case they form a cycle


def registrations(app: Any) -> Iterator[Registration]:
    """Yield the callables of the routes of the ASGI application `app`, including mounted ones."""
    for _ in range(_MAX_LAYERS):
        routes = getattr(app, "routes", None)
        if isinstance(routes, list | tuple):
            yield from _of_dependencies(getattr(app, "dependencies", ()))
            for route in routes:
                yield from _of_route(route)
            return
        # Inside a mount, a host or a middleware, or behind a router that FastAPI includes lazily.
        app = getattr(app, "original_router", None) or getattr(app, "app", None)


def _of_route(route: Any) -> Iterator[Registration]:
    endpoint = getattr(route, "endpoint", None)
    if endpoint is None:
        yield from registrations(route)
        return
    path = getattr(route, "path", "")
    yield Registration(f"route {path!r}", endpoint, "the route's decorator")
    yield from _of_dependant(getattr(route, "dependant", None), path)


def _of_dependant(dependant: Any, path: str) -> Iterator[Registration]:
    for each in getattr(dependant, "dependencies", ()):
        yield Registration(f"dependency of {path!r}", each.call, "the other decorators")
        yield from _of_dependant(each, path)


def _of_dependencies(dependencies: Any) -> Iterator[Registration]:
    for each in dependencies:
        call = getattr(each, "dependency", None)
        if call is not None:
            yield Registration("dependency", call, "the other decorators")
