"""Several requests on one uvicorn connection: none sees the unit of an earlier one."""

from __future__ import annotations

import importlib.util
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn

import headrace
from headrace.asgi import FlowMiddleware
from tests.sites import PATIENCE

KINDS = [("h11", "asyncio"), ("httptools", "asyncio"), ("h11", "uvloop"), ("httptools", "uvloop")]
INSTALLED = [pair for pair in KINDS if all(importlib.util.find_spec(each) for each in pair)]
BIG = b"x" * 3_000_000


async def show(scope: Any, receive: Any, send: Any) -> None:
    """Read the body, and return the ID, and the one current around the middleware."""
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    text = f"{headrace.current_flow_id()} {scope['state']['around']}"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": text.encode()})


inner = FlowMiddleware(show, exclude_paths=["/health"])


async def outer(scope: Any, receive: Any, send: Any) -> None:
    """Record the context around the middleware."""
    scope["state"] = {"around": headrace.current_flow_id()}
    await inner(scope, receive, send)


@pytest.fixture(params=INSTALLED, ids="-".join)
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a server in a thread."""
    http, loop = request.param
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(outer, http=http, loop=loop, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    until = time.monotonic() + PATIENCE
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        listening.close()


@pytest.mark.guarantee(50)
def test_a_kept_connection_carries_no_unit_over(port: int) -> None:
    """After large bodies, an excluded path and the code around the middleware have no unit."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        for number in range(3):
            headers = {"X-Correlation-ID": f"order-{number}"}
            answer = client.post("/orders", content=BIG, headers=headers)
            assert answer.text == f"order-{number} None"
            assert client.get("/health").text == "None None"
            assert client.get("/orders", headers=headers).text == f"order-{number} None"


@pytest.mark.guarantee(50)
def test_pipelined_requests_carry_no_unit_over(port: int) -> None:
    """A request that arrived during another's response begins outside that one's unit."""
    request = "GET {} HTTP/1.1\r\nHost: x\r\nX-Correlation-ID: {}\r\nConnection: {}\r\n\r\n"
    sent = request.format("/a", "first", "keep-alive") + request.format(
        "/b", "second", "keep-alive"
    )
    sent += request.format("/health", "third", "close")
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.sendall(sent.encode())
        received = b""
        while piece := connection.recv(65536):
            received += piece
    found = [text for text in (b"first None", b"second None", b"None None") if text in received]
    assert len(found) == 3, received
