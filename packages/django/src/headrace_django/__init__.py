"""headrace for Django: every request, stream and log line under one correlation ID."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404

from headrace.integration import register_control_flow

from ._transactions import on_commit

if TYPE_CHECKING:
    from .middleware import FlowMiddleware

__all__ = ["FlowMiddleware", "on_commit"]

# What Django turns into a 4xx response is an answer and no failure: no chain retries or wraps it.
register_control_flow(Http404, PermissionDenied, BadRequest, SuspiciousOperation)
# REST framework's too, its ValidationError among them; who does not use it does not import it.
register_control_flow("rest_framework.exceptions.APIException")


def __getattr__(name: str) -> Any:
    if name != "FlowMiddleware":
        raise AttributeError(f"module 'headrace_django' has no attribute {name!r}")
    from .middleware import FlowMiddleware

    return FlowMiddleware
