"""Logs of an order, as headrace writes them, and ``headrace trace`` in a process of its own."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import pytest

from headrace._cli import main
from headrace_trace._reading import _lines
from headrace_trace._store import _loading

if TYPE_CHECKING:
    from pathlib import Path

ID = "4bf92f3577b34da6a3ce929d0e0e4736"
WEB, WORKER = "a" * 16, "b" * 16
COMMAND = (sys.executable, "-m", "headrace", "trace")


class Done(NamedTuple):
    """What a command has left."""

    returncode: int
    stdout: bytes
    stderr: bytes


def trace(*words: object, stdin: bytes | TextIO = b"", encoding: str = "utf-8") -> Done:
    """Run ``headrace trace`` in this process, which is far faster than to start one.

    Args:
        words: those of the command line.
        stdin: standard input.
        encoding: of standard output.
    """
    given = stdin
    if isinstance(stdin, bytes):
        given = io.TextIOWrapper(io.BufferedReader(io.BytesIO(stdin)), "utf-8")
    out, err = io.TextIOWrapper(io.BytesIO(), encoding), io.TextIOWrapper(io.BytesIO(), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", given)
        with redirect_stdout(out), redirect_stderr(err):
            try:
                status = main(["trace", *map(str, words)])
            except SystemExit as exit_:
                status = int(exit_.code or 0)
    out.flush()
    err.flush()
    return Done(status, out.buffer.getvalue(), err.buffer.getvalue())


def audited(*words: object, size: int = 1000) -> Done:
    """Run ``headrace trace audit`` on all lines at once, and in parts of `size` bytes.

    Both must give the same output.
    """
    done = trace("audit", *words)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_lines, "SIZE", size)
        patch.setattr(_loading, "_PART", 1)
        assert trace("audit", *words) == done
    return done


def start(*words: object, **options: Any) -> subprocess.Popen[bytes]:
    """Start ``headrace trace`` as a process of its own, with its output in a pipe."""
    command = [*COMMAND, *map(str, words)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, **(pipes | options))


def out_of(*words: object, stdin: bytes = b"") -> str:
    """Return what ``headrace trace`` prints, once it has succeeded."""
    done = trace(*words, stdin=stdin)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def story(flow_id: str, *logs: object, stdin: bytes = b"") -> dict[str, Any]:
    """Return the story of an operation, from JSON."""
    told: dict[str, Any] = json.loads(out_of("show", "--json", flow_id, *logs, stdin=stdin))
    return told


def titles(told: dict[str, Any]) -> list[tuple[int, list[str]]]:
    """Return the depth and the unit IDs of each node of a story."""
    return [
        (node["depth"], [unit["unit_id"] for unit in node["attempts"]]) for node in told["nodes"]
    ]


def line(second: float, unit: str | None, event: str | None = None, **fields: Any) -> bytes:
    """Return a line as `headrace.logging.JsonFormatter` writes it.

    Args:
        second: after 14:13:00.
        unit: the unit's ID.
        event: the event, if headrace reports one.
        fields: further fields, and other values; None leaves a field out.
    """
    entry = {
        "time": f"2026-09-21T14:{13 + int(second) // 60}:{second % 60:09.6f}Z",
        "level": "INFO",
        "logger": "headrace" if event else "shop",
        "message": event or "goes on",
        "event": event,
        "flow_id": ID,
        "correlation_id": fields.get("flow_id", ID),
        "unit_id": unit,
        "host": "web-1",
        "pid": 1,
    }
    kept = {name: value for name, value in (entry | fields).items() if value is not None}
    return json.dumps(kept).encode() + b"\n"


def request(second: float = 1.0, **fields: Any) -> bytes:
    """Return the lines of a request that publishes the task ``t1``."""
    sent = {"task": "shop.charge", "task_id": "t1", "queue": "default"}
    http = {"kind": "http", "name": "/orders", "method": "POST", "path": "/orders", "status": 201}
    end = http | {"outcome": "ok", "duration_ms": 200.0, "steps": 0} | fields
    return line(second, WEB, "task.published", **sent) + line(second + 0.1, WEB, "unit.end", **end)


def run(second: float = 1.25, unit: str = WORKER, cause: str | None = WEB, **fields: Any) -> bytes:
    """Return the lines of a run of the task ``t1``, which takes a quarter of a second.

    Args:
        second: when it begins.
        unit: its ID.
        cause: its causation ID.
        fields: of both lines; `outcome` of the last one, where None means that there is none.
    """
    outcome = fields.pop("outcome", "ok")
    task = {"kind": "task", "name": "shop.charge", "task_id": "t1", "queue": "default"}
    worker = {"host": "worker-1", "causation_id": cause, "queue_ms": 250.0, "retries": 0}
    facts = task | worker | fields
    start = line(second, unit, "unit.start", **facts)
    if outcome is None:
        return start
    end = {"outcome": outcome, "duration_ms": 250.0}
    return start + line(second + 0.25, unit, "unit.end", **(facts | end))


def order(folder: Path) -> Path:
    """Write the logs of an order to `folder`: those of the web server and of the worker."""
    folder.mkdir(exist_ok=True)
    (folder / "web.log").write_bytes(request())
    (folder / "worker.log").write_bytes(run(outcome="error", error="ValueError: no money"))
    return folder
