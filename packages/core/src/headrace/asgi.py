"""ASGI middleware, for Starlette, FastAPI and every other ASGI application."""

from __future__ import annotations

import sys
from types import CodeType
from typing import Unpack, cast

from . import _state
from ._context.marks import mark
from ._context.model import FlowContext, RequestContext
from ._context.opening import opening_id
from ._context.sending import senders
from ._context.suspended import wait_with
from ._context.variables import (
    get_step,
    get_unit,
    reset_unit,
    set_step,
    set_unit,
)
from ._http import nesting
from ._http.asgi_messages import (
    RESPONSE_STARTS,
    App,
    Exchange,
    Message,
    Receive,
    RequestLine,
    RouteOf,
    Scope,
    Send,
    error_of_response,
    is_last,
    read_route,
)
from ._http.asgi_refusals import RefusalMiddleware, refuse
from ._http.asgi_spans import adopt_spans, announce_spans
from ._http.nesting import (
    SCOPE_KEY,
    Excluded,
    Joined,
    announce_in_scope,
    application_path,
    decision_in_scope,
    is_under_way,
    path_below,
    withdraw_from_scope,
)
from ._http.options import HttpKeywords, http_options
from ._http.requests import RequestUnit, name_for_inner_route
from ._http.responses import REFUSED_KEY, make_put
from ._http.rules import HttpPolicy
from ._logger import log

__all__ = ["FlowMiddleware", "RefusalMiddleware"]

_DASH = ord("-")
# The most common request headers, to skip them quickly.
_USUAL = frozenset({
    b"accept",
    b"accept-encoding",
    b"accept-language",
    b"authorization",
    b"cache-control",
    b"connection",
    b"content-length",
    b"content-type",
    b"cookie",
    b"host",
    b"if-modified-since",
    b"if-none-match",
    b"origin",
    b"pragma",
    b"priority",
    b"referer",
    b"sec-ch-ua",
    b"sec-ch-ua-mobile",
    b"sec-ch-ua-platform",
    b"sec-fetch-dest",
    b"sec-fetch-mode",
    b"sec-fetch-site",
    b"sec-fetch-user",
    b"upgrade-insecure-requests",
    b"user-agent",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-port",
    b"x-forwarded-proto",
    b"x-real-ip",
})


