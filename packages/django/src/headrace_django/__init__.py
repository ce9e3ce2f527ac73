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

# Django turns these into 4xx responses. They are not failures, so chains neither retry nor wrap
# them.
register_control_flow(Http404, PermissionDenied, BadRequest, SuspiciousOperation)
# The same applies to REST framework's, including ValidationError; the path avoids an import.
register_control_flow("rest_framework.exceptions.APIException")


def __getattr__(name: str) -> Any:
    if name != "FlowMiddleware":
        raise AttributeError(f"module 'headrace_django' has no attribute {name!r}")
    from .middleware import FlowMiddleware

    return FlowMiddleware
