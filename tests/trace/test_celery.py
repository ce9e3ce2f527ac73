"""The story of tasks that a real worker ran, from its log and the publisher's."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

from tests.trace.log_kit import ID, out_of, story

ROOT = Path(__file__).parents[2]
PROGRAM = "tests.trace.celery_program"
PATIENCE = 90  # seconds


def test_story_of_a_real_worker(redis_url: str, tmp_path: Path) -> None:
    """A retried task and the task that it publishes follow from the publisher, over two logs."""
    queue = f"headrace-{uuid.uuid4().hex}"
    names = {"STORIES_URL": redis_url, "STORIES_QUEUE": queue, "STORIES_ID": ID}
    options = {"cwd": ROOT, "env": os.environ | names}
    worker = [sys.executable, "-m", "celery", "-A", PROGRAM, "worker", "-P", "solo", "-Q", queue]
    log = tmp_path / "worker.log"
    with (tmp_path / "web.log").open("wb") as web, log.open("wb") as target:
        subprocess.run([sys.executable, "-m", PROGRAM], stderr=web, check=True, **options)
        with subprocess.Popen(
            worker, stdout=subprocess.DEVNULL, stderr=target, **options
        ) as process:
            try:
                end = time.monotonic() + PATIENCE
                while b"no stock" not in log.read_bytes() and time.monotonic() < end:
                    time.sleep(0.1)
            finally:
                process.terminate()
    nodes = story(ID, tmp_path)["nodes"]
    told = [
        (node["depth"], [(unit["name"], unit["outcome"]) for unit in node["attempts"]])
        for node in nodes
    ]
    assert told == [
        (0, [(None, "ok")]),
        (1, [("shop.charge", "retry"), ("shop.charge", "ok")]),
        (2, [("shop.ship", "error")]),
    ]
    charge = nodes[1]["attempts"][0]
    assert charge["queue_ms"] > 0
    assert charge["task_id"] == nodes[1]["publish"]["task_id"]
    assert "charging" in [line["message"] for line in charge["lines"]]
    assert "shop.ship [shop/" in out_of("show", ID, tmp_path)
