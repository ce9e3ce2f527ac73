"""headrace for Litestar: docs/howto/integrating.md, followed once more."""

from __future__ import annotations

from typing import Any

from litestar import Litestar
from litestar.exceptions import HTTPException

import headrace.logging
from headrace import asgi, integration

integration.register_control_flow(HTTPException)


def init_app(app: Litestar, **options: Any) -> None:
    """Open a unit of work for each request and WebSocket of `app`; see `HttpOptions`."""
    if isinstance(app.asgi_handler, asgi.FlowMiddleware):
        return
    middleware: Any = asgi.FlowMiddleware(app.asgi_handler, **options)
    middleware.name_by(lambda scope: scope.get("path_template"))
    app.asgi_handler = middleware
    headrace.logging.install()
