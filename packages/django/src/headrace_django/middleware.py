"""The middleware: each request is a unit of work, sync or async."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.core.signals import request_finished
from django.utils.log import log_response
from django.utils.module_loading import import_string

from headrace import get_flow_context
from headrace.integration import (
    ENVIRON_KEY,
    REFUSED_KEY,
    Excluded,
    GuardedLogger,
    HttpPolicy,
    Joined,
    RequestUnit,
    ResumableUnit,
    decision_of_request,
    environ_key,
    is_lost,
    name_for_inner_route,
    put_in_mapping,
    units_are_watched,
    use_protocol,
)

from ._bodies import close, is_of_django, keep_alive
from ._refusals import has_cors, refuse, refuse_async, refuse_view, refuse_view_async
from ._settings import read

if TYPE_CHECKING:
    from django.http import HttpRequest

    from headrace import FlowContext

__all__ = ["FlowMiddleware"]

_log = GuardedLogger("headrace")
_Handler = Callable[["HttpRequest"], Any]


class FlowMiddleware:
    """Opens a unit of work for each request; it lives until the response's body is done.

    It belongs first in ``MIDDLEWARE``. ``request.flow_id`` is the correlation ID, which the
    response carries in exactly one header. Where a request has a unit already, by another
    middleware of this kind, no other is opened; on excluded paths ``request.flow_id`` is None.

    Raises:
        ImproperlyConfigured: the ``HEADRACE`` setting is wrong.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: _Handler) -> None:
        self.get_response = get_response
        self._policy = policy = HttpPolicy(read().http)
        self._logs = policy.options.access_log
        self._known = 0
        self._has_receivers = False
        self._is_first = _stands_first(type(self))
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)
        use_protocol("asgi" if self._is_async else "wsgi")
        policy.follow_configuration(self._take_headers)
        if policy.options.on_invalid == "reject" and has_cors():
            self.process_view = refuse_view_async if self._is_async else refuse_view

    def _take_headers(self) -> None:
        policy = self._policy
        policy.resolve()
        self._keys = [(environ_key(name), name) for name in policy.wanted]
        self._rewrite = policy.request_header() if policy.writes else None

    def __call__(self, request: HttpRequest) -> Any:
        """Return the response, or in an async stack its awaitable."""
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
                # In a thread, as Django does it: a handler of the log may block.
                log_error = sync_to_async(_log_error, thread_sensitive=False)
                await unit.wait(log_error(request, response))
        except BaseException as exc:
            unit.end(exc)
            raise
        self._finish(unit, request, response)
        return response

    def _begin(self, request: HttpRequest) -> tuple[ResumableUnit | None, _Handler]:
        """Return the unit of the request, None if one is already open, and its handler."""
        try:
            # The type of a request does not know our attribute, and only ASGI's has a scope.
            meta, attributes, policy = request.META, request.__dict__, self._policy
            scope = attributes.get("scope")
            decision = decision_of_request(meta, scope)
            if decision is not None:
                attributes["flow_id"] = decision.correlation_id
                return (Joined(decision) if is_lost(decision) else None), self.get_response
            if policy.excludes_any and policy.excludes(request.path_info):
                meta[ENVIRON_KEY] = excluded = Excluded()
                attributes["flow_id"] = None
                return excluded, self.get_response
            found = []
            for key, name in self._keys:  # a comprehension costs a call before Python 3.12
                if key in meta:
                    found.append((name, meta[key]))
            context, reject = policy.admit("http", request.path, found, scope or meta)
            meta[ENVIRON_KEY] = context
            if self._rewrite is not None:
                self._rewrite.put_in_environ(meta, context.correlation_id)
                if scope is not None:
                    self._rewrite.put_in_scope(scope, context.correlation_id)
                attributes.pop("headers", None)  # Django's cache of the headers in META
            attributes["flow_id"] = context.correlation_id
            watched = self._logs or units_are_watched()
            unit = self._watched(request, context) if watched else ResumableUnit(context)
        except Exception:
            _log.exception("a request is served without a unit of work")
            return None, self.get_response
        return unit, self._refuse if reject else self.get_response

    def _watched(self, request: HttpRequest, context: FlowContext) -> RequestUnit:
        return RequestUnit(context, request.method or "-", request.path, logs=self._logs)

    def _refuse(self, request: HttpRequest) -> Any:
        if not hasattr(self, "process_view"):
            return refuse_async(request) if self._is_async else refuse(request)
        request.META[REFUSED_KEY] = True
        return self._leave_async(request) if self._is_async else self._leave(request)

    def _leave(self, request: HttpRequest) -> Any:
        """Leave the rejection to `process_view`, or make it here if that was not reached."""
        response = self.get_response(request)
        return refuse(request) if REFUSED_KEY in request.META else response

    async def _leave_async(self, request: HttpRequest) -> Any:
        response = await self.get_response(request)
        return refuse(request) if REFUSED_KEY in request.META else response

    def _finish(self, unit: ResumableUnit, request: HttpRequest, response: Any) -> None:
        """Add the header; end the unit, or leave that to the body that is still to be made."""
        try:
            if isinstance(unit, Joined):
                unit.run(_named, request, response)
            elif not isinstance(unit, Excluded):
                self._describe(unit, request, response)
            if response.streaming:
                keep_alive(unit, response)
            else:
                unit.end()
            # Only as the first: a middleware around us may cache, and so pickle, the response.
            if self._is_first and self._closes_something(response):
                response.close = partial(close, unit, response)
        except Exception:
            _log.exception("a response may lack its correlation ID")
            unit.end()

    def _closes_something(self, response: Any) -> bool:
        """Tell whether closing `response` runs anything except Django's own cleanup."""
        receivers = request_finished.receivers
        if len(receivers) != self._known:  # faster than comparing the receivers themselves
            self._known = len(receivers)
            self._has_receivers = not all(map(is_of_django, receivers))
        return self._has_receivers or bool(response._resource_closers)  # noqa: SLF001

    def _describe(self, unit: ResumableUnit, request: HttpRequest, response: Any) -> None:
        context = unit.context
        put_in_mapping(response.headers, self._policy, context.correlation_id)
        route = None if request.resolver_match is None else request.resolver_match.route
        if route is not None:
            context.name = route
        if isinstance(unit, RequestUnit):
            unit.respond(response.status_code, route)


def _named(request: HttpRequest, response: Any) -> Any:
    """Name the outer unit of `request` after its route, and return `response`."""
    match = request.resolver_match
    if match is not None:
        name_for_inner_route(get_flow_context(), request.path_info, match.route)
    return response


def _log_error(request: HttpRequest, response: Any) -> None:
    # Django would log this line, once, when we have returned and the unit is over.
    message = "%s: %s"
    log_response(message, response.reason_phrase, request.path, response=response, request=request)


def _stands_first(middleware: type) -> bool:
    # Behind us only: a middleware around us may still turn a 404 into a redirect.
    first = counted_middleware()[:1]
    return bool(first) and import_string(first[0]) is middleware


def counted_middleware() -> list[str]:
    """Return ``MIDDLEWARE`` without OpenTelemetry's, which its instrumentor puts in front."""
    return [path for path in settings.MIDDLEWARE if not path.startswith("opentelemetry.")]
