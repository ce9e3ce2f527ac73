"""Runs one column of the matrix and prints what each row came to, as JSON.

`python -m tests.celery.matrix.run POOL BROKER RESULTS [--quick]`, in the root of the tree.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.lines import whole_lines

from .judge import Note, judge
from .rows import ROWS, Row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from celery import Celery

PATIENCE = 60.0
CONCURRENCY = {"prefork": "2", "solo": "1", "threads": "4", "gevent": "50"}


def main() -> None:
    """Run the column that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("pool", choices=CONCURRENCY)
    parser.add_argument("broker")
    parser.add_argument("results")
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = run_column(Path(folder), args)
    sys.stdout.write(json.dumps(outcome, indent=1) + "\n")


def run_column(folder: Path, args: argparse.Namespace) -> dict[str, str]:
    """Return the problem of each row, or "" where it holds."""
    os.environ["MATRIX_BROKER"] = args.broker
    os.environ["MATRIX_RESULTS"] = args.results
    os.environ["MATRIX_PREFIX"] = f"headrace-{uuid.uuid4().hex[:12]}"
    os.environ["MATRIX_NOTES"] = str(folder / "notes")
    (folder / "notes").touch()
    tasks = importlib.import_module("tests.celery.matrix.app")
    rows = [row for row in ROWS if fits(row, args.pool, args.quick)]
    try:
        return Column(tasks, folder, args.pool, rows).run()
    finally:
        clean(tasks)


def fits(row: Row, pool: str, quick: bool) -> bool:
    """Tell whether `row` is tried on `pool`."""
    return (pool == "prefork" or row.telling) and not (quick and row.slow)


class Column:
    """One pool with one broker."""

    def __init__(self, tasks: ModuleType, folder: Path, pool: str, rows: list[Row]) -> None:
        self.tasks = tasks
        self.folder = folder
        self.pool = pool
        self.rows = rows
        self.publishers: dict[str, Note] = {}
        self.problems: dict[str, str] = {}

    def run(self) -> dict[str, str]:
        """Publish all rows, wait for their notes, and judge them."""
        queue = self.tasks.PREFIX
        if any(row.slow for row in self.rows):
            self.lose_a_worker(f"{queue}.kill")
        with self.worker("main", f"{queue},{queue}.kill"):
            for row in self.rows:
                if not row.slow:
                    self.publish(row)
            return self.wait()

    def publish(self, row: Row) -> None:
        """Publish `row` inside a unit of its own, which must be intact afterwards."""
        import headrace

        with headrace.open_context() as context:
            self.publishers[row.name] = {"id": context.correlation_id, "unit": context.unit_id}
            row.publish(self.tasks, row.name)
            if headrace.get_flow_context() is not context:
                self.problems[row.name] = "the caller's context is lost"

    def lose_a_worker(self, queue: str) -> None:
        """Kill a worker in the middle of the slow rows' tasks."""
        with self.worker("lost", queue) as process:
            for row in self.rows:
                if row.slow:
                    self.publish(row)
            deadline = time.monotonic() + PATIENCE
            while not self.notes() and time.monotonic() < deadline:
                time.sleep(0.05)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        redeliver(self.tasks.app)

    def wait(self) -> dict[str, str]:
        """Return each row's problem once there is none, or time is up."""
        deadline = time.monotonic() + PATIENCE
        while True:
            notes, log = self.notes(), self.log()
            found = {row.name: self.judge(row, notes, log) for row in self.rows}
            if not any(found.values()) or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        time.sleep(0.2)  # what comes twice comes late
        notes = self.notes()
        return {row.name: self.judge(row, notes, log) for row in self.rows}

    def judge(self, row: Row, notes: list[Note], log: str) -> str:
        """Return the problem of `row`, or ""."""
        own = [note for note in notes if note["row"] == (row.name if row.causes else "beat")]
        lost = self.problems.get(row.name, "")
        return lost or judge(row, own, log, self.publishers[row.name])

    def notes(self) -> list[Note]:
        """Return what the tasks have noted so far."""
        return [json.loads(line) for line in whole_lines(self.folder / "notes")]

    def log(self) -> str:
        """Return the worker's log."""
        return (self.folder / "main.log").read_text(errors="replace")

    @contextlib.contextmanager
    def worker(self, name: str, queues: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a worker for `queues` inside the block."""
        command = [sys.executable, "-m", "celery", "-A", "tests.celery.matrix.app", "worker"]
        command += ["-P", self.pool, "-c", CONCURRENCY[self.pool], "-Q", queues, "-l", "INFO"]
        command += ["-n", f"{name}-{self.tasks.PREFIX}@%h"]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        environment = dict(os.environ)
        if name == "main" and self.pool == "prefork":
            command += ["-B", "-s", str(self.folder / "schedule")]
            environment["MATRIX_BEAT"] = "1"
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, start_new_session=True
            )
        try:
            self.wait_until_ready(name, process)
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def wait_until_ready(self, name: str, process: subprocess.Popen[bytes]) -> None:
        """Wait until the worker says that it is ready."""
        deadline = time.monotonic() + PATIENCE
        log = self.folder / f"{name}.log"
        while " ready." not in log.read_text(errors="replace"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text(errors="replace")[-3000:])
            time.sleep(0.05)


def redeliver(app: Celery) -> None:
    """Return the messages of a killed worker to their queue; RabbitMQ does so by itself."""
    with app.connection_for_write() as connection:
        if connection.transport.driver_type == "redis":
            channel: Any = connection.default_channel
            channel.visibility_timeout = 0  # in place of an hour
            channel.qos.restore_visible()


def clean(tasks: ModuleType) -> None:
    """Remove what this run has left in the broker and in the result store."""
    app, prefix = tasks.app, tasks.PREFIX
    with app.connection_for_write() as connection:
        channel = connection.default_channel
        for name in (prefix, f"{prefix}.kill"):  # a queue and its exchange
            for delete in (channel.queue_delete, channel.exchange_delete):
                with contextlib.suppress(Exception):
                    delete(name)
    import redis

    for url in {tasks.BROKER, tasks.RESULTS}:
        if url.startswith("redis"):
            with redis.Redis.from_url(url) as client:
                for key in client.scan_iter(f"{prefix}*"):
                    client.delete(key)


if __name__ == "__main__":
    main()
