"""The route of a request, after which its unit of work is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def route_of(scope: Mapping[str, Any]) -> str | None:
    """Return the template of the request's path, such as ``/orders/{number}``, or None.

    The route is known once the request has been routed. The mount point of an application is part
    of the result, as in the actual path.
    """
    template = _of_included(scope)
    if template is None:
        route = scope.get("route")
        if route is None or hasattr(route, "routes"):  # a mount has only a part of the route
            route = _plain(scope)
        if route is None:
            return None
        template = str(getattr(route, "path", ""))
    root = str(scope.get("root_path", ""))
    return root[len(scope.get("app_root_path", root)) :] + template or None


def _plain(scope: Mapping[str, Any]) -> Any:
    # FastAPI's routes put themselves into the scope; Starlette's, such as ``/docs``, put only their
    # endpoint.
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
    # If FastAPI includes a router lazily, the route itself lacks the router's prefix.
    kept = scope.get("fastapi")
    context = kept.get("effective_route_context") if isinstance(kept, Mapping) else None
    route = getattr(context, "starlette_route", None) or context
    # A mounted application has its own routes.
    is_mount = hasattr(getattr(context, "original_route", None), "routes")
    return None if is_mount else getattr(route, "path_format", None)
