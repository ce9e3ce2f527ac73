"""ASGI middleware, for Starlette, FastAPI and every other ASGI application."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextvars import ContextVar
from functools import partial
from types import CodeType
from typing import Any, Unpack, cast

from . import _state
from ._context.marks import mark
from ._context.model import FlowContext, RequestContext
from ._context.opening import opening_id
from ._context.sending import senders
from ._context.spans import adopt_span
from ._context.suspended import wait_with
from ._context.variables import (
    get_step,
    get_unit,
    reset_unit,
    set_step,
    set_unit,
    step_var,
    unit_var,
)
from ._http import nesting
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
from ._http.responses import REFUSAL, REFUSAL_STATUS, REFUSED_KEY, make_put, refusal_headers
from ._http.rules import HttpPolicy
from ._logger import log

__all__ = ["FlowMiddleware", "RefusalMiddleware"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
RouteOf = Callable[[Scope], str | None]

# Looked up once: this is the hot path.
_NOTHING: list[tuple[ContextVar[Any], Any]] = [(unit_var, None), (step_var, None)]

# The keys that FastAPI's own spans and Starlette's middleware set in the scope. Both start a
# SERVER span even if one is active.
_INSTRUMENTED = ("fastapi.telemetry", "starlette.opentelemetry")
_DASH = ord("-")
# Names of most headers of most requests, for a faster way past them.
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
_RESPONSE_STARTS = frozenset({
    "http.response.start",
    "websocket.accept",
    "websocket.http.response.start",
})
_BODIES = frozenset({
    "http.response.body",
    "http.response.pathsend",
    "http.response.zerocopysend",
    "websocket.http.response.body",
})


class FlowMiddleware:
    """Opens a unit of work for each HTTP request and each WebSocket connection.

    The response carries the correlation ID in exactly one header. Lifespan events pass untouched,
    and a second middleware of this kind in the same stack does nothing.

    Args:
        app: the ASGI application.
        options: see `headrace.integration.HttpOptions`.

    Raises:
        TypeError: an unknown option, or one of a wrong type.
        ValueError: an option with an impossible value.
    """

    def __init__(self, app: App, **options: Unpack[HttpKeywords]) -> None:
        nesting.use_protocol("asgi")
        self.app = app
        _announce(app)
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
        """Leave the response to a refused request to a `RefusalMiddleware` inside `app`."""
        self._refuse = self._leave

    async def _leave(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[REFUSED_KEY] = True
        await self.app(scope, receive, send)

    def name_by(self, route_of: RouteOf) -> None:
        """Have `route_of` asked for the name of each unit when its response starts.

        Args:
            route_of: takes the scope, and returns the route, or None to leave the path as name.
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
                # Letters, digits and dashes: most IDs are hexadecimal, and isalnum() takes a tenth
                # of a regular expression's time.
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
            log.exception("a request is served without a unit of work")
            await self.app(scope, receive, send)
            return
        exchange = _Exchange()
        exchange.context = context
        exchange.put_header = self._put
        exchange.route_of = self._route_of
        exchange.scope = scope
        exchange.server_receive = receive
        exchange.server_send = send
        dispatcher = _state.dispatcher
        if (
            self._logs
            or (dispatcher is not None and dispatcher.wants_units)
            or get_unit() is not None  # without a unit there is no current step
        ):
            await self._observe(exchange, app)
            return

        # `_observe` inlined for the usual request: no context around it and no backend listening.
        # A `RequestUnit` would take a fifth of the total time.
        withdrawal = announce_in_scope(scope, context) if nesting.mixed else None
        token = set_unit(context)
        try:
            await app(scope, exchange.receive, exchange.send)
        except BaseException as exc:
            mark(exc, context.correlation_id)
            raise
        finally:
            try:
                reset_unit(token)
            except ValueError:  # closed by another task, in whose context others are current
                if get_unit() is context:
                    set_unit(None)
            if get_step() is not None and get_unit() is None:
                set_step(None)
            context._ended = True  # noqa: SLF001 - what `Unit` does by a call
            if withdrawal is not None:
                withdraw_from_scope(scope, withdrawal)

    def _decided(self, scope: Scope) -> Excluded | Joined | None:
        """Return the decision for a request that is not admitted here, else None."""
        try:
            if nesting.mixed and (decision := decision_in_scope(scope)) is not None:
                scope[SCOPE_KEY] = decision
                return Joined(decision)
            if self._excludes is not None and self._excludes(application_path(scope)):
                scope[SCOPE_KEY] = excluded = Excluded()
                return excluded
        except Exception:
            log.exception("the path of a request could not be matched; it is not excluded")
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
        """Return a `send` by which the unit that the request has is named for our route."""
        if self._route_of is None:
            return send

        async def send_named(message: Message) -> None:
            if message["type"] in _RESPONSE_STARTS:
                path = path_below(scope, scope.get("app_root_path", scope.get("root_path", "")))
                name_for_inner_route(scope.get(SCOPE_KEY), path, _route(self._route_of, scope))
            await send(message)

        return send_named

    async def _observe(self, exchange: _Exchange, app: App) -> None:
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
            if message["type"] in _RESPONSE_STARTS:
                has_trailers, status = message.get("trailers", False), message.get("status", 101)
                unit.respond(status, _route(self._route_of, scope))
                _adopt_spans(scope, context)
                await exchange.send(message)
                return
            await wait_with(around, exchange.server_send(message))
            if _is_last(message, has_trailers):
                # An error page is sent while the error is being handled, before it is raised again.
                error = sys.exc_info()[1] if status >= 500 else None
                unit.end(None if error is handled else error)

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


