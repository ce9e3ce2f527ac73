"""The configurations of docs/howto/servers.md on servers with two workers, from start to stop."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.serving.servers import PROGRAMS, ROOT, free_port, stop, wait_for
from tests.sites import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PAGE = (ROOT / "docs/howto/servers.md").read_text("utf-8")
COMMON = """
import logging.config, os, pathlib, time
import headrace
from headrace.logging import dict_config

logging.config.dictConfig(dict_config("json", service="shop"))
with headrace.open_context():
    pass                        # an ID that is created before the fork

def wait():
    logging.getLogger("shop").info("waiting")
    while not pathlib.Path("go").exists():
        time.sleep(0.02)
    return str(os.getpid())

def pid():
    return str(os.getpid())
"""
FLASK = f"""{COMMON}
from flask import Flask
from headrace_flask import Headrace

app = Flask("shop_site")
Headrace(app)
app.get("/wait")(wait)
app.get("/pid")(pid)
"""
FASTAPI = f"""{COMMON}
from fastapi import FastAPI
from headrace_fastapi import init_app

app = FastAPI()
init_app(app)
app.get("/wait")(wait)
app.get("/pid")(pid)
"""


class Documented(NamedTuple):
    """A server as the page configures it."""

    source: str
    """The application."""
    words: tuple[str, ...]
    """The command line, in which 8000 stands for the port."""
    stops: str
    """What the server writes once it has received SIGTERM."""
    files: tuple[tuple[str, str], ...] = ()
    """Names of files, each with the section of the page whose blocks it holds."""


SERVERS = {
    "gunicorn": Documented(
        FLASK,
        ("gunicorn", "shop:app"),
        "Handling signal: term",
        (("gunicorn.conf.py", "gunicorn"),),
    ),
    "uwsgi": Documented(
        FLASK, ("uwsgi", "--ini", "uwsgi.ini"), "Gracefully killing", (("uwsgi.ini", "uWSGI"),)
    ),
    "uvicorn": Documented(
        FASTAPI, ("uvicorn", "shop:app", "--workers", "2", "--port", "8000"), "Received SIGTERM"
    ),
}


class Site:
    """A server that runs in a folder."""

    def __init__(self, port: int, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.port, self.process, self._output = port, process, folder / "output"

    def get(self, path: str, flow_id: str | None = None) -> tuple[int, str, str]:
        """Return status, correlation ID and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("GET", path, headers={"X-Correlation-ID": flow_id} if flow_id else {})
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        return response.status, response.headers["X-Correlation-ID"], body.strip('"')

    def output(self) -> str:
        return self._output.read_text("utf-8")

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines that are JSON; uWSGI has others."""
        return [json.loads(one) for one in self.output().splitlines() if one.startswith("{")]

    def units(self) -> list[dict[str, Any]]:
        """Return the lines of requests."""
        return [one for one in self.lines() if one.get("kind") == "http"]

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until `holds`."""
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end, self.output()
            time.sleep(0.02)


def blocks(section: str) -> str:
    """Return the Python or INI blocks of a section of the page."""
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return "\n".join(re.findall(r"```(?:python|ini)\n(.*?)```", text, re.DOTALL))


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Documented:
    """Each server that is installed, in turn."""
    found = SERVERS[request.param]
    if not (PROGRAMS / found.words[0]).exists():
        words = f"needs {request.param}: nox -s servers"
        if os.environ.get("HEADRACE_REQUIRE_SERVERS"):
            pytest.fail(words)
        pytest.skip(words)
    return found


@pytest.fixture
def site(server: Documented, tmp_path: Path) -> Iterator[Site]:
    """The server with its two workers, ready to answer."""
    port, output = free_port(), tmp_path / "output"
    (tmp_path / "shop.py").write_text(server.source)
    for name, section in server.files:
        text = blocks(section).replace("8000", str(port)).replace('"WARNING"', '"INFO"')
        (tmp_path / name).write_text(text)
    words = [str(PROGRAMS / server.words[0])]
    words += [str(port) if word == "8000" else word for word in server.words[1:]]
    env = os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(tmp_path)}
    with output.open("wb") as file:
        process = subprocess.Popen(words, cwd=tmp_path, env=env, stdout=file, stderr=file)
    try:
        wait_for(process, port, output)
        yield Site(port, tmp_path, process)
    finally:
        stop(process)


@pytest.mark.guarantee(7)
def test_workers_create_different_ids_and_their_lines_carry_them(
    server: Documented, site: Site
) -> None:
    """Two workers never create the same ID, though one was created before they were forked."""
    ids: Counter[str] = Counter()
    pids: set[str] = set()
    until = time.monotonic() + PATIENCE
    with ThreadPoolExecutor(4) as clients:
        while len(pids) < 2:
            assert time.monotonic() < until, "only one worker answers"
            for status, flow_id, pid in clients.map(site.get, ["/pid"] * 20):
                assert status == 200
                ids[flow_id] += 1
                pids.add(pid)
    assert max(ids.values()) == 1
    site.until(lambda: len(site.units()) == len(ids))
    assert {one["flow_id"] for one in site.units()} == set(ids)
    access = [one for one in site.lines() if one["logger"].endswith(".access")]
    assert {one.get("flow_id", one["message"].split()[-1]) for one in access} <= set(ids)
    assert bool(access) == (server.words[0] != "uwsgi")


def test_request_in_progress_is_finished_when_the_server_stops(
    server: Documented, site: Site, tmp_path: Path
) -> None:
    """The client gets its response, and the request its line."""
    with ThreadPoolExecutor(1) as clients:
        asked = clients.submit(site.get, "/wait", "order-7")
        site.until(lambda: "waiting" in site.output())
        site.process.send_signal(signal.SIGTERM)
        site.until(lambda: server.stops in site.output())
        (tmp_path / "go").touch()
        assert asked.result()[:2] == (200, "order-7")
    site.process.wait(PATIENCE)
    (end,) = site.units()
    assert (end["flow_id"], end["outcome"], end["status"]) == ("order-7", "ok", 200)
