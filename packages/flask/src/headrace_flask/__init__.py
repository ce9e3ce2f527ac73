"""headrace for Flask: every request, stream and log line under one correlation ID."""

from __future__ import annotations

from werkzeug.exceptions import HTTPException

from headrace.integration import register_control_flow

from ._extension import Headrace

__all__ = ["Headrace"]

# `abort(404)` is a response, not a failure: chains neither retry nor wrap it.
register_control_flow(HTTPException)
