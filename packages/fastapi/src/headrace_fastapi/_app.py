"""`init_app`: the middleware around an application's finished stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack
from weakref import WeakKeyDictionary

from starlette.applications import Starlette

from headrace import asgi, logging
from headrace.integration import HttpKeywords, HttpOptions, http_options

from ._routes import route_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp


class FlowMiddleware(asgi.FlowMiddleware):
    """`headrace.asgi.FlowMiddleware`, whose units are named for the route: ``/orders/{number}``.

    Use it as ``Middleware(FlowMiddleware)``; `init_app` reaches error responses too.

    Args:
        app: the ASGI application.
        options: see `headrace.integration.HttpOptions`.

    Raises:
        TypeError: an unknown option, or one of a wrong type.
        ValueError: an option with an impossible value.
    """

    def __init__(self, app: ASGIApp, **options: Unpack[HttpKeywords]) -> None:
        super().__init__(app, **options)
        self.name_by(route_of)


_initialised: WeakKeyDictionary[Starlette, HttpOptions] = WeakKeyDictionary()


def init_app(app: Starlette, **options: Unpack[HttpKeywords]) -> None:
    """Open a unit of work for each request and WebSocket connection of `app`.

    The unit encloses the whole middleware stack, whatever is added to it before or after: the
    pages of unhandled errors carry the header too. Log records capture the context from then on,
    as `headrace.logging.install` lets them. A second call with the same options does nothing.

    Args:
        app: the FastAPI or Starlette application, before it has started.
        options: see `headrace.integration.HttpOptions`.

    Raises:
        TypeError: `app` is no such application, an unknown option, or one of a wrong type.
        ValueError: an option with an impossible value.
        RuntimeError: `app` has started, or was given other options before.
    """
    if not isinstance(app, Starlette):
        raise TypeError(
            f"init_app() takes a FastAPI or Starlette application, not {app!r}; "
            f"wrap any other ASGI application: headrace.asgi.FlowMiddleware(app)"
        )
    wanted = http_options("init_app", options)
    present = _initialised.get(app)
    if present is None:
        _wrap_stack(app, options)
        _initialised[app] = wanted
        logging.install()
    elif present != wanted:
        raise RuntimeError(
            "init_app() was called on this application before, with other options; "
            "call it once, with all of them"
        )


def _wrap_stack(app: Starlette, options: HttpKeywords) -> None:
    check_not_started(app, "init_app()")
    # Looked up on the instance: another library may have wrapped the stack in the same way.
    build = app.build_middleware_stack

    def build_middleware_stack() -> ASGIApp:
        return FlowMiddleware(build(), **options)

    app.build_middleware_stack = build_middleware_stack  # type: ignore[method-assign]


def check_not_started(app: Starlette, caller: str) -> None:
    """Raise `RuntimeError` where the middleware stack of `app` is built already."""
    if app.middleware_stack is not None:
        raise RuntimeError(
            f"{caller} came too late: the application has started, and its middleware stack is "
            f"built; call it where the application is made"
        )
