"""`init_app`, which puts the middleware around an application's finished stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack
from weakref import WeakKeyDictionary

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.errors import ServerErrorMiddleware

from headrace import asgi, logging
from headrace.asgi import RefusalMiddleware
from headrace.integration import HttpKeywords, HttpOptions, http_options, report_undecorated
from headrace.integration.settings import is_repeated

from ._registrations import registrations
from ._routes import route_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp, Receive, Scope, Send


class FlowMiddleware(asgi.FlowMiddleware):
    """`headrace.asgi.FlowMiddleware`, with units named after the route: ``/orders/{number}``.

    Use it as ``Middleware(FlowMiddleware)``. Only `init_app` covers responses to unhandled errors.

    Args:
        app: the ASGI application.
        options: see `headrace.integration.HttpOptions`.

    Raises:
        TypeError: an option is unknown or has the wrong type.
        ValueError: an option has an invalid value.
    """

    def __init__(self, app: ASGIApp, **options: Unpack[HttpKeywords]) -> None:
        super().__init__(app, **options)
        self.name_by(route_of)
        report_undecorated(registrations(app))


_initialised: WeakKeyDictionary[Starlette, HttpOptions] = WeakKeyDictionary()


def init_app(app: Starlette, **options: Unpack[HttpKeywords]) -> None:
    """Open a unit of work for each request and WebSocket connection of `app`.

    The unit encloses the whole middleware stack, including middleware that is added later, so
    responses to unhandled errors carry the header too. From now on, log records capture the
    context: see `headrace.logging.install`. A second call with the same options does nothing.

    Args:
        app: the FastAPI or Starlette application, before it starts.
        options: see `headrace.integration.HttpOptions`.

    Raises:
        TypeError: `app` is not such an application, or an option is unknown or has the wrong type.
        ValueError: an option has an invalid value.
        RuntimeError: `app` has started, or was already set up with different options.
    """
    if not isinstance(app, _plain_starlette()):
        raise TypeError(
            f"init_app() takes a FastAPI or Starlette application, not {app!r}; "
            f"wrap any other ASGI application in headrace.asgi.FlowMiddleware(app)"
        )
    wanted = http_options("init_app", options)
    if not is_repeated(_initialised, app, wanted, "init_app()"):
        _wrap_stack(app, options)
        _initialised[app] = wanted
        logging.install()


def _plain_starlette() -> type[Starlette]:
    # OpenTelemetry's instrumentor may have replaced the class with a subclass.
    return next(each for each in Starlette.__mro__ if each.__module__ == "starlette.applications")


def _wrap_stack(app: Starlette, options: HttpKeywords) -> None:
    check_not_started(app, "init_app()")
    # Read from the instance, since another library may have wrapped the stack in the same way.
    build = app.build_middleware_stack

    def build_middleware_stack() -> ASGIApp:
        report_undecorated(registrations(app.router))
        return _Stack(_with_refusal_inside(app, build, options))

    app.build_middleware_stack = build_middleware_stack  # type: ignore[method-assign]


def _with_refusal_inside(
    app: Starlette, build: Callable[[], ASGIApp], options: HttpKeywords
) -> FlowMiddleware:
    """Build the stack; if there is a CORS middleware, reject requests inside it.

    A page in a browser can read the response only with that middleware's headers.
    """
    listed = app.user_middleware
    places = [place for place, each in enumerate(listed) if _does_cors(each.cls)]
    if options.get("on_invalid") != "reject" or not places:
        return FlowMiddleware(build(), **options)
    inside = places[-1] + 1
    app.user_middleware = [*listed[:inside], Middleware(RefusalMiddleware), *listed[inside:]]
    try:
        middleware = FlowMiddleware(build(), **options)
    finally:
        app.user_middleware = listed
    middleware.leave_refusal()
    return middleware


def _does_cors(middleware: Any) -> bool:
    classes = getattr(middleware, "__mro__", (middleware,))
    return any("cors" in getattr(each, "__name__", "").lower() for each in classes)


class _Stack(ServerErrorMiddleware):
    """The finished stack inside the middleware, with the type of Starlette's own stack.

    OpenTelemetry's FastAPI instrumentor expects this type if it is set up after `init_app`. It
    inserts itself between a stack and its ``app``, which here is our middleware.
    """

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.app(scope, receive, send)


def check_not_started(app: Starlette, caller: str) -> None:
    """Raise `RuntimeError` if the middleware stack of `app` is already built."""
    if app.middleware_stack is not None:
        raise RuntimeError(
            f"{caller} was called too late: the application has started and built its middleware "
            f"stack; call it where the application is created"
        )
