"""`dict_config` in a real worker, in place of Celery's own logging."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 120
MODULE = """
import logging
import logging.config

from celery import Celery, signals
import headrace_celery
from headrace.logging import dict_config

app = Celery("shop", broker="filesystem://")
app.conf.update(
    broker_transport_options={"data_folder_in": "queue", "data_folder_out": "queue"},
    task_ignore_result=True,
    worker_redirect_stdouts=False,
)
headrace_celery.init_app(app)
log = logging.getLogger("shop")


@signals.setup_logging.connect
def configure_logging(loglevel=logging.INFO, **_):
    logging.config.dictConfig(dict_config("json", level=loglevel, service="worker"))


@app.task(name="pay")
def pay(number, card=None):
    log.info("paying %s", number)
    if not number:
        raise RuntimeError("no stock")
"""
PUBLISH = """
import headrace
from shop import pay
for number in (7, 0):
    with headrace.open_context(f"order-{number}"):
        pay.delay(number, card="4111")
"""


def run_until_done(folder: Path, pool: str) -> list[dict[str, Any]]:
    """Run a worker until both tasks have ended; return its lines, all of which are JSON."""
    words = ("-m", "celery", "-A", "shop", "worker", "--pool", pool, "--loglevel", "INFO")
    quiet = ("--concurrency", "1", "--without-gossip", "--without-mingle", "--without-heartbeat")
    output = folder / "output"
    with output.open("wb") as file:
        worker = subprocess.Popen(
            [sys.executable, "-W", "ignore", *words, *quiet],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(folder)},
            stdout=subprocess.DEVNULL,
            stderr=file,
        )
    try:
        until = time.monotonic() + SECONDS
        while output.read_text(encoding="utf-8").count('"event": "unit.end"') < 2:
            assert worker.poll() is None, output.read_text(encoding="utf-8")
            assert time.monotonic() < until, output.read_text(encoding="utf-8")
            time.sleep(0.1)
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(SECONDS)
    return [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]


@pytest.mark.guarantee(161)
@pytest.mark.parametrize("pool", ["solo", "prefork"])
def test_worker(tmp_path: Path, pool: str) -> None:
    """The worker's own lines, the tasks' and the units' are JSON, with the publisher's IDs."""
    (tmp_path / "shop.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "queue").mkdir()
    published = subprocess.run(
        [sys.executable, "-c", PUBLISH],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert published.returncode == 0, published.stderr
    lines = run_until_done(tmp_path, pool)
    own = {line["message"]: line for line in lines if line["logger"] == "shop"}
    assert {message: line["flow_id"] for message, line in own.items()} == {
        "paying 7": "order-7",
        "paying 0": "order-0",
    }
    ends = {line["flow_id"]: line for line in lines if line.get("event") == "unit.end"}
    assert {flow_id: line["outcome"] for flow_id, line in ends.items()} == {
        "order-7": "ok",
        "order-0": "error",
    }
    assert own["paying 7"]["unit_id"] == ends["order-7"]["unit_id"]
    assert {line["service"] for line in lines} == {"worker"}
    received = [line for line in lines if line["logger"] == "celery.worker.strategy"]
    assert len(received) == 2
    assert "4111" not in json.dumps(lines)  # the arguments of tasks
    failures = [line for line in lines if "RuntimeError: no stock" in line.get("exception", "")]
    assert {line["flow_id"] for line in failures} == {"order-0"}
