"""A client of a site on a real server."""

from __future__ import annotations

import http.client
import json
import socket
import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.lines import whole_lines
from tests.sites import PATIENCE, Headers, Line, Seen

Ask = tuple[str, str, Headers, bytes]


class FileLog:
    """The log of a site in another process."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def lines(self) -> list[Line]:
        return [Line(*json.loads(line)) for line in whole_lines(self._path)]


class ServerClient:
    """A `tests.sites.Client` that goes over the network.

    Args:
        port: the server's.
        log: the site's.
        connections: how many the server lets wait at once; more of them time out on a busy machine.
    """

    def __init__(self, port: int, log: FileLog, connections: int = 200) -> None:
        self.port = port
        self.log = log
        self._connections = connections

    def request(self, method: str, path: str, headers: Headers = (), body: bytes = b"") -> Seen:
        (seen,) = self.on_one_connection([(method, path, headers, body)])
        return seen

    def on_one_connection(self, requests: Sequence[Ask]) -> list[Seen]:
        """Send requests one after the other on a connection that is kept alive, where it can be."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=3 * PATIENCE)
        try:
            return [self._ask(connection, *request) for request in requests]
        finally:
            connection.close()

    def _ask(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        headers: Headers,
        body: bytes,
    ) -> Seen:
        start = len(self.log.lines())
        connection.putrequest(method, path)
        for name, value in headers:
            connection.putheader(name, value)
        if body:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        response = connection.getresponse()
        try:
            content = response.read()
        except http.client.IncompleteRead as error:
            content = error.partial
        return Seen(response.status, response.getheaders(), content, self.log, start)

    def abandon(self, path: str, headers: Headers = ()) -> Seen:
        start = len(self.log.lines())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("GET", path, headers=dict(headers))
        response = connection.getresponse()
        piece = response.read(1)
        if connection.sock is not None:
            # No polite end: the connection is reset, as when the network has gone.
            linger = struct.pack("ii", 1, 0)
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        response.close()
        connection.close()
        return Seen(response.status, response.getheaders(), piece, self.log, start)

    def at_once(self, path: str, headers: Sequence[Headers]) -> list[Seen]:
        with ThreadPoolExecutor(min(len(headers), self._connections)) as pool:
            return list(pool.map(lambda each: self.request("GET", path, each), headers))

    def talk(self, path: str, headers: Headers, texts: Sequence[str]) -> Seen:
        start = len(self.log.lines())
        address = f"ws://127.0.0.1:{self.port}{path}"
        received = []
        with connect(address, additional_headers=[*headers], proxy=None) as connection:
            answer = connection.response
            try:
                for text in texts:
                    received.append(str(connection.recv(PATIENCE)))
                    connection.send(text)
                while True:
                    received.append(str(connection.recv(PATIENCE)))
            except ConnectionClosed:
                pass
        assert answer is not None
        body = "".join(f"{text}\n" for text in received).encode()
        return Seen(answer.status_code, [*answer.headers.raw_items()], body, self.log, start)
