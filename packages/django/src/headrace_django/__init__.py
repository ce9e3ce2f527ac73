"""headrace for Django: every request, stream and log line under one correlation ID.

Layers, from the top; a module imports only from the layers below its own:

1. ``apps``, ``management``: what Django loads at startup, and the command ``flows``
2. ``checks``: the system checks
3. ``middleware``: the unit of a request
4. ``_bodies``, ``_commands``, ``_refusals``, ``_registrations``, ``_transactions``
5. ``_settings``: the setting ``HEADRACE``
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404

from headrace.integration import register_control_flow

from ._transactions import on_commit

if TYPE_CHECKING:
    from .middleware import FlowMiddleware

__all__ = ["FlowMiddleware", "on_commit"]

# Django turns these into 4xx responses: they are not failures, and chains neither retry nor wrap
# them.
register_control_flow(Http404, PermissionDenied, BadRequest, SuspiciousOperation)
# Nor those of REST framework, its ValidationError included. By path, so that it is not imported.
register_control_flow("rest_framework.exceptions.APIException")


def __getattr__(name: str) -> Any:
    if name != "FlowMiddleware":
        raise AttributeError(f"module 'headrace_django' has no attribute {name!r}")
    from .middleware import FlowMiddleware

    return FlowMiddleware
