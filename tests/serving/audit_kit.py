"""The audit of log lines: markers sent by a client, and checks of the lines that name them.

A client sends each marker as the correlation ID, and once more in the path or the body. The site's
lines name the marker from the path, the body or an error's text, which headrace does not touch.
"""

from __future__ import annotations

import http.client
import json
import logging
import re
import socket
import struct
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from headrace.logging import FlowFilter
from tests.sites import PATIENCE

MARKER = re.compile(r"mk\d+x\d+z")
NONE = "-"
LARGE = 300_000  # bytes, more than a server reads in one go
LANES = 8

Expected = dict[str, str]
"""The ID that each line about a marker must carry."""


class Line(NamedTuple):
    """A line of a log."""

    flow_id: str
    logger: str
    text: str
    """The message and the traceback."""


class LineFormatter(logging.Formatter):
    """Writes a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        text = record.getMessage()
        if record.exc_info:
            text += f"\n{self.formatException(record.exc_info)}"
        return json.dumps([vars(record)["flow_id"], record.name, text])


def log_to(path: str) -> None:
    """Write the lines of all loggers to the file `path`, those of the servers included."""
    handler = logging.FileHandler(path)
    handler.addFilter(FlowFilter(default=NONE))
    handler.setFormatter(LineFormatter())
    logging.root.setLevel(logging.INFO)
    known = logging.root.manager.loggerDict.values()
    silent = [one for one in known if isinstance(one, logging.Logger) and not one.propagate]
    for logger in (logging.root, *silent):
        logger.addHandler(handler)


def cut(constant: BaseException) -> None:
    """Keep the traceback of an exception short that is raised over and over: Python only adds."""
    length, entry = 0, constant.__traceback__
    while entry is not None:
        length, entry = length + 1, entry.tb_next
    if length > 100:
        constant.__traceback__ = None


# --- Checks ---------------------------------------------------------------------------------------

# Lines that servers write outside the unit of work, without an ID.
_MAY_LACK = {"gunicorn.access", "celery.worker.strategy"}
# Lines of uvicorn about a WebSocket that do not identify it.
_SOCKET_LINES = {"connection open", "connection closed"}


def read(path: Path) -> list[Line]:
    """Return the lines of the log, once writing has stopped."""
    size = -1
    while size != (size := path.stat().st_size):
        time.sleep(1.5)
    return [Line(*json.loads(text)) for text in path.read_text(encoding="utf-8").splitlines()]


def wrong_lines(lines: Iterable[Line], expected: Expected) -> list[str]:
    """Return a message for each wrong line."""
    return [wrong for line in lines if (wrong := _wrong(line, expected))]


def _wrong(line: Line, expected: Expected) -> str:
    markers = set(MARKER.findall(line.text))
    if len(markers) > 1:
        return f"names {sorted(markers)}: {line}"
    if not markers:
        # The line of a unit names its route, not its path.
        is_general = line.text in _SOCKET_LINES or line.logger == "headrace"
        if is_general and line.flow_id in expected.values():
            return ""
        return "" if line.flow_id == NONE else f"names no marker: {line}"
    (marker,) = markers
    if line.flow_id == expected[marker]:
        return ""
    if line.flow_id == NONE and line.logger in _MAY_LACK:
        return ""
    return f"expected {expected[marker]}: {line}"


def unseen(lines: Iterable[Line], expected: Expected) -> set[str]:
    """Return the markers that no line names, for which nothing is proven."""
    return set(expected) - {marker for line in lines for marker in MARKER.findall(line.text)}


# --- Clients --------------------------------------------------------------------------------------


class Lane:
    """A client with its own kept-alive connection.

    Args:
        port: the server's.
        number: of this lane.
    """

    def __init__(self, port: int, number: int) -> None:
        self.port = port
        self.number = number
        self.expected: Expected = {}
        self.problems: list[str] = []
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2 * PATIENCE)

    def run(self, kinds: list[str], units: int) -> None:
        """Send `units` requests, of each kind in turn."""
        ways: dict[str, Callable[[str], None]] = {
            "abort": self._abort,
            "socket": self._socket,
            "socket-abort": self._socket,
            "socket-error": self._socket,
        }
        for count in range(units):
            # A different order in each lane and each round.
            kind = kinds[(count * (2 * self.number + 1) + count // len(kinds)) % len(kinds)]
            marker = f"mk{self.number}x{count}z"
            self.expected[marker] = NONE if kind.startswith("health") else marker
            path = f"/{kind}/{self.number}/{marker}"
            ways.get(kind, self._ask)(path)
        self._connection.close()

    def _ask(self, path: str) -> None:
        _, kind, _, marker = path.split("/")
        body = marker.encode().ljust(LARGE) if kind == "body" else b""
        connection = self._connection
        connection.putrequest("POST" if body else "GET", path)
        if kind != "anonymous":
            connection.putheader("X-Correlation-ID", marker)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body[:1000] or None)
        if body:
            time.sleep(0.001)
            connection.send(body[1000:])
        response = connection.getresponse()
        try:
            content = response.read()
        except http.client.IncompleteRead as error:
            content = error.partial
            connection.close()
        if "error" in kind or "constant" in kind:
            connection.close()  # as uvicorn does, a little later
        shown = response.getheader("X-Correlation-ID", NONE)
        if kind == "anonymous":
            self.expected[marker] = shown
        # Servers' own error pages do not come from the application.
        if shown != self.expected[marker] and not (shown == NONE and response.status == 500):
            self.problems.append(f"{path}: {response.status} {shown} {content[:80]!r}")

    def _abort(self, path: str) -> None:
        with socket.create_connection(("127.0.0.1", self.port), 2 * PATIENCE) as connection:
            marker = path.rpartition("/")[2]
            head = f"GET {path} HTTP/1.1\r\nHost: a\r\nX-Correlation-ID: {marker}\r\n\r\n"
            connection.sendall(head.encode())
            connection.recv(100)
            _reset(connection)

    def _socket(self, path: str) -> None:
        address, marker = f"ws://127.0.0.1:{self.port}{path}", path.rpartition("/")[2]
        headers = {"X-Correlation-ID": marker}
        patience = 2 * PATIENCE
        with connect(
            address, additional_headers=headers, proxy=None, open_timeout=patience
        ) as talk:
            try:
                talk.send(marker)
                talk.recv(patience)
                if "abort" in path:
                    _reset(talk.socket)
                    return
                talk.recv(patience)
            except ConnectionClosed:
                pass


def _reset(connection: socket.socket) -> None:
    # Reset the connection, as after a network failure.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def send(port: int, kinds: list[str], units: int) -> tuple[Expected, list[str]]:
    """Send `units` requests over several connections at once.

    Return the expected IDs of their lines, and the wrong responses.
    """
    lanes = [Lane(port, number) for number in range(LANES)]
    with ThreadPoolExecutor(LANES) as pool:
        list(pool.map(lambda lane: lane.run(kinds, units // LANES), lanes))
    expected: Expected = {}
    for lane in lanes:
        expected |= lane.expected
    return expected, [problem for lane in lanes for problem in lane.problems]
