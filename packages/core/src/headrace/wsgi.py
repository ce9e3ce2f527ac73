"""WSGI middleware, for Flask and every other WSGI application."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ._http import ENVIRON_KEY, REFUSAL, HttpOptions, HttpPolicy, exposed, log_access
from ._units import ResumableUnit

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from ._context import FlowContext

__all__ = ["FlowMiddleware"]

_EXPOSE = "access-control-expose-headers"


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

    def __init__(self, app: WSGIApplication, **options: Any) -> None:
        self.app = app
        self._policy = policy = HttpPolicy(HttpOptions(**options))
        self._keys = [(_environ_key(name), name) for name in policy.wanted]
        self._header = policy.options.response_header

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Run the application inside a unit of work."""
        if ENVIRON_KEY in environ or self._excludes(environ):
            return self.app(environ, start_response)
        found = [(name, environ[key]) for key, name in self._keys if key in environ]
        context, reject = self._policy.admit("http", environ.get("PATH_INFO", ""), found)
        environ[ENVIRON_KEY] = context
        response = _Response(self, context, environ, start_response)
        return response.run(_refuse if reject else self.app)

    def _excludes(self, environ: WSGIEnvironment) -> bool:
        return self._policy.excludes_any and self._policy.excludes(environ.get("PATH_INFO", ""))

    def with_header(
        self, headers: list[tuple[str, str]], context: FlowContext
    ) -> list[tuple[str, str]]:
        """Return the response's `headers` with ours, as a new list."""
        name = self._header
        lower = name.lower()
        kept = [header for header in headers if header[0].lower() != lower]
        kept.append((name, context.correlation_id))
        if self._policy.options.expose_header:
            existing = [value for key, value in kept if key.lower() == _EXPOSE]
            kept = [header for header in kept if header[0].lower() != _EXPOSE]
            kept.append(("Access-Control-Expose-Headers", exposed(existing, name)))
        return kept

    @property
    def logs_access(self) -> bool:
        """Whether a line is logged for each request."""
        return self._policy.options.access_log


class _Response:
    """One request on its way through the application, and its body."""

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
        self._unit = ResumableUnit(context)
        self._status: int | None = None
        self._start = perf_counter()

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
        return _Body(body, self._unit, self._end)

    def _respond(
        self, status: str, headers: list[tuple[str, str]], *exc_info: Any
    ) -> Callable[[bytes], object]:
        self._status = int(status[:3])
        ours = self._middleware.with_header(headers, self._unit.context)
        return self._start_response(status, ours, *exc_info)

    def _end(self, exc: BaseException | None) -> None:
        if self._middleware.logs_access:
            self._unit.run(self._log_access)
        self._unit.end(exc)

    def _log_access(self) -> None:
        environ = self._environ
        seconds = perf_counter() - self._start
        path = environ.get("PATH_INFO", "")
        log_access(environ.get("REQUEST_METHOD", "-"), path, self._status, seconds)


class _Body:
    """The response's body, each piece of which is made inside the unit."""

    def __init__(
        self,
        body: Iterable[bytes],
        unit: ResumableUnit,
        end: Callable[[BaseException | None], None],
    ) -> None:
        self._body = body
        self._unit = unit
        self._end: Callable[[BaseException | None], None] | None = end
        self._pieces: Iterator[bytes] = unit.run(iter, body)

    def __iter__(self) -> _Body:
        return self

    def __next__(self) -> bytes:
        try:
            piece: bytes = self._unit.run(next, self._pieces)
        except StopIteration:
            raise
        except BaseException as exc:
            self._finish(exc)
            raise
        return piece

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
            self._finish(failure)

    def _finish(self, exc: BaseException | None) -> None:
        end, self._end = self._end, None
        if end is not None:
            end(exc)


def _is_file(environ: WSGIEnvironment, body: object) -> bool:
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(body, wrapper)


def _environ_key(header: str) -> str:
    return "HTTP_" + header.upper().replace("-", "_")


def _refuse(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    body = REFUSAL.encode()
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
    ]
    start_response("400 Bad Request", headers)
    return [body]
