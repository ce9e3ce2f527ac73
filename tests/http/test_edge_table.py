"""Each row of the documentation's table of proxies and load balancers holds."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from headrace.asgi import FlowMiddleware
from headrace.wsgi import FlowMiddleware as WsgiMiddleware
from tests.asgi_client import http_scope
from tests.http.wsgi_site import make_environ

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "edge.md"


def rows() -> list[list[str]]:
    """Return the cells of each row, without code markup."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
    cells = [line.replace("\\|", "\0").strip("| ").split(" |") for line in lines[2:]]
    return [[cell.strip().strip("`").replace("\0", "|") for cell in row] for row in cells]


@pytest.mark.guarantee(112)
@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
@pytest.mark.parametrize("protocol", ["ASGI", "WSGI"])
def test_options_of_the_table_take_the_id_over(row: list[str], protocol: str) -> None:
    """With the row's options, the request's unit has the row's ID."""
    _, sent, written, expected = row
    name, value = sent.split(": ", 1)
    options = eval(f"dict({written})")
    ask = ask_asgi if protocol == "ASGI" else ask_wsgi
    assert ask(name, value, options) == expected


def test_every_sender_has_a_row() -> None:
    """The table covers the common proxies and load balancers."""
    named = " ".join(row[0] for row in rows())
    senders = ["HAProxy", "nginx", "Envoy", "AWS Application Load Balancer", "AWS API Gateway"]
    senders += ["Google Cloud", "Azure", "Cloudflare", "Heroku"]
    assert [sender for sender in senders if sender not in named] == []


def ask_asgi(name: str, value: str, options: dict[str, Any]) -> str:
    """Send the header, and return the ID of the response."""
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = http_scope("/", [(name.lower(), value)])
    asyncio.run(FlowMiddleware(app, **options)(scope, receive, send))
    ((_, flow_id),) = sent[0]["headers"]
    assert isinstance(flow_id, bytes)
    return flow_id.decode()


def ask_wsgi(name: str, value: str, options: dict[str, Any]) -> str:
    """Do the same over WSGI."""
    sent: list[Any] = []

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return []

    def start_response(*args: Any) -> Any:
        sent.extend(args)

    environ = make_environ("GET", "/", [(name, value)])
    WsgiMiddleware(app, **options)(environ, start_response)
    ((_, flow_id),) = sent[1]
    assert isinstance(flow_id, str)
    return flow_id
