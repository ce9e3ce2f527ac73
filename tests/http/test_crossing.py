"""Requests that cross from one protocol to the other have one unit, with any adapter."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from a2wsgi import ASGIMiddleware, WSGIMiddleware
from asgiref.wsgi import WsgiToAsgi

import headrace
from headrace import asgi, wsgi
from tests.units import watched_units

pytestmark = pytest.mark.guarantee(52)

HEADER = "X-Correlation-ID"
TOKEN = "X-Headrace-Unit"


def plain_wsgi(environ: Any, start_response: Any) -> Iterable[bytes]:
    """Return the ID and the token, if any."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    token = environ.get("HTTP_X_HEADRACE_UNIT")
    yield f"{headrace.current_flow_id()} {token}".encode()


async def plain_asgi(scope: Any, receive: Any, send: Any) -> None:
    """Return the same over ASGI."""
    token = dict(scope["headers"]).get(TOKEN.lower().encode())
    text = f"{headrace.current_flow_id()} {token and token.decode()}"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": text.encode()})


class Bare:
    """An adapter that passes on only the headers, and runs WSGI in its own threads."""

    pool = ThreadPoolExecutor(4)

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        names = {
            name: f"HTTP_{name.decode().upper().replace('-', '_')}" for name, _ in scope["headers"]
        }
        environ = {"REQUEST_METHOD": scope["method"], "PATH_INFO": scope["path"]}
        environ |= {names[name]: value.decode() for name, value in scope["headers"]}
        loop = asyncio.get_running_loop()
        body = await loop.run_in_executor(self.pool, self.ask, environ)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    def ask(self, environ: Any) -> bytes:
        pieces = self.app(environ, lambda *args: None)
        try:
            return b"".join(pieces)
        finally:
            getattr(pieces, "close", lambda: None)()


class BareBack:
    """The reverse adapter, which runs ASGI in its own event loop."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        scope = {
            "type": "http",
            "method": environ["REQUEST_METHOD"],
            "path": environ["PATH_INFO"],
            "headers": [
                (key[5:].lower().replace("_", "-").encode(), value.encode())
                for key, value in environ.items()
                if key.startswith("HTTP_")
            ],
        }
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        thread = threading.Thread(target=lambda: asyncio.run(self.app(scope, send, send)))
        thread.start()
        thread.join()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [sent[1]["body"]]


INNER_WSGI = {"a2wsgi": WSGIMiddleware, "asgiref": WsgiToAsgi, "bare": Bare}
INNER_ASGI = {"a2wsgi": ASGIMiddleware, "bare": BareBack}


def ask_asgi(app: Any, **headers: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get(
                "/id", headers={k.replace("_", "-"): v for k, v in headers.items()}
            )

    return asyncio.run(ask())


def ask_wsgi(app: Any, **headers: str) -> httpx.Response:
    transport = httpx.WSGITransport(app)
    with httpx.Client(transport=transport, base_url="http://test") as client:
        return client.get("/id", headers={k.replace("_", "-"): v for k, v in headers.items()})


CROSSINGS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    **{
        f"WSGI in ASGI by {name}": (
            ask_asgi,
            lambda outer, inner, adapter=adapter: asgi.FlowMiddleware(
                adapter(wsgi.FlowMiddleware(plain_wsgi, **inner)), **outer
            ),
        )
        for name, adapter in INNER_WSGI.items()
    },
    **{
        f"ASGI in WSGI by {name}": (
            ask_wsgi,
            lambda outer, inner, adapter=adapter: wsgi.FlowMiddleware(
                adapter(asgi.FlowMiddleware(plain_asgi, **inner)), **outer
            ),
        )
        for name, adapter in INNER_ASGI.items()
    },
}
crossing = pytest.mark.parametrize("crossing", CROSSINGS.values(), ids=CROSSINGS)


@pytest.fixture(autouse=True)
def both_protocols(protocols: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate a process with integrations of both protocols."""


@crossing
def test_one_unit_under_one_id(crossing: Any) -> None:
    """The inner application shares the outer one's unit, and sees no token."""
    ask, make = crossing
    with watched_units() as units:
        response = ask(make({}, {"trust_inbound": False}), X_Correlation_ID="abc")
    assert response.text == "abc None"
    assert response.headers.get_list(HEADER) == ["abc"]
    assert [(unit.context.correlation_id, unit.outcome) for unit in units] == [("abc", "ok")]


