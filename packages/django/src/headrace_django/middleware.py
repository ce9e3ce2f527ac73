"""The middleware, which makes each request a unit of work, sync or async."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.utils.log import log_response
from django.utils.module_loading import import_string

from headrace import get_flow_context
from headrace.integration import (
    GuardedLogger,
    HttpPolicy,
    RequestUnit,
)
from headrace.integration.requests import (
    ENVIRON_KEY,
    Excluded,
    Joined,
    RequestHeader,
    begin_request,
    decision_of_request,
    environ_key,
    is_lost,
    name_for_inner_route,
    put_in_mapping,
    use_protocol,
)

from ._bodies import Closing, keep_open
from ._refusals import (
    Handler,
    has_cors,
    leave_to_view,
    refuse,
    refuse_async,
    refuse_view,
    refuse_view_async,
)
from ._settings import read

if TYPE_CHECKING:
    from django.http import HttpRequest

    from headrace.integration import ResumableUnit

__all__ = ["FlowMiddleware"]

_log = GuardedLogger("headrace")


class FlowMiddleware:
    """Opens a unit of work for each request, which ends when the response's body is finished.

    List it first in ``MIDDLEWARE``. ``request.flow_id`` is the correlation ID, and the response
    carries it in exactly one header. A request that already has a unit from another integration
    does not get a second one. On excluded paths, ``request.flow_id`` is None.

    Raises:
        ImproperlyConfigured: the ``HEADRACE`` setting is invalid.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self._policy = policy = HttpPolicy(read().http)
        self._closing = Closing()
        self._is_first = _is_listed_first(type(self))
        self._is_async = is_async = iscoroutinefunction(get_response)
        if is_async:
            markcoroutinefunction(self)
        use_protocol("asgi" if is_async else "wsgi")
        policy.follow_configuration(self._take_headers)
        self._refuse: Handler = refuse_async if is_async else refuse
        if policy.options.on_invalid == "reject" and has_cors():
            self.process_view = refuse_view_async if is_async else refuse_view
            self._refuse = leave_to_view(get_response, is_async=is_async)

    def _take_headers(self) -> None:
        policy = self._policy
        policy.resolve()
        self._keys = [(environ_key(name), name) for name in policy.wanted]
        # The header, if it is the only one that `put_in_mapping` would set.
        self._header = None if policy.options.expose_header else policy.response_header
        self._writer = policy.request_header() if policy.writes else None

    def __call__(self, request: HttpRequest) -> Any:
        """Return the response, or an awaitable of it in an async stack."""
        if self._is_async:
            return self._call_async(request)
        unit, handler = self._begin(request)
        if unit is None:
            return _named(request, handler(request))
        try:
            response = unit.run(handler, request)
            if self._is_first and response.status_code >= 400:
                unit.run(_log_error, request, response)
        except BaseException as exc:
            unit.end(exc)
            raise
        self._finish(unit, request, response)
        return response

    async def _call_async(self, request: HttpRequest) -> Any:
        unit, handler = self._begin(request)
        if unit is None:
            return _named(request, await handler(request))
        try:
            response = await unit.wait(handler(request))
            if self._is_first and response.status_code >= 400:
                # In a thread, like Django, since a log handler may block.
                log_error = sync_to_async(_log_error, thread_sensitive=False)
                await unit.wait(log_error(request, response))
        except BaseException as exc:
            unit.end(exc)
            raise
        self._finish(unit, request, response)
        return response

    def _begin(self, request: HttpRequest) -> tuple[ResumableUnit | None, Handler]:
        """Return the unit of the request (None if one is already open) and the handler to call."""
        try:
            # `__dict__`, since the class has no `flow_id`, and only an ASGI request has a `scope`.
            meta, attributes, policy = request.META, request.__dict__, self._policy
            scope = attributes.get("scope")
            decision = decision_of_request(meta, scope)
            if decision is not None:
                attributes["flow_id"] = decision.correlation_id
                return (Joined(decision) if is_lost(decision) else None), self.get_response
            if policy.excludes_any and policy.excludes(request.path_info):
                return _excluded(request), self.get_response
            found = []
            for key, name in self._keys:  # a comprehension costs a call before Python 3.12
                if key in meta:
                    found.append((name, meta[key]))
            context, reject = policy.admit("http", request.path, found, scope or meta)
            meta[ENVIRON_KEY] = context
            attributes["flow_id"] = context.correlation_id
            if self._writer is not None:
                _write_header(self._writer, request, scope, context.correlation_id)
            unit = begin_request(policy, context, request.method or "-", request.path)
        except Exception:
            _log.exception("serving a request without a unit of work")
            return None, self.get_response
        return unit, self._refuse if reject else self.get_response

    def _finish(self, unit: ResumableUnit, request: HttpRequest, response: Any) -> None:
        """Add the header, and end the unit now or with the streaming body."""
        try:
            if isinstance(unit, Joined):
                unit.run(_named, request, response)
            elif not isinstance(unit, Excluded):
                context, match = unit.context, request.resolver_match
                if self._header is not None:
                    response.headers[self._header] = context.correlation_id
                else:
                    put_in_mapping(response.headers, self._policy, context.correlation_id)
                route = None if match is None else match.route
                if route is not None:
                    context.name = route
                if isinstance(unit, RequestUnit):
                    unit.respond(response.status_code, route)
            if response.streaming:
                keep_open(unit, response)
            else:
                unit.end()
            # Only if listed first: a middleware outside this one may pickle the response to cache
            # it, and the replaced method cannot be pickled.
            if self._is_first:
                self._closing.enclose(unit, response)
        except Exception:
            _log.exception("a response may lack its correlation ID")
            unit.end()


def _excluded(request: HttpRequest) -> Excluded:
    request.__dict__["flow_id"] = None
    request.META[ENVIRON_KEY] = excluded = Excluded()
    return excluded


def _write_header(writer: RequestHeader, request: HttpRequest, scope: Any, value: str) -> None:
    writer.put_in_environ(request.META, value)
    if scope is not None:
        writer.put_in_scope(scope, value)
    request.__dict__.pop("headers", None)  # Django's cache of the headers in META


def _named(request: HttpRequest, response: Any) -> Any:
    """Name the outer unit of `request` after its route, and return `response`."""
    match = request.resolver_match
    if match is not None:
        name_for_inner_route(get_flow_context(), request.path_info, match.route)
    return response


def _log_error(request: HttpRequest, response: Any) -> None:
    # Django would log this line after the unit has ended. `log_response` marks the response, so
    # that it is logged only once.
    message = "%s: %s"
    log_response(message, response.reason_phrase, request.path, response=response, request=request)


def _is_listed_first(middleware: type) -> bool:
    # If not, Django must log 4xx responses: an outer middleware may still redirect a 404.
    first = counted_middleware()[:1]
    return bool(first) and import_string(first[0]) is middleware


def counted_middleware() -> list[str]:
    """Return ``MIDDLEWARE`` without OpenTelemetry's, which its instrumentor puts first."""
    return [path for path in settings.MIDDLEWARE if not path.startswith("opentelemetry.")]
