"""The route of a request, which names its unit of work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def route_of(scope: Mapping[str, Any]) -> str | None:
    """Return the template of the request's path, such as ``/orders/{number}``, or None.

    It is known once the request has been routed. The part below which an application is mounted
    is the actual path.
    """
    template = _of_included(scope)
    if template is None:
        route = scope.get("route")
        if route is None or hasattr(route, "routes"):  # a mount: the rest of the route is inside
            route = _plain(scope)
        if route is None:
            return None
        template = str(getattr(route, "path", ""))
    root = str(scope.get("root_path", ""))
    return root[len(scope.get("app_root_path", root)) :] + template or None


def _plain(scope: Mapping[str, Any]) -> Any:
    # Routes of FastAPI put themselves into the scope; those of Starlette, such as ``/docs``, only
    # their endpoint.
    endpoint = scope.get("endpoint")
    if endpoint is None:
        return None
    found = [
        route
        for route in getattr(scope.get("app"), "routes", ())
        if getattr(route, "endpoint", None) is endpoint
    ]
    if len(found) > 1:
        found = [route for route in found if route.matches(scope)[0].value]
    return found[0] if found else None


def _of_included(scope: Mapping[str, Any]) -> str | None:
    # If FastAPI includes routers lazily, the route itself lacks their prefix.
    kept = scope.get("fastapi")
    context = kept.get("effective_route_context") if isinstance(kept, Mapping) else None
    route = getattr(context, "starlette_route", None) or context
    # A mounted application has routes of its own.
    is_mount = hasattr(getattr(context, "original_route", None), "routes")
    return None if is_mount else getattr(route, "path_format", None)
