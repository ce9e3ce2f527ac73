"""A client for ASGI sites in this process: Starlette's own, and plain ASGI where that cannot."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from starlette.testclient import TestClient, WebSocketDenialResponse

from tests.sites import PATIENCE, Headers, Log, Seen, memory_log

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LACKS = {
    "closed stream": "Starlette leaves the plain generator of a client that has gone to the "
    "garbage collection",
}


class LikeAServer:
    """Logs what the application lets through, as servers do, after the application has ended."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        except Exception:
            logging.getLogger("server").exception("Exception in ASGI application")
            raise


class AsgiClient:
    """A `tests.sites.Client` of an ASGI application."""

    def __init__(self, app: ASGIApp, log: Log) -> None:
        self.app = LikeAServer(app)
        self.log = log

    def request(self, method: str, path: str, headers: Headers = (), body: bytes = b"") -> Seen:
        start = len(self.log.lines())
        client = TestClient(self.app, raise_server_exceptions=False)
        response = client.request(
            method, path, headers=raw(headers), content=body, follow_redirects=False
        )
        found = list(response.headers.multi_items())
        return Seen(response.status_code, found, response.content, self.log, start)

    def abandon(self, path: str, headers: Headers = ()) -> Seen:
        start = len(self.log.lines())
        status, found, body = asyncio.run(_ask(self.app, path, headers, leave=True))
        return Seen(status, found, body, self.log, start)

    def at_once(self, path: str, headers: Sequence[Headers]) -> list[Seen]:
        start = len(self.log.lines())

        async def ask_all() -> list[tuple[int, list[tuple[str, str]], bytes]]:
            return await asyncio.gather(*(_ask(self.app, path, each) for each in headers))

        return [Seen(*answer, self.log, start) for answer in asyncio.run(ask_all())]

    def talk(self, path: str, headers: Headers, texts: Sequence[str]) -> Seen:
        start = len(self.log.lines())
        client = TestClient(self.app)
        try:
            with client.websocket_connect(path, headers=dict(headers)) as socket:
                received = [socket.receive_text()]
                for text in texts:
                    socket.send_text(text)
                    received.append(socket.receive_text())
                accepted = [_decoded(pair) for pair in socket.extra_headers or ()]
        except WebSocketDenialResponse as refusal:
            found = list(refusal.headers.multi_items())
            return Seen(refusal.status_code, found, refusal.content, self.log, start)
        body = "".join(f"{text}\n" for text in received).encode()
        return Seen(101, accepted, body, self.log, start)


@contextlib.contextmanager
def serve_asgi(app: ASGIApp) -> Iterator[AsgiClient]:
    """Give a client of `app` inside the block."""
    with memory_log() as log:
        yield AsgiClient(app, log)


def raw(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Return `headers` as they go over the wire, where each character is a byte."""
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]


def http_scope(path: str, headers: Headers = (), **more: Any) -> dict[str, Any]:
    """Return the scope of a request."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"site"), *raw(headers)],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        **more,
    }


async def _ask(
    app: ASGIApp, path: str, headers: Headers, *, leave: bool = False
) -> tuple[int, list[tuple[str, str]], bytes]:
    """Send a request; with `leave`, be gone once the first piece of the body has come."""
    gone, asked = asyncio.Event(), False
    answer: Message = {}
    pieces: list[bytes] = []

    async def receive() -> Message:
        nonlocal asked
        if asked:
            await asyncio.wait_for(gone.wait(), PATIENCE)
            return {"type": "http.disconnect"}
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.update(message)
        else:
            pieces.append(message.get("body", b""))
            # A server says that the client has gone when the response is complete, too.
            if not message.get("more_body") or (leave and pieces[-1]):
                gone.set()
        if not leave:
            # As a server's does that waits for its buffer: the others come to run. Whoever leaves
            # does so while the application makes the next piece, and not while it sends this one.
            await asyncio.sleep(0)

    await app(http_scope(path, headers), receive, send)
    found = [_decoded(pair) for pair in answer["headers"]]
    return answer["status"], found, b"".join(pieces)


def _decoded(pair: tuple[bytes, bytes]) -> tuple[str, str]:
    return pair[0].decode("latin-1"), pair[1].decode("latin-1")
