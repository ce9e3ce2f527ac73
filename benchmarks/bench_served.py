"""Processor time per request of a FastAPI application under uvicorn, with a line for each request.

Two servers run side by side: one with everything of headrace on, one whose access line is written
by hand, with the same fields, through the same handler and formatter. A client sends batches to
each in turn, and asks the server itself how much processor time it has used.
"""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.harness import Result

if TYPE_CHECKING:
    from collections.abc import Iterator

_TITLE = "processor time of a request under uvicorn, in that of an access line by hand"
_SUBJECTS = ("by_hand", "headrace")
_BATCH = 200
_ROUNDS = 60
_LIMIT = 1.03


def results() -> list[Result]:
    """Measure both, interleaved; the median of the ratios of neighbouring batches counts."""
    with ExitStack() as stack:
        clients = {name: stack.enter_context(_serve(name)) for name in _SUBJECTS}
        for client in clients.values():
            _batch(client)
        rounds = [
            {name: _batch(client) for name, client in _in_turn(clients, number)}
            for number in range(_ROUNDS)
        ]
    seconds = {name: median(each[name] for each in rounds) for name in _SUBJECTS}
    ratio = median(each["headrace"] / each["by_hand"] for each in rounds)
    return [
        Result(_TITLE, "access line by hand", seconds["by_hand"], 1.0, None),
        Result(_TITLE, "headrace, everything on", seconds["headrace"], ratio, _LIMIT),
    ]


def _in_turn(
    clients: dict[str, http.client.HTTPConnection], number: int
) -> list[tuple[str, http.client.HTTPConnection]]:
    pairs = [*clients.items()]
    return pairs if number % 2 else pairs[::-1]


def _batch(client: http.client.HTTPConnection) -> float:
    """Send requests, and return the server's processor time for each, in seconds."""
    before = float(_get(client, "/processor"))
    for number in range(_BATCH):
        _get(client, f"/orders/{number}")
    return (float(_get(client, "/processor")) - before) / _BATCH


def _get(client: http.client.HTTPConnection, path: str) -> bytes:
    client.request("GET", path)
    return client.getresponse().read()


@contextmanager
def _serve(name: str) -> Iterator[http.client.HTTPConnection]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        *(sys.executable, "-m", "uvicorn", f"benchmarks.web.served:{name}", "--factory"),
        *("--port", str(port), "--no-access-log", "--log-level", "warning"),
        # A server waits while the client sends its batch to the other.
        *("--timeout-keep-alive", "600"),
    ]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            _wait_for(client)
            yield client
        finally:
            client.close()
            server.terminate()


def _wait_for(client: http.client.HTTPConnection) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            client.connect()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return
