"""The extension: it wraps the WSGI application, so that error responses are reached too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import headrace
import headrace.logging
from headrace.integration import ENVIRON_KEY, read_settings
from headrace.wsgi import FlowMiddleware

from ._cli import flows

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from flask import Flask


class Headrace:
    """Gives each request of a Flask application a unit of work.

    ``Headrace(app)``, or ``Headrace()`` and later ``init_app(app)``. Settings are read from
    ``app.config``: the names of the options, upper case, after ``HEADRACE_``.

    Args:
        app: the application; or None, to call `init_app` later.
        options: what `headrace.integration.HttpOptions` and `headrace.configure` take; they win
            over the application's settings.

    Raises:
        ValueError: an unknown option or setting, or an impossible value.
        TypeError: an option or setting of a wrong type.
    """

    def __init__(self, app: Flask | None = None, **options: Any) -> None:
        self._options = {name.upper(): value for name, value in options.items()}
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Set up `app`; a second call for the same application does nothing.

        Raises:
            ValueError: an unknown option or setting, or an impossible value.
            TypeError: an option or setting of a wrong type.
        """
        if "headrace" in app.extensions:
            return
        settings = app.config.get_namespace("HEADRACE_", lowercase=False)
        configuration, http, _ = read_settings({**settings, **self._options})
        middleware = FlowMiddleware(_naming(app.wsgi_app), **http)
        if configuration:
            headrace.configure(**configuration)
        headrace.logging.install()
        app.wsgi_app = middleware  # type: ignore[method-assign]  # as Flask documents it
        app.cli.add_command(flows)
        app.extensions["headrace"] = self


def _naming(wsgi_app: WSGIApplication) -> WSGIApplication:
    """Return `wsgi_app` such that the unit gets the endpoint's name, once that is known."""

    def named(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def respond(*args: Any) -> Any:
            # Now, for when the request is done Flask takes its request out of the environ.
            request, context = environ.get("werkzeug.request"), environ.get(ENVIRON_KEY)
            if request is not None and context is not None and request.endpoint is not None:
                context.name = request.endpoint
            return start_response(*args)

        return wsgi_app(environ, respond)

    return named
