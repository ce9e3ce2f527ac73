"""headrace for Quart: docs/howto/integrating.md, followed once for real."""

from __future__ import annotations

from typing import Any

from quart import Quart, request
from werkzeug.exceptions import HTTPException

import headrace
from headrace import asgi, integration

integration.register_control_flow(HTTPException)


def init_app(app: Quart, **options: Any) -> None:
    """Open a unit of work for each request and WebSocket of `app`; see `HttpOptions`."""
    if "headrace" in app.extensions:
        return
    app.asgi_app = asgi.FlowMiddleware(app.asgi_app, **options)  # type: ignore[method-assign]
    app.before_request(_name_unit)
    app.extensions["headrace"] = options
    headrace.logging.install()


async def _name_unit() -> None:
    context = headrace.get_flow_context()
    if context is not None and request.url_rule is not None:
        context.name = request.url_rule.rule
