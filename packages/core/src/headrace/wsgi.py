"""WSGI middleware, for Flask and every other WSGI application."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Unpack

from . import _state
from ._context.resumable import ResumableUnit, unobserved
from ._http import nesting
from ._http.nesting import (
    ENVIRON_KEY,
    Excluded,
    Joined,
    announce_in_environ,
    decision_in_environ,
    withdraw_from_environ,
)
from ._http.options import HttpKeywords, http_options
from ._http.requests import RequestUnit, name_for_inner_route
from ._http.responses import REFUSAL, REFUSED_KEY, make_put, refusal_headers
from ._http.rules import HttpPolicy, environ_key

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from ._context.model import FlowContext
    from ._http.nesting import Decision

__all__ = ["FlowMiddleware"]

_NO_FILE = object()
_NAMED_KEY = "headrace.named"


class FlowMiddleware:
    """Opens a unit of work for each request; it lives until the body is exhausted or closed.

    The response carries the correlation ID in exactly one header. A second middleware of this kind
    in the same stack does nothing.

    Args:
        app: the WSGI application.
        options: see `headrace.integration.HttpOptions`.

    Raises:
        TypeError: `app` is an ASGI application, or an option is unknown or has the wrong type.
        ValueError: an option has an invalid value.
    """

    def __init__(self, app: WSGIApplication, **options: Unpack[HttpKeywords]) -> None:
        nesting.check_protocol("wsgi", app)
        nesting.use_protocol("wsgi")
        self.app = app
        self._policy = policy = HttpPolicy(http_options("FlowMiddleware", options))
        self._logs = policy.options.access_log
        # Returns the unit's name when the response starts; set by integrations.
        self.route_of: Callable[[WSGIEnvironment], str | None] | None = None
        # Whether code inside `app` sends the response to a refused request; see `REFUSED_KEY`.
        self.leaves_refusal = False
        policy.follow_configuration(self._take_headers)

    def _take_headers(self) -> None:
        policy = self._policy
        policy.resolve()
        self._keys = [(environ_key(name), name) for name in policy.wanted]
        self.put: Callable[[Iterable[tuple[str, str]], str], list[tuple[str, str]]] = make_put(
            policy, str, str
        )
        self._rewrite = policy.request_header().put_in_environ if policy.writes else None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Run the application inside a unit of work."""
        policy = self._policy
        # Fast path: usually there is one protocol and no outer integration.
        if (nesting.mixed or ENVIRON_KEY in environ) and (
            decision := decision_in_environ(environ)
        ) is not None:
            if self.route_of is not None:
                start_response = self._naming(decision, environ, start_response)
            if environ.get(ENVIRON_KEY) is decision:
                return self.app(environ, start_response)
            environ[ENVIRON_KEY] = decision
            return _Response(Joined(decision), environ).run(self.app, start_response)
        path = environ.get("PATH_INFO", "")
        if not path.isascii():
            path = _decoded(path)
        if policy.excludes_any and policy.excludes(path or "/"):
            environ[ENVIRON_KEY] = excluded = Excluded()
            return _Response(excluded, environ).run(self.app, start_response)
        found = []
        for key, name in self._keys:  # a comprehension costs a call before Python 3.12
            if key in environ:
                found.append((name, environ[key]))
        context, reject = policy.admit("http", path, found, environ)
        environ[ENVIRON_KEY] = context
        if self._rewrite is not None:
            self._rewrite(environ, context.correlation_id)
        response = _UnitResponse(self, context, environ, start_response)
        if reject and self.leaves_refusal:
            environ[REFUSED_KEY] = True
            reject = False
        return response.run(_refuse if reject else self.app, response.respond)

    def _naming(
        self, decision: Decision, environ: WSGIEnvironment, start_response: StartResponse
    ) -> StartResponse:
        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            if self.route_of is not None:
                name_for_inner_route(decision, path, self.route_of(environ))
                environ[_NAMED_KEY] = True
            return start_response(status, headers, *exc_info)

        path = _decoded(environ.get("PATH_INFO", ""))
        return start

    def unit_of(self, context: FlowContext, environ: WSGIEnvironment) -> ResumableUnit:
        """Begin and return the unit of the request."""
        dispatcher = _state.dispatcher
        if not self._logs and (dispatcher is None or not dispatcher.wants_units()):
            return unobserved(context)
        path = _decoded(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""))
        method = environ.get("REQUEST_METHOD", "GET")
        return RequestUnit(context, method, path, logs=self._logs)