class _Exchange:
    """`receive` and `send` of a request, which call the server's own outside the unit.

    Both are coroutine functions like the server's: asgiref's async_to_sync warns about anything
    else. Methods are faster to make than closures, and an object without `__init__` than one with.
    """

    __slots__ = ("context", "put_header", "route_of", "scope", "server_receive", "server_send")

    context: FlowContext
    put_header: Callable[[Iterable[Header], str], list[Header]]
    route_of: RouteOf | None
    scope: Scope
    server_receive: Receive
    server_send: Send

    async def receive(self) -> Message:
        return await wait_with(_NOTHING, self.server_receive())

    async def send(self, message: Message) -> None:
        context = self.context
        if message["type"] in _RESPONSE_STARTS:
            # Inside the unit: servers log the access here.
            if self.route_of is not None:
                context.name = _route(self.route_of, self.scope) or context.name
            try:
                changed: Message = {**message}  # the application's may be a constant
                headers = message["headers"] if "headers" in message else ()  # noqa: SIM401 - faster
                changed["headers"] = self.put_header(headers, context.correlation_id)
            except Exception:
                log.exception("a response may lack its correlation ID")
                changed = message
            await self.server_send(changed)
        elif get_step() is not None:
            await wait_with(_NOTHING, self.server_send(message))
        else:
            outside = set_unit(None)
            try:
                await self.server_send(message)
            finally:
                try:  # noqa: SIM105 - costs nothing
                    reset_unit(outside)
                except ValueError:  # closed by another task, with other variables
                    pass


senders.add(_Exchange.send.__code__)
senders.update(
    code
    for code in FlowMiddleware._observe.__code__.co_consts  # noqa: SLF001
    if isinstance(code, CodeType) and code.co_name == "send_outside"
)


def _route(route_of: RouteOf | None, scope: Scope) -> str | None:
    try:
        return None if route_of is None else route_of(scope)
    except Exception:
        log.exception("the route of a request could not be read; its unit is not named for it")
        return None


def _is_last(message: Message, has_trailers: bool) -> bool:
    """Tell whether the response ends with `message`."""
    kind = message["type"]
    if kind == "http.response.trailers":
        return not message.get("more_trailers", False)
    return kind in _BODIES and not message.get("more_body", False) and not has_trailers


def _announce(app: Any) -> None:
    """Make Starlette's OpenTelemetry middleware in the stack `app` announce its spans.

    Its mark in the scope is gone when an error page is sent outside it.
    """
    layer = app
    while layer is not None and type(layer).__module__ != "starlette.middleware.opentelemetry":
        layer = getattr(layer, "app", None)
    if layer is not None:
        layer.app = partial(_adopting, layer.app)


def _adopt_spans(scope: Scope, context: FlowContext) -> None:
    for key in _INSTRUMENTED:
        if key in scope:
            adopt_span(context, getattr(scope[key], "span", None))


async def _adopting(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    decision = scope.get(SCOPE_KEY)
    if isinstance(decision, FlowContext):
        adopt_span(decision)
    await app(scope, receive, send)


def _name(header: str) -> bytes:
    return header.lower().encode()


class RefusalMiddleware:
    """Sends the response to requests that an outer `FlowMiddleware` refuses and delegates to it.

    Args:
        app: the ASGI application.
    """

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on."""
        app = refuse if scope.get(REFUSED_KEY) else self.app
        await app(scope, receive, send)


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Send a 400 response; to a WebSocket only if the server supports it."""
    kind = "http.response"
    if scope["type"] == "websocket":
        kind = "websocket.http.response"
        if kind not in (scope.get("extensions") or ()):
            # The server answers 403 of its own accord.
            await send({"type": "websocket.close", "code": 1008})
            return
    headers = [(name.encode(), value.encode()) for name, value in refusal_headers()]
    await send({"type": f"{kind}.start", "status": REFUSAL_STATUS, "headers": headers})
    await send({"type": f"{kind}.body", "body": REFUSAL.encode()})
