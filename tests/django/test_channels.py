"""Channels, as docs/howto/django.md shows it: the ASGI middleware around the router."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.handlers.asgi import ASGIHandler
from django.urls import path

import headrace
from headrace.asgi import FlowMiddleware
from tests import sites
from tests.django.frameworks import settings_for
from tests.sites import MemoryLog
from tests.units import WatchedUnit

HEADERS = [(b"x-correlation-id", b"abc")]


class AsyncEcho(AsyncWebsocketConsumer):
    """Answers with the ID."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Answer."""
        sites.note("received")
        await self.send(text_data=f"{text_data} {headrace.current_flow_id()}")


class SyncEcho(WebsocketConsumer):
    """Answers with the ID, from a thread."""

    def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Answer."""
        sites.note("received")
        self.send(text_data=f"{text_data} {headrace.current_flow_id()}")


def application() -> FlowMiddleware:
    """Return the project's ASGI application."""
    consumers: Any = [path("async", AsyncEcho.as_asgi()), path("sync", SyncEcho.as_asgi())]
    router = ProtocolTypeRouter({"http": ASGIHandler(), "websocket": URLRouter(consumers)})
    return FlowMiddleware(router)


@pytest.mark.guarantee(14)
@pytest.mark.parametrize("route", ["/async", "/sync"])
def test_connection_has_a_unit(log: MemoryLog, units: list[WatchedUnit], route: str) -> None:
    """Each message of a connection is received in the unit that its opening request named."""

    async def talk() -> list[str]:
        scope = {"type": "websocket", "path": route, "headers": HEADERS, "query_string": b""}
        socket = ApplicationCommunicator(application(), scope)
        await socket.send_input({"type": "websocket.connect"})
        assert (await socket.receive_output())["type"] == "websocket.accept"
        answers = []
        for text in ("one", "two"):
            await socket.send_input({"type": "websocket.receive", "text": text})
            answers.append((await socket.receive_output())["text"])
        await socket.send_input({"type": "websocket.disconnect", "code": 1000})
        await socket.wait()
        return answers

    assert asyncio.run(talk()) == ["one abc", "two abc"]
    assert [(unit.context.kind, unit.outcome) for unit in units] == [("websocket", "ok")]
    assert [line.flow_id for line in log.lines() if line.message == "received"] == ["abc"] * 2


@pytest.mark.guarantee(1)
def test_request_beside_it_has_one_unit(units: list[WatchedUnit]) -> None:
    """A plain request through the router has one unit, with Django's middleware there too."""

    async def ask() -> list[Any]:
        scope = {"type": "http", "method": "GET", "path": "/id", "headers": HEADERS}
        app = ApplicationCommunicator(application(), scope)
        await app.send_input({"type": "http.request"})
        output = [await app.receive_output(), await app.receive_output()]
        await app.wait()
        return output

    with settings_for({}, "tests.django.site"):
        start, body = asyncio.run(ask())
    assert [value for name, value in start["headers"] if name.lower() == HEADERS[0][0]] == [b"abc"]
    assert body["body"] == b"abc"
    assert [unit.context.kind for unit in units] == ["http"]