class _Response:
    """One request while the application handles it, and then the body of its response."""

    __slots__ = ("_body", "_environ", "_file", "_next", "_unit")

    def __init__(self, unit: ResumableUnit, environ: WSGIEnvironment) -> None:
        self._unit = unit
        self._environ = environ
        self._body: Iterable[bytes] = ()
        self._next: Callable[[], bytes] | None = None
        self._file: object = _NO_FILE
        if nesting.mixed and not isinstance(unit, Joined):
            announce_in_environ(environ, environ[ENVIRON_KEY])

    def run(self, app: WSGIApplication, start_response: StartResponse) -> Iterable[bytes]:
        environ = self._environ
        try:
            wrap = environ.get("wsgi.file_wrapper")
            if wrap is None:
                body = self._unit.run(app, environ, start_response)
            elif isinstance(wrap, type):  # servers check the class in the same way
                body = self._unit.run(app, environ, start_response)
                self._file = body if isinstance(body, wrap) else _NO_FILE
            else:
                body = self._run_with_wrapper(wrap, app, start_response)
        except StopIteration:  # how gunicorn signals a closed WebSocket
            self._leave(None)
            raise
        except BaseException as exc:
            self._leave(exc)
            raise
        kind = type(body)
        if (
            kind is list
            or kind is tuple
            or body is self._file
            or (isinstance(body, list | tuple) and not hasattr(body, "close"))
        ):
            # A complete body is passed on: servers check the length of a list, and send files
            # without reading them.
            self._leave(None)
            return body
        self._body = body
        return self

    def _run_with_wrapper(
        self, wrap: Any, app: WSGIApplication, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Call `app`, and record a body that `wrap` has made.

        uWSGI's file wrapper is a function that recognises its own results.
        """
        environ = self._environ

        def wrap_and_note(*args: Any) -> Any:
            self._file = wrap(*args)
            return self._file

        environ["wsgi.file_wrapper"] = wrap_and_note
        try:
            return self._unit.run(app, environ, start_response)
        finally:
            environ["wsgi.file_wrapper"] = wrap

    def _leave(self, exc: BaseException | None) -> None:
        self._unit.end(exc)
        if nesting.mixed:
            withdraw_from_environ(self._environ)

    # --- The body, produced piece by piece inside the unit ----------------------------------------

    def __iter__(self) -> _Response:
        return self

    def __next__(self) -> bytes:
        try:
            return self._unit.run(self._next or self._first)
        except StopIteration:
            self._unit.end()
            raise
        except BaseException as exc:
            self._unit.end(exc)
            raise

    def _first(self) -> bytes:
        pieces = iter(self._body)
        self._next = pieces.__next__
        return self._next()

    def close(self) -> None:
        failure: BaseException | None = None
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                self._unit.run(close)
        except BaseException as exc:
            failure = exc
            raise
        finally:
            self._leave(failure)


class _UnitResponse(_Response):
    """The response of a request with a unit; it carries the header."""

    __slots__ = ("_middleware", "_start_response")

    def __init__(
        self,
        middleware: FlowMiddleware,
        context: FlowContext,
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> None:
        self._middleware = middleware
        self._start_response = start_response
        super().__init__(middleware.unit_of(context, environ), environ)

    def respond(
        self, status: str, headers: list[tuple[str, str]], *exc_info: Any
    ) -> Callable[[bytes], object]:
        middleware, unit = self._middleware, self._unit
        context, environ = unit.context, self._environ
        route = None
        if middleware.route_of is not None:
            # An inner application has replaced the request that the outer framework looks up.
            if _NAMED_KEY in environ:
                del environ[_NAMED_KEY]
            else:
                route = middleware.route_of(environ)
        if route is not None:
            context.name = route
        if isinstance(unit, RequestUnit):
            unit.respond(int(status[:3]) if status[:3].isdecimal() else None, route)
        headers = middleware.put(headers, context.correlation_id)
        return self._start_response(status, headers, *exc_info)


def _decoded(path: str) -> str:
    # WSGI decodes the bytes of a path, which are UTF-8, as Latin-1.
    return path if path.isascii() else path.encode("latin-1").decode("utf-8", "replace")


def _refuse(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    start_response("400 Bad Request", refusal_headers())
    return [REFUSAL.encode()]
