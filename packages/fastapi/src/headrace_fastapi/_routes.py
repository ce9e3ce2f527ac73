"""The route of a request, as the name of its unit of work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def route_of(scope: Mapping[str, Any]) -> str | None:
    """Return the template of the request's path, such as ``/orders/{number}``, or None.

    It is known once the request was routed. Below a mount, the mount's part is as it was sent.
    """
    route = scope.get("route")
    if route is None or hasattr(route, "routes"):  # a mount that found nothing
        return None
    template = _of_included(scope) or str(getattr(route, "path", ""))
    root = str(scope.get("root_path", ""))
    return root[len(scope.get("app_root_path", root)) :] + template or None


def _of_included(scope: Mapping[str, Any]) -> str | None:
    # Where FastAPI includes routers lazily, the route itself lacks their prefix.
    kept = scope.get("fastapi")
    context = kept.get("effective_route_context") if isinstance(kept, Mapping) else None
    route = getattr(context, "starlette_route", None) or context
    return getattr(route, "path_format", None)
