"""A soak: many requests on uvicorn and gunicorn leave no memory, no doubled ID and no noise.

It runs in the session `soak`, which sets ``HEADRACE_SOAK`` to the number of requests.
"""

from __future__ import annotations

import http.client
import os
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.serving.servers import GUNICORN, UVICORN, Running, Server, running
from tests.sites import PATIENCE

REQUESTS = int(os.environ.get("HEADRACE_SOAK", "0"))
CLIENTS = 8
WARM_UP = 1000
MIB = 1024 * 1024

PATHS = {"/id": 200, "/stream": 200, "/thread": 200, "/nowhere": 404, "/error/handled": 409}
SOAKED = [(UVICORN, "fastapi"), (GUNICORN[1], "flask"), (GUNICORN[1], "django-wsgi")]


class Soak:
    """Clients with a connection each, which go on as long as there are requests left."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.ids: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._lock = threading.Lock()

    def ask(self, requests: int) -> None:
        """Send `requests` requests, a third of them with an ID."""
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(self._ask_in_turn, [requests // CLIENTS] * CLIENTS))

    def _ask_in_turn(self, requests: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        paths = list(PATHS.items())
        ids = []
        for number in range(requests):
            path, status = paths[number % len(paths)]
            sent = f"{threading.get_ident()}-{id(ids)}-{number}" if number % 3 == 0 else None
            connection.request("GET", path, headers={"X-Request-ID": sent} if sent else {})
            response = connection.getresponse()
            body = response.read().decode()
            found = response.headers.get_all("X-Correlation-ID") or [""]
            ids.append(found[0])
            shows_id = status == 404 or {*body.split()} == {found[0]}
            if (response.status, len(found), found[0]) != (status, 1, sent or found[0]):
                self.wrong.append(f"{path} {sent}: {response.status} {found}")
            elif not shows_id:
                self.wrong.append(f"{path} {found}: {body}")
        connection.close()
        with self._lock:
            self.ids.update(ids)


@pytest.fixture(params=SOAKED, ids=[f"{server.name}-{site}" for server, site in SOAKED])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    """A server that says nothing as long as nothing is wrong."""
    program, site = request.param
    with running(quiet(program), site, tmp_path) as started:
        yield started


def quiet(server: Server) -> Server:
    words = (*server.words, "--log-level", "warning")
    if server is not UVICORN:
        # On a busy machine a client may take longer than gunicorn's two seconds to ask again.
        words += ("--keep-alive", "75")
    return replace(server, words=words)


def resident(pid: int) -> int:
    """Return the bytes of memory that a server and its workers occupy."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    pages = [Path(f"/proc/{each}/statm").read_text(encoding="ascii") for each in (pid, *children)]
    return sum(int(each.split()[1]) for each in pages) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not REQUESTS, reason="a long run: nox -s soak")
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_many_requests_leave_nothing_behind(server: Running) -> None:
    """Memory stays within 2 MiB after the first thousand, each ID is unique, nothing is printed."""
    soak = Soak(server.port)
    soak.ask(WARM_UP)
    before = resident(server.pid)
    soak.ask(REQUESTS)
    grown = resident(server.pid) - before
    assert soak.wrong[:5] == []
    assert sum(soak.ids.values()) == sum(each // CLIENTS * CLIENTS for each in (WARM_UP, REQUESTS))
    assert soak.ids.most_common(1)[0][1] == 1
    assert server.output.read_text(encoding="utf-8") == ""
    assert grown <= 2 * MIB, f"grown by {grown / MIB:.1f} MiB"
