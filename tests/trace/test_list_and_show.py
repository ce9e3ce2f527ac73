"""``headrace trace list`` and ``headrace trace show``, as processes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

ID = "4bf92f3577b34da6a3ce929d0e0e4736"


def trace(*words: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run ``headrace trace`` in a process of its own."""
    command = [sys.executable, "-m", "headrace", "trace", *map(str, words)]
    return subprocess.run(command, input=stdin, capture_output=True, check=False)


def line(second: float, event: str, unit: str, **fields: Any) -> bytes:
    """Return a line as headrace writes it."""
    time = f"2026-09-21T14:13:{second:09.6f}Z"
    ids = {"flow_id": ID, "correlation_id": ID, "unit_id": unit, "causation_id": None}
    head = {"time": time, "level": "INFO", "logger": "headrace", "message": event, "event": event}
    return json.dumps(head | ids | {"host": "web-1", "pid": 1} | fields).encode() + b"\n"


def order(folder: Path) -> Path:
    """Write the logs of an order: a request that publishes a task, and the worker's lines."""
    folder.mkdir()
    sent = line(1.0, "task.published", "a" * 16, task="shop.charge", task_id="t1", queue="default")
    request = {"kind": "http", "name": "/orders", "outcome": "ok", "duration_ms": 200.0}
    (folder / "web.log").write_bytes(sent + line(1.1, "unit.end", "a" * 16, **request))
    task = {"kind": "task", "name": "shop.charge", "task_id": "t1", "host": "worker-1"}
    caused = task | {"causation_id": "a" * 16, "queue_ms": 250.0}
    start = line(1.25, "unit.start", "b" * 16, **caused)
    end = line(1.5, "unit.end", "b" * 16, **caused, outcome="error", error="Boom", duration_ms=250)
    (folder / "worker.log").write_bytes(start + b"not JSON\n" + end)
    return folder


def test_list_shows_the_operation_by_its_entry(tmp_path: Path) -> None:
    """One operation of two units: its time, entry, ID, duration and state; bad lines are named."""
    done = trace("list", order(tmp_path / "logs"))
    out = done.stdout.decode()
    assert done.returncode == 0, done.stderr
    assert ID in out
    assert "/orders" in out
    assert out.splitlines()[1].split()[-4:] == ["2", "600", "ms", "error"]
    assert b"worker.log: 1 line skipped, not a JSON object (line 2)" in done.stderr


def test_show_puts_the_task_below_its_request(tmp_path: Path) -> None:
    """The task of the worker's log stands below the request that published it."""
    done = trace("show", ID[:12], order(tmp_path / "logs"))
    out = done.stdout.decode()
    assert done.returncode == 0, done.stderr
    assert 0 < out.index("/orders") < out.index("shop.charge [worker-1/1]  error  250 ms")
    assert "queued 250 ms" in out
