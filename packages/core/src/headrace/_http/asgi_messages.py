"""The messages of an ASGI response, and the `receive` and `send` of a request with a unit."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextvars import ContextVar
from typing import Any

from headrace import _state
from headrace._context.dispatcher import UnitReport
from headrace._context.model import FlowContext
from headrace._context.sending import senders
from headrace._context.suspended import wait_with
from headrace._context.variables import get_step, reset_unit, set_unit, step_var, unit_var
from headrace._logger import log

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
RouteOf = Callable[[Scope], str | None]

_NO_CONTEXT: list[tuple[ContextVar[Any], Any]] = [(unit_var, None), (step_var, None)]

RESPONSE_STARTS = frozenset({
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


class Exchange:
    """The `receive` and `send` of a request, which call the server's outside the unit.

    Both are coroutine functions like the server's: asgiref's async_to_sync warns about anything
    else. Methods are faster to create than closures, and so are objects without `__init__`.
    """

    __slots__ = (
        "context",
        "line",
        "put_header",
        "route_of",
        "scope",
        "server_receive",
        "server_send",
    )

    context: FlowContext
    line: RequestLine | None  # set if the unit is only logged
    put_header: Callable[[Iterable[Header], str], list[Header]]
    route_of: RouteOf | None
    scope: Scope
    server_receive: Receive
    server_send: Send

    async def receive(self) -> Message:
        return await wait_with(_NO_CONTEXT, self.server_receive())

    async def send(self, message: Message) -> None:
        context = self.context
        if message["type"] in RESPONSE_STARTS:
            # Inside the unit, since servers write their access line here.
            if self.route_of is not None:
                context.name = read_route(self.route_of, self.scope) or context.name
            try:
                changed: Message = {**message}  # the application's message may be a constant
                headers = message["headers"] if "headers" in message else ()  # noqa: SIM401 - faster
                changed["headers"] = self.put_header(headers, context.correlation_id)
            except Exception:
                log.exception("a response may lack its correlation ID")
                changed = message
            await self.server_send(changed)
            if self.line is not None:
                self.line.note_start(message)
        elif get_step() is not None:
            await wait_with(_NO_CONTEXT, self.server_send(message))
            if self.line is not None:
                self.line.note_end(message)
        else:
            outside = set_unit(None)
            try:
                await self.server_send(message)
            finally:
                try:  # noqa: SIM105 - costs nothing
                    reset_unit(outside)
                except ValueError:  # closed by another task, with other variables
                    pass
            if self.line is not None:
                self.line.note_end(message)


class RequestLine:
    """The log lines of a request, the last of them with the last byte of its response.

    Its `run` takes the place of the application, inside the unit.
    """

    __slots__ = ("app", "context", "facts", "handled", "has_trailers", "report", "status")

    app: App
    context: FlowContext
    facts: dict[str, Any]
    report: UnitReport | None

    async def run(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = self.context
        method = scope["method"] if scope["type"] == "http" else "GET"
        self.facts = facts = {"method": method, "path": scope["path"]}
        context._facts = facts  # noqa: SLF001 - `add_facts` without a call
        self.handled, self.has_trailers, self.status = sys.exc_info()[1], False, 0
        dispatcher = _state.dispatcher
        self.report = None if dispatcher is None else dispatcher.begin_unit(context)
        try:
            await self.app(scope, receive, send)
        except BaseException as exc:
            self.end(exc)
            raise
        if self.report is not None:  # the last byte was not sent
            self.end(None)

    def note_start(self, message: Message) -> None:
        """Note the start of the response."""
        self.has_trailers = message.get("trailers", False)
        self.status = self.facts["status"] = message.get("status", 101)

    def note_end(self, message: Message) -> None:
        """Note what is sent after the start of the response."""
        if self.report is not None and is_last(message, self.has_trailers):
            self.end(error_of_response(self.status, self.handled))

    def end(self, exc: BaseException | None) -> None:
        """Report the end of the unit, once."""
        report, self.report = self.report, None
        if report is not None:
            self.context._ended = True  # noqa: SLF001 - `set_ended` without a call
            report.end(exc)


senders.add(Exchange.send.__code__)


def error_of_response(status: int, handled: BaseException | None) -> BaseException | None:
    """Return the error that an error page is about, or None.

    The page is sent while the error is handled, before it is raised again.

    Args:
        status: the status of the response.
        handled: an exception that was already being handled when the request began.
    """
    if status < 500:
        return None
    error = sys.exc_info()[1]
    return None if error is handled else error


def read_route(route_of: RouteOf | None, scope: Scope) -> str | None:
    """Return ``route_of(scope)``, or None if it raises."""
    try:
        return None if route_of is None else route_of(scope)
    except Exception:
        log.exception("cannot read the route of a request; its unit keeps the path as its name")
        return None


def is_last(message: Message, has_trailers: bool) -> bool:
    """Return whether the response ends with `message`."""
    kind = message["type"]
    if kind == "http.response.trailers":
        return not message.get("more_trailers", False)
    return kind in _BODIES and not message.get("more_body", False) and not has_trailers
