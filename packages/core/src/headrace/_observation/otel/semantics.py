"""The attributes of a unit's span, by OpenTelemetry's semantic conventions.

https://opentelemetry.io/docs/specs/semconv/ (version 1.38), HTTP server spans and messaging spans.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ERROR_TYPE = "error.type"

_METHODS = frozenset({
    "CONNECT",
    "DELETE",
    "GET",
    "HEAD",
    "OPTIONS",
    "PATCH",
    "POST",
    "PUT",
    "QUERY",
    "TRACE",
})


def at_start(kind: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that are known when a unit begins, for samplers."""
    if not facts:
        return {}
    if kind == "task":
        return _present({
            "messaging.system": facts.get("system"),
            "messaging.operation.type": "process",
            "messaging.operation.name": "process",
            "messaging.destination.name": facts.get("queue"),
            "messaging.message.id": facts.get("task_id"),
        })
    method = facts.get("method")
    known = method is None or method in _METHODS
    return _present({
        "http.request.method": method if known else "_OTHER",
        "http.request.method_original": None if known else method,
        "url.path": facts.get("path"),
    })


def at_end(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that are known when a unit has ended, except for errors."""
    status = facts.get("status")
    failed = isinstance(status, int) and status >= 500
    return _present({
        "http.route": facts.get("route"),
        "http.response.status_code": status,
        ERROR_TYPE: facts.get("error_type", str(status)) if failed else None,
    })


def error_type(exc: BaseException) -> str:
    """Return the public name of the class of `exc`, with its module: ``shop.errors.Declined``.

    A private class takes the name of its first public base, and a class from a private module the
    name under which a package exports it, if any. Built-in exceptions have no module.

    Args:
        exc: the exception.
    """
    public = (each for each in type(exc).__mro__ if not each.__name__.startswith("_"))
    cls = next(public, type(exc))
    module = cls.__module__
    if module == "builtins":
        return cls.__qualname__
    parts = module.split(".")
    for length in range(1, len(parts)):
        if parts[length].startswith("_"):
            package = ".".join(parts[:length])
            if getattr(sys.modules.get(package), cls.__qualname__, None) is cls:
                return f"{package}.{cls.__qualname__}"
            break
    return f"{module}.{cls.__qualname__}"


def _present(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}
