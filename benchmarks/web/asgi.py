"""ASGI middlewares around an application that does nothing."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from benchmarks.harness import Group
from benchmarks.web.sending import asgi, case, flow_id, peers
from headrace.asgi import FlowMiddleware

_INBOUND = (b"x-correlation-id", b"0af7651916cd43dd8448eb211c80319c")


async def _bare(_scope: Any, _receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


def _by_hand(app: Any) -> Any:
    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        found = None
        for name, value in scope["headers"]:
            if name == b"x-correlation-id":
                found = value.decode("latin-1")
                break
        own_id = found or uuid4().hex
        token = flow_id.set(own_id)

        async def send_with_header(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((b"x-correlation-id", own_id.encode("latin-1")))
            await send(message)

        try:
            await app(scope, receive, send_with_header)
        finally:
            flow_id.reset(token)

    return middleware


def _asgi_correlation_id() -> Any:
    from asgi_correlation_id import CorrelationIdMiddleware

    return CorrelationIdMiddleware(_bare)


def _starlette_context() -> Any:
    from starlette_context import plugins
    from starlette_context.middleware import RawContextMiddleware

    used = (plugins.RequestIdPlugin(), plugins.CorrelationIdPlugin())
    return RawContextMiddleware(_bare, plugins=used)


def _opentelemetry() -> Any:
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
    from opentelemetry.sdk.trace import TracerProvider

    return OpenTelemetryMiddleware(_bare, tracer_provider=TracerProvider())


PEERS = {
    "asgi-correlation-id": _asgi_correlation_id,
    "starlette-context": _starlette_context,
    "OpenTelemetry's instrumentation": _opentelemetry,
}


def groups() -> list[Group]:
    """Return what is compared.

    The floor makes an ID. One that is handed an ID makes none and looks at it no further, which
    ours does: that comparison is a group of its own.
    """
    by_hand, ours = _by_hand(_bare), FlowMiddleware(_bare)
    bare, bare_given = case("bare", asgi(_bare)), case("bare", asgi(_bare, "/", _INBOUND))
    given = asgi(ours, "/", _INBOUND)
    return [
        Group(
            "ASGI: time added, in that of a hand-written middleware",
            [
                case("hand-written", asgi(by_hand), bare),
                case("headrace, ID made", asgi(ours), bare, 1.4),
                case("headrace, ID taken over", given, bare_given, 1.8),
                *(case(name, asgi(app), bare) for name, app in peers(PEERS).items()),
            ],
        ),
        Group(
            "ASGI, ID taken over: the same, where the hand-written one makes and checks none",
            [
                case("hand-written", asgi(by_hand, "/", _INBOUND), bare_given),
                case("headrace", given, bare_given),
            ],
        ),
    ]