class FlowMiddleware:
    """Opens a unit of work for each HTTP request and each WebSocket connection.

    The response carries the correlation ID in exactly one header. Lifespan events pass through
    unchanged, and a second middleware of this kind in the same stack does nothing.

    Args:
        app: the ASGI application.
        options: see `headrace.integration.HttpOptions`.

    Raises:
        TypeError: `app` is a WSGI application, or an option is unknown or has the wrong type.
        ValueError: an option has an invalid value.
    """

    def __init__(self, app: App, **options: Unpack[HttpKeywords]) -> None:
        nesting.check_protocol("asgi", app)
        nesting.use_protocol("asgi")
        self.app = app
        announce_spans(app)
        self._policy = policy = HttpPolicy(http_options("FlowMiddleware", options))
        self._admit = policy.admit
        self._asks = policy.asks
        self._excludes = policy.excludes if policy.excludes_any else None
        self._logs = policy.options.access_log
        self._route_of: RouteOf | None = None
        self._refuse: App = refuse
        policy.follow_configuration(self._take_headers)

    def _take_headers(self) -> None:
        policy = self._policy
        policy.resolve()
        self._wanted = {name.encode(): name for name in policy.wanted}
        is_default = policy.options.validator is None and not policy.asks
        self._plain = policy.plain if is_default else frozenset()
        self._unwanted = _USUAL.difference(self._wanted)
        self._put = make_put(policy, _name, str.encode)
        self._rewrite = policy.request_header().put_in_scope if policy.writes else None

    def leave_refusal(self) -> None:
        """Let a `RefusalMiddleware` inside `app` respond to refused requests."""
        self._refuse = self._leave

    async def _leave(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[REFUSED_KEY] = True
        await self.app(scope, receive, send)

    def name_by(self, route_of: RouteOf) -> None:
        """Name each unit by calling `route_of` when its response starts.

        Args:
            route_of: takes the scope and returns the route, or None to keep the path as the name.
        """
        self._route_of = route_of

    async def __call__(  # noqa: C901, PLR0912, PLR0915 - one frame, for speed
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Run the application inside a unit of work."""
        kind = scope["type"]
        if kind != "http" and kind != "websocket":  # noqa: PLR1714 - faster
            await self.app(scope, receive, send)
            return
        if SCOPE_KEY in scope and is_under_way(scope[SCOPE_KEY]):
            await self.app(scope, receive, self._naming(scope, send))
            return
        if (nesting.mixed or self._excludes is not None) and (decided := self._decided(scope)):
            await self._run_in(decided, scope, receive, send)
            return
        try:
            wanted, unwanted = self._wanted, self._unwanted
            found: list[tuple[str, bytes]] | None = None
            headers = scope["headers"]
            if type(headers) is not list:  # possibly a one-shot iterable
                scope["headers"] = headers = [*headers]
            for name, value in headers:
                if name not in unwanted and (name in wanted or (name := name.lower()) in wanted):
                    if found is None:
                        found = [(wanted[name], value)]
                    else:
                        found.append((wanted[name], value))
            # `admit` inlined for the usual requests, with no ID or a simple one.
            app, correlation_id = self.app, None
            if found is None:
                if not self._asks:
                    correlation_id = opening_id()
            elif len(found) == 1 and found[0][0] in self._plain:
                value = found[0][1]
                # Only letters, digits and dashes: most IDs are hexadecimal, and isalnum() takes a
                # tenth of the time of a regular expression.
                is_simple = value.replace(b"-", b"").isalnum() and value[0] != _DASH
                if is_simple and len(value) <= 128:
                    correlation_id = value.decode()
            if correlation_id is not None:
                context: FlowContext = RequestContext()
                context.correlation_id = correlation_id
                context.causation_id = None
                context.kind = kind
                context.name = scope["path"]
                context.deadline = None
            else:
                texts = [(name, value.decode("latin-1")) for name, value in found or ()]
                context, reject = self._admit(kind, scope["path"], texts, scope)
                if reject:
                    app = self._refuse
            scope[SCOPE_KEY] = context
            if self._rewrite is not None:
                self._rewrite(scope, context.correlation_id)
        except Exception:
            log.exception("serving a request without a unit of work")
            await self.app(scope, receive, send)
            return
        exchange = Exchange()
        exchange.line = None
        exchange.context = context
        exchange.put_header = self._put
        exchange.route_of = self._route_of
        exchange.scope = scope
        exchange.server_receive = receive
        exchange.server_send = send
        if self._logs or get_unit() is not None:  # without a unit there is no step
            await self._observe(exchange, app)
            return
        dispatcher = _state.dispatcher
        if dispatcher is not None:
            wants_units = dispatcher.wants_units  # an attribute: faster than a method's call
            if wants_units():
                if not dispatcher.only_logs():
                    await self._observe(exchange, app)
                    return
                exchange.line = line = RequestLine()
                line.context, line.app, app = context, app, line.run

        # `_observe` inlined for the usual request: no outer context, at most log lines.
        # A `RequestUnit` would take a fifth of the total time.
        withdrawal = announce_in_scope(scope, context) if nesting.mixed else None
        token = set_unit(context)
        try:
            await app(scope, exchange.receive, exchange.send)
        except BaseException as exc:
            mark(exc, context)
            raise
        finally:
            try:
                reset_unit(token)
            except ValueError:  # closed by another task, whose context has other values
                if get_unit() is context:
                    set_unit(None)
            if get_step() is not None and get_unit() is None:
                set_step(None)
            context._ended = True  # noqa: SLF001 - `set_ended` without a call
            if withdrawal is not None:
                withdraw_from_scope(scope, withdrawal)

    def _decided(self, scope: Scope) -> Excluded | Joined | None:
        """Return the decision for a request that needs no unit of its own, else None."""
        try:
            if nesting.mixed and (decision := decision_in_scope(scope)) is not None:
                scope[SCOPE_KEY] = decision
                return Joined(decision)
            if self._excludes is not None and self._excludes(application_path(scope)):
                scope[SCOPE_KEY] = excluded = Excluded()
                return excluded
        except Exception:
            log.exception("cannot match the path of a request; the request is not excluded")
        return None

    async def _run_in(
        self, decision: Excluded | Joined, scope: Scope, receive: Receive, send: Send
    ) -> None:
        is_new = nesting.mixed and isinstance(decision, Excluded)
        withdrawal = announce_in_scope(scope, cast("Excluded", decision)) if is_new else None
        try:
            await decision.wait(self.app(scope, receive, self._naming(scope, send)))
        finally:
            decision.end()
            if withdrawal is not None:
                withdraw_from_scope(scope, withdrawal)

    def _naming(self, scope: Scope, send: Send) -> Send:
        """Return a `send` that names the request's existing unit after our route."""
        if self._route_of is None:
            return send

        async def send_named(message: Message) -> None:
            if message["type"] in RESPONSE_STARTS:
                path = path_below(scope, scope.get("app_root_path", scope.get("root_path", "")))
                name_for_inner_route(scope.get(SCOPE_KEY), path, read_route(self._route_of, scope))
            await send(message)

        return send_named

    async def _observe(self, exchange: Exchange, app: App) -> None:
        """Run `app` in a unit that ends with the last byte of its response."""
        context, scope = exchange.context, exchange.scope
        kind = scope["type"]
        method = scope["method"] if kind == "http" else "GET"
        unit = RequestUnit(context, method, scope["path"], logs=self._logs and kind == "http")
        around, handled = unit.around(), sys.exc_info()[1]
        has_trailers, status = False, 0
        withdrawal = announce_in_scope(scope, context) if nesting.mixed else None

        async def receive_outside() -> Message:
            return await wait_with(around, exchange.server_receive())

        async def send_outside(message: Message) -> None:
            nonlocal has_trailers, status
            if message["type"] in RESPONSE_STARTS:
                has_trailers, status = message.get("trailers", False), message.get("status", 101)
                unit.respond(status, read_route(self._route_of, scope))
                adopt_spans(scope, context)
                await exchange.send(message)
                return
            await wait_with(around, exchange.server_send(message))
            if is_last(message, has_trailers):
                unit.end(error_of_response(status, handled))

        try:
            await unit.wait(app(scope, receive_outside, send_outside))
        except BaseException as exc:
            unit.end(exc)
            raise
        else:
            unit.end()
        finally:
            if withdrawal is not None:
                withdraw_from_scope(scope, withdrawal)


senders.update(
    code
    for code in FlowMiddleware._observe.__code__.co_consts  # noqa: SLF001
    if isinstance(code, CodeType) and code.co_name == "send_outside"
)


def _name(header: str) -> bytes:
    return header.lower().encode()
