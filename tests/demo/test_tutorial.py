"""The tutorial in docs/start as a reader follows it, in real processes."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.brokers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES = Path(__file__).parents[2] / "docs" / "start"
PATIENCE = 90
FILE = re.compile(r"^```python\n(# (\S+\.py)\n.*?)^```$", re.DOTALL | re.MULTILINE)
pytestmark = pytest.mark.usefixtures("needs_packages")


@pytest.fixture
def needs_packages() -> None:
    """Skip where the frameworks of the tutorial are not installed."""
    for name in ("headrace_fastapi", "headrace_celery", "headrace_django", "uvicorn", "redis"):
        pytest.importorskip(name)


def write_files(page: str, folder: Path) -> None:
    """Write the files that `page` shows into `folder`."""
    for text, name in FILE.findall((PAGES / f"{page}.md").read_text("utf-8")):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")


def python(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m`` with `words` in `folder`."""
    command = [sys.executable, "-m", *words]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


@contextlib.contextmanager
def started(folder: Path, log: str, *words: str, **variables: str) -> Iterator[Path]:
    """Run ``python -m`` with `words` inside the block; yield the file with its standard error."""
    path = folder / "logs" / log
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", *words],
            cwd=folder,
            env=os.environ | variables,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        try:
            yield path
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def order(port: int, number: str, flow_id: str | None = None) -> str:
    """Post an order as soon as the shop listens on `port`; return the ID that it names."""
    headers = {"X-Correlation-ID": flow_id} if flow_id else {}
    url = f"http://127.0.0.1:{port}/orders/{number}?quantity=2"
    request = urllib.request.Request(url, method="POST", headers=headers)
    until = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                return str(response.headers["x-correlation-id"])
        except urllib.error.URLError:
            assert time.monotonic() < until, "the shop does not answer"
            time.sleep(0.1)


def wait_for(path: Path, text: str) -> None:
    """Wait until `path` holds `text`."""
    until = time.monotonic() + PATIENCE
    while text not in path.read_text("utf-8"):
        assert time.monotonic() < until, path.read_text("utf-8")
        time.sleep(0.1)


def test_script(tmp_path: Path) -> None:
    """The first page: two operations with an ID in each line, and the picture."""
    write_files("script", tmp_path)
    ran = python(tmp_path, "shop")
    ids = re.findall(r"^\S+ INFO     ([0-9a-f]{8}) ", ran.stderr, re.MULTILINE)
    assert (len(ids), len(set(ids))) == (10, 2), ran.stderr
    drawn = python(tmp_path, "headrace", "graph", "orders", "--app", "shop").stdout
    assert drawn == "graph TD\n    receive --> reserve\n"


def test_fastapi(tmp_path: Path) -> None:
    """The second page: the response and the log name the ID, a new one or the caller's."""
    write_files("fastapi", tmp_path)
    port = free_port()
    with started(tmp_path, "shop", "uvicorn", "shop:app", "--port", str(port)) as log:
        flow_id = order(port, "A-1")
        assert order(port, "A-2", "my-order") == "my-order"
        wait_for(log, f"{flow_id[-8:]} reserved 2 teapots [shop orders.reserve]")
        wait_for(log, "my-order reserved 2 teapots [shop orders.reserve]")


@pytest.mark.broker
def test_worker(tmp_path: Path, redis_url: str) -> None:
    """The third page: the worker's lines have the ID that the response names."""
    write_files("celery", tmp_path)
    port = free_port()
    env = {"BROKER_URL": redis_url}
    worker = ("celery", "-A", "worker", "worker", "--concurrency", "1")
    with (
        started(tmp_path, "worker", *worker, **env) as log,
        started(tmp_path, "shop", "uvicorn", "shop:app", "--port", str(port), **env),
    ):
        flow_id = order(port, "A-1")
        wait_for(log, f"{flow_id[-8:]} reserved 2 teapots [worker orders.reserve]")


@pytest.mark.broker
def test_all_processes(tmp_path: Path, redis_url: str) -> None:
    """The last two pages: one story over three processes, a picture, and a check that can fail."""
    pytest.importorskip("headrace_trace")
    pytest.importorskip("headrace_inspect")
    write_files("django", tmp_path)
    port, stock = free_port(), free_port()
    env = {"BROKER_URL": redis_url, "WAREHOUSE_URL": f"http://localhost:{stock}"}
    worker = ("celery", "-A", "worker", "worker", "--concurrency", "1")
    site = ("django", "runserver", str(stock), "--noreload", "--pythonpath", ".")
    with (
        started(tmp_path, "shop.jsonl", "uvicorn", "shop:app", "--port", str(port), **env),
        started(tmp_path, "worker.jsonl", *worker, **env) as log,
        started(tmp_path, "warehouse.jsonl", *site, "--settings", "warehouse.settings"),
    ):
        flow_id = order(port, "A-1")
        wait_for(log, "orders.reserve ok")
        wait_for(log, '"name": "worker.reserve"')
    story = python(tmp_path, "headrace", "trace", "show", flow_id[:8], "logs").stdout
    said = ["POST /orders/{number} [shop/", "worker.reserve [worker/", "[warehouse/"]
    assert [text for text in said if text not in story] == [], story
    assert "took 2 teapots from the shelf" in story
    flow = ("orders", "--app", "shop", "--app", "warehouse.urls")
    drawn = python(tmp_path, "headrace", "graph", *flow).stdout
    assert drawn == "graph TD\n    receive --> reserve\n    reserve --> take\n"
    check = ("headrace", "check", ".", "--require-shown")
    checked = python(tmp_path, *check)
    found = "no findings; 3 steps, 2 edges: 2 shown, 0 not shown; 4 files\n"
    assert (checked.returncode, checked.stdout) == (0, found)
    code = (tmp_path / "worker.py").read_text("utf-8")
    (tmp_path / "worker.py").write_text(re.sub(r"    client\.put.*\n", "", code), "utf-8")
    checked = python(tmp_path, *check)
    assert checked.returncode == 1
    assert "HR110 the code does not show that 'reserve' runs before 'take'" in checked.stdout
    assert "1 finding; 3 steps, 2 edges: 1 shown, 1 not shown; 4 files" in checked.stdout
