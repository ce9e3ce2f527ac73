"""Thousands of mixed tasks on one pool: no ID on a wrong line, and a worker that does not grow.

`python -m tests.celery.matrix.many POOL BROKER RESULTS COUNT` prints what it found, as JSON. Each
task is published in a unit of its own, and its ID begins with the correlation ID: whatever line
names the task must carry that ID.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import headrace

from .run import Column, clean

if TYPE_CHECKING:
    from types import ModuleType

KINDS = ("run", "parent", "outer", "failing", "retrying", "replaced")
PATIENCE = 240.0
NAMED = re.compile(r"^\S+ \[(?P<id>[^\]]+)\] Task \S+\[(?P<expected>[0-9a-f]{32})-")
OWN = re.compile(r"^\S+ \[(?P<id>[^\]]+)\] line of (?P<expected>[0-9a-f]{32})$")


def main(pool: str, broker: str, results: str, count: int) -> dict[str, Any]:
    """Publish `count` tasks to a worker with `pool`, and return what its log and memory tell."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MATRIX_BROKER"], os.environ["MATRIX_RESULTS"] = broker, results
        os.environ["MATRIX_PREFIX"] = f"headrace-{uuid.uuid4().hex[:12]}"
        os.environ["MATRIX_NOTES"] = str(Path(folder) / "notes")
        Path(folder, "notes").touch()
        tasks = importlib.import_module("tests.celery.matrix.app")
        column = Column(tasks, Path(folder), pool, [])
        try:
            with column.worker("main", tasks.PREFIX) as process:
                sizes = [load(column, process.pid, count // 4) for _ in range(4)]
                alive = tasks.count.delay().get(timeout=60)
            return found(column, sizes) | {"contexts alive": alive}
        finally:
            clean(tasks)


def load(column: Column, pid: int, count: int) -> int:
    """Publish `count` tasks, wait until they are done, and return the worker's size in KB."""
    before = len(notes_of(column))
    expected = sum(publish(column.tasks, KINDS[i % len(KINDS)]) for i in range(count))
    deadline = time.monotonic() + PATIENCE
    while len(notes_of(column)) < before + expected and time.monotonic() < deadline:
        time.sleep(0.2)
    return max(resident_kb(each) for each in family(pid))


def publish(tasks: ModuleType, kind: str) -> int:
    """Publish a task of `kind` in a unit of its own; return how many notes it makes."""
    with headrace.open_context() as context:
        row = context.correlation_id
        extra = {"run": ("run",), "retrying": (2,)}.get(kind, ())
        task_id = f"{row}-{uuid.uuid4().hex}"
        getattr(tasks, kind).apply_async((row, *extra), task_id=task_id)
    return {"run": 1, "parent": 2, "outer": 5, "failing": 1, "retrying": 3, "replaced": 2}[kind]


def found(column: Column, sizes: list[int]) -> dict[str, Any]:
    """Return the wrong notes and lines, how many there were of each, and the growth in KB."""
    notes = notes_of(column)
    lines = [match for line in column.log().splitlines() if (match := NAMED.match(line))]
    lines += [match for line in column.log().splitlines() if (match := OWN.match(line))]
    spoken = [line for line in lines if "received" not in line.string]
    return {
        "notes": len(notes),
        "wrong notes": [note for note in notes if note["id"] != note["row"]][:5],
        "lines": len(spoken),
        "wrong lines": [line.string for line in spoken if line["id"] != line["expected"]][:5],
        "growth in KB": sizes[3] - sizes[2],
    }


def notes_of(column: Column) -> list[dict[str, Any]]:
    """Return the notes of the tasks that were published here, without those of beat's."""
    return [note for note in column.notes() if note["row"] != "beat"]


def family(pid: int) -> list[int]:
    """Return the process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    return [pid, *map(int, children.read_text().split())] if children.exists() else []


def resident_kb(pid: int) -> int:
    """Return the resident set of a process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    (kb,) = re.findall(r"^VmRSS:\s+(\d+) kB", status, flags=re.MULTILINE)
    return int(kb)


if __name__ == "__main__":
    outcome = main(*sys.argv[1:4], int(sys.argv[4]))
    sys.stdout.write(json.dumps(outcome, indent=1) + "\n")
