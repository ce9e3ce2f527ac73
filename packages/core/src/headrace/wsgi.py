"""WSGI middleware, for Flask and every other WSGI application."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import perf_counter
from typing import TYPE_CHECKING, Any, Unpack

from ._context import add_facts
from ._http import (
    ENVIRON_KEY,
    HttpPolicy,
    environ_key,
    is_under_way,
)
from ._http_options import HttpKeywords, http_options
from ._responses import REFUSAL, log_access, make_put, refusal_headers
from ._runtime import units_are_watched
from ._units import ResumableUnit

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from ._context import FlowContext

__all__ = ["FlowMiddleware"]


class FlowMiddleware:
    """Opens a unit of work for each request; it lives until the body is exhausted or closed.

    The response carries the correlation ID in exactly one header. A second middleware of this kind
    in the same stack does nothing.

    Args:
        app: the WSGI application.
        options: see `headrace.integration.HttpOptions`.

    Raises:
        TypeError: an unknown option, or one of a wrong type.
        ValueError: an option with an impossible value.
    """

    def __init__(self, app: WSGIApplication, **options: Unpack[HttpKeywords]) -> None:
        self.app = app
        self._policy = policy = HttpPolicy(http_options("FlowMiddleware", options))
        self._response = _LoggedResponse if policy.options.access_log else _Response
        # Asked for the unit's name when the response starts: for integrations, which set it.
        self.route_of: Callable[[WSGIEnvironment], str | None] | None = None
        policy.follow_configuration(self._take_headers)

    def _take_headers(self) -> None:
        policy = self._policy
        policy.resolve()
        self._keys = [(environ_key(name), name) for name in policy.wanted]
        self.put = make_put(policy, str, str)
        self._rewrite = policy.request_header().put_in_environ if policy.writes else None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Run the application inside a unit of work."""
        policy = self._policy
        path = environ.get("PATH_INFO", "")
        has_unit = ENVIRON_KEY in environ and is_under_way(environ[ENVIRON_KEY])
        if has_unit or (policy.excludes_any and policy.excludes(path)):
            return self.app(environ, start_response)
        found = []
        for key, name in self._keys:  # a comprehension costs a call before Python 3.12
            if key in environ:
                found.append((name, environ[key]))
        context, reject = policy.admit("http", path, found, environ)
        environ[ENVIRON_KEY] = context
        if self._rewrite is not None:
            self._rewrite(environ, context.correlation_id)
        response = self._response(self, context, environ, start_response)
        return response.run(_refuse if reject else self.app)


class _Response:
    """One request on its way through the application, and then the body of its response."""

    __slots__ = ("_body", "_environ", "_middleware", "_next", "_start_response", "_unit")

    def __init__(
        self,
        middleware: FlowMiddleware,
        context: FlowContext,
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> None:
        self._middleware = middleware
        self._environ = environ
        self._start_response = start_response
        if units_are_watched():
            path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
            add_facts(context, method=environ.get("REQUEST_METHOD", "GET"), path=path)
        self._unit = ResumableUnit(context)
        self._body: Iterable[bytes] = ()
        self._next: Callable[[], bytes] | None = None

    def run(self, app: WSGIApplication) -> Iterable[bytes]:
        try:
            body = self._unit.run(app, self._environ, self._respond)
        except BaseException as exc:
            self._end(exc)
            raise
        if isinstance(body, list | tuple) or _is_file(self._environ, body):
            # Nothing is left to be made: servers look at a list's length, and send files unread.
            self._end(None)
            return body
        self._body = body
        return self

    def _respond(
        self, status: str, headers: list[tuple[str, str]], *exc_info: Any
    ) -> Callable[[bytes], object]:
        middleware, context = self._middleware, self._unit.context
        route = None if middleware.route_of is None else middleware.route_of(self._environ)
        if route is not None:
            context.name = route
        if units_are_watched():
            add_facts(context, status=_code(status), route=route)
        headers = middleware.put(headers, context.correlation_id)
        return self._start_response(status, headers, *exc_info)

    def _end(self, exc: BaseException | None) -> None:
        self._unit.end(exc)

    # --- The body, each piece of which is made inside the unit ------------------------------------

    def __iter__(self) -> _Response:
        return self

    def __next__(self) -> bytes:
        try:
            return self._unit.run(self._next or self._first)
        except StopIteration:
            raise
        except BaseException as exc:
            self._end(exc)
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
            self._end(failure)


class _LoggedResponse(_Response):
    """Logs a line when all is done."""

    __slots__ = ("_logged", "_start", "_status")

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._logged = False
        self._status: int | None = None
        self._start = perf_counter()

    def _respond(
        self, status: str, headers: list[tuple[str, str]], *exc_info: Any
    ) -> Callable[[bytes], object]:
        self._status = _code(status)
        return super()._respond(status, headers, *exc_info)

    def _end(self, exc: BaseException | None) -> None:
        if not self._logged:
            self._logged = True
            self._unit.run(self._log)
        super()._end(exc)

    def _log(self) -> None:
        environ, seconds = self._environ, perf_counter() - self._start
        method, path = environ.get("REQUEST_METHOD", "-"), environ.get("PATH_INFO", "")
        log_access(method, path, self._status, seconds)


def _code(status: str) -> int | None:
    return int(status[:3]) if status[:3].isdecimal() else None


def _is_file(environ: WSGIEnvironment, body: object) -> bool:
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(body, wrapper)


def _refuse(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    start_response("400 Bad Request", refusal_headers())
    return [REFUSAL.encode()]