@crossing
def test_one_unit_under_a_fresh_id(crossing: Any) -> None:
    """The same holds if the outer integration has made the ID."""
    ask, make = crossing
    response = ask(make({}, {}))
    assert response.text == f"{response.headers[HEADER]} None"


@crossing
@pytest.mark.guarantee(51)
def test_excluded_outside_is_excluded_inside(crossing: Any) -> None:
    """The inner integration opens no unit for a request that the outer one has excluded."""
    ask, make = crossing
    with watched_units() as units:
        response = ask(make({"exclude_paths": ["/id"]}, {}))
    assert (response.text, HEADER in response.headers) == ("None None", False)
    assert units == []


@crossing
def test_many_requests_at_once_are_kept_apart(crossing: Any) -> None:
    """Each of many identical requests has its own unit."""
    ask, make = crossing
    app = make({}, {})
    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(lambda _: ask(app), range(40)))
    assert all(each.text == f"{each.headers[HEADER]} None" for each in responses)
    assert len({each.text for each in responses}) == 40


def test_there_and_back_again() -> None:
    """The innermost integration finds the outermost one's unit through two adapters."""
    inner_asgi, inner_wsgi = asgi.FlowMiddleware(plain_asgi), wsgi.FlowMiddleware(plain_wsgi)
    around_asgi = asgi.FlowMiddleware(WSGIMiddleware(ASGIMiddleware(inner_asgi)))
    around_wsgi = wsgi.FlowMiddleware(ASGIMiddleware(WSGIMiddleware(inner_wsgi)))
    with watched_units() as units:
        texts = [ask_asgi(around_asgi, X_Correlation_ID="abc").text]
        texts.append(ask_wsgi(around_wsgi, X_Correlation_ID="def").text)
    assert [text.split()[0] for text in texts] == ["abc", "def"]
    assert [unit.context.correlation_id for unit in units] == ["abc", "def"]


def test_a_token_of_a_client_joins_nothing() -> None:
    """A made-up token, one of the same protocol, and one of an ended unit are ignored."""
    tokens: list[str] = []

    async def leak(scope: Any, receive: Any, send: Any) -> None:
        tokens.append(dict(scope["headers"])[TOKEN.lower().encode()].decode())
        responses.append(await asyncio.to_thread(ask_asgi, seen_by_asgi, X_Headrace_Unit=tokens[0]))
        await plain_asgi(scope, receive, send)

    responses: list[httpx.Response] = []
    wsgi.FlowMiddleware(plain_wsgi)
    seen_by_asgi = asgi.FlowMiddleware(Bare(wsgi.FlowMiddleware(plain_wsgi)))
    outer = ask_asgi(asgi.FlowMiddleware(leak))
    responses.append(ask_asgi(seen_by_asgi, X_Headrace_Unit=tokens[0]))
    responses.append(ask_asgi(seen_by_asgi, X_Headrace_Unit="0" * 32))
    responses.append(ask_wsgi(wsgi.FlowMiddleware(plain_wsgi), X_Headrace_Unit=tokens[0]))
    for response in responses:
        assert response.headers[HEADER] != outer.headers[HEADER]
        assert response.text.split()[0] == response.headers[HEADER]
        assert tokens[0] not in response.text


def test_nothing_is_added_in_a_process_of_one_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without integrations of the other protocol, the request has no token."""
    from headrace._http import nesting

    monkeypatch.setattr(nesting, "_protocols", set())
    app = asgi.FlowMiddleware(plain_asgi)
    assert ask_asgi(app).text.endswith(" None")
    monkeypatch.setattr(nesting, "_protocols", set())
    assert ask_wsgi(wsgi.FlowMiddleware(plain_wsgi)).text.endswith(" None")


@crossing
def test_no_token_outlives_its_request(crossing: Any) -> None:
    """Nothing is kept of a finished request."""
    from headrace._http import nesting

    ask, make = crossing
    before = set(nesting._live)  # other tests leave bodies open
    ask(make({}, {}))
    ask(make({"exclude_paths": ["/id"]}, {}))
    until = time.monotonic() + 60
    while set(nesting._live) - before and time.monotonic() < until:
        time.sleep(0.01)
    assert set(nesting._live) - before == set()
