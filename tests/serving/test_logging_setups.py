"""`dict_config` in real processes: all lines are JSON, and each is written once."""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from headrace.logging import dict_config
from tests.serving.servers import ROOT, free_port, stop, wait_for
from tests.sites import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APPS = "tests.serving.logging_apps"
UVICORN = ("uvicorn", "--factory", f"{APPS}:asgi", "--port", "{port}")
GUNICORN = ("gunicorn", "--bind", "127.0.0.1:{port}", "--config", "{folder}/gunicorn.py")


HYPERCORN = ("hypercorn", "--bind", "127.0.0.1:{port}", "--access-logfile", "-")


@contextmanager
def served(folder: Path, words: tuple[str, ...], configured_by: str) -> Iterator[int]:
    """Run the server inside the block; yield its port. Its output is in `folder`."""
    if words[0] == "gunicorn" and importlib.util.find_spec("gunicorn") is None:
        pytest.skip("needs gunicorn: nox -s servers")
    port, output = free_port(), folder / "output"
    command = [word.format(port=port, folder=folder) for word in words]
    env = {**os.environ, "HEADRACE_LOGGING": configured_by, "PYTHONUNBUFFERED": "1"}
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", *command],
            cwd=ROOT,
            env=env,
            stdout=file,
            stderr=file,
        )
    try:
        wait_for(process, port, output)
        yield port
        wait_for_units(output)
    finally:
        stop(process)


def wait_for_units(output: Path) -> None:
    """Wait for the lines of two units: some servers answer before they have ended."""
    until = time.monotonic() + PATIENCE
    while output.read_text(encoding="utf-8").count('"event": "unit.end"') < 2:
        assert time.monotonic() < until, output.read_text(encoding="utf-8")
        time.sleep(0.02)


def get(port: int, number: int) -> int:
    """Ask for an order; return the status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", f"/orders/{number}", headers={"X-Correlation-ID": f"order-{number}"})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status


def lines_of(folder: Path, *, but: str = "$nothing") -> list[dict[str, Any]]:
    """Return the lines that the server has written, all of which are JSON, save for `but`."""
    text = (folder / "output").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line and not re.match(but, line)]


def check_units(lines: list[dict[str, Any]]) -> None:
    """Two requests have been made: each has its own line, and one of the unit."""
    own = [line for line in lines if line["logger"] == "shop"]
    assert [(line["message"], line["flow_id"]) for line in own] == [
        ("order 7", "order-7"),
        ("order 0", "order-0"),
    ]
    ends = [line for line in lines if line.get("event") == "unit.end"]
    assert [(line["flow_id"], line["status"], line["service"]) for line in ends] == [
        ("order-7", 200, "shop"),
        ("order-0", 500, "shop"),
    ]
    assert [line["unit_id"] for line in own] == [line["unit_id"] for line in ends]
    failures = [line for line in lines if "no stock" in line.get("exception", "")]
    assert [(line["flow_id"], line["unit_id"]) for line in failures] == [
        ("order-0", ends[1]["unit_id"])
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the configuration as the files that servers read."""
    config = dict_config("json", service="shop")
    (tmp_path / "logging.json").write_text(json.dumps(config), encoding="utf-8")
    (tmp_path / "gunicorn.py").write_text(
        "import os\nfrom headrace.logging import dict_config\n"
        'if os.environ["HEADRACE_LOGGING"] == "server":\n'
        '    logconfig_dict = dict_config("json", service="shop")\n'
        "else:\n    accesslog = '-'\n",
        encoding="utf-8",
    )
    return tmp_path


@pytest.mark.guarantee(161)
@pytest.mark.parametrize(
    ("words", "logger"),
    [
        ((*UVICORN, "--log-config", "{folder}/logging.json"), "uvicorn"),
        ((*GUNICORN, f"{APPS}:wsgi()"), "gunicorn"),
        ((*GUNICORN, "-k", "uvicorn.workers.UvicornWorker", f"{APPS}:asgi()"), "uvicorn"),
        ((*HYPERCORN, "--log-config", "json:{folder}/logging.json", f"{APPS}:asgi()"), "hypercorn"),
    ],
    ids=["uvicorn", "gunicorn", "gunicorn-uvicorn", "hypercorn"],
)
def test_configured_by_the_server(folder: Path, words: tuple[str, ...], logger: str) -> None:
    """A server that takes the dictionary, or a file of it, writes its own lines in JSON as well."""
    with served(folder, words, "server") as port:
        assert (get(port, 7), get(port, 0)) == (200, 500)
    lines = lines_of(folder)
    check_units(lines)
    assert len([line for line in lines if line["logger"] == f"{logger}.access"]) == 2
    assert len({(line["time"], line["message"]) for line in lines}) == len(lines)


@pytest.mark.guarantee(161)
@pytest.mark.parametrize(
    "words",
    [
        UVICORN,
        (*GUNICORN, f"{APPS}:wsgi()"),
        (*GUNICORN, "-k", "uvicorn.workers.UvicornWorker", f"{APPS}:asgi()"),
    ],
    ids=["uvicorn", "gunicorn", "gunicorn-uvicorn"],
)
def test_configured_by_the_application(folder: Path, words: tuple[str, ...]) -> None:
    """An application that is loaded after its server takes over the server's loggers."""
    with served(folder, words, "application") as port:
        assert (get(port, 7), get(port, 0)) == (200, 500)
    lines = lines_of(folder, but=r"INFO:|\[")  # from before the application was loaded
    check_units(lines)
    assert len([line for line in lines if line["logger"].endswith(".access")]) == 2
    assert len({(line["time"], line["message"]) for line in lines}) == len(lines)


@pytest.mark.guarantee(161)
def test_flasks_own_server(folder: Path) -> None:
    """Flask and its server attach no handler where the root logger has one."""
    words = ("flask", "--app", f"{APPS}:wsgi()", "run", "--port", "{port}")
    with served(folder, words, "application") as port:
        assert (get(port, 7), get(port, 0)) == (200, 500)
    lines = lines_of(folder, but=r" \* ")
    check_units(lines)
    assert len([line for line in lines if line["logger"] == "werkzeug"]) >= 2


@pytest.mark.guarantee(161)
def test_djangos_own_server(folder: Path) -> None:
    """Django's loggers do not write a second time, in a format of their own."""
    with served(folder, (APPS, "runserver", "--noreload", "{port}"), "django") as port:
        assert (get(port, 7), get(port, 0)) == (200, 500)
    lines = lines_of(folder, but=r"[A-Z]")
    check_units(lines)
    assert len([line for line in lines if line["logger"] == "django.server"]) == 2
    assert len([line for line in lines if line["logger"] == "django.request"]) == 1
