"""Runs chains in real workers, interferes with them, and prints what came of each, as JSON.

`python -m tests.celery.chains.run BROKER RESULTS`, in the root of the tree.
"""

from __future__ import annotations

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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from celery.contrib.abortable import AbortableAsyncResult

import headrace
from headrace_celery import watch
from tests.celery.matrix.run import clean, redeliver

if TYPE_CHECKING:
    from types import ModuleType

PATIENCE = 180.0


def main(broker: str, results: str) -> dict[str, Any]:
    """Return the facts about each order."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CHAINS_BROKER"], os.environ["CHAINS_RESULTS"] = broker, results
        os.environ["CHAINS_PREFIX"] = f"headrace-{uuid.uuid4().hex[:12]}"
        os.environ["CHAINS_NOTES"] = str(Path(folder) / "notes")
        (Path(folder) / "notes").touch()
        tasks = importlib.import_module("tests.celery.chains.app")
        try:
            return Orders(tasks, Path(folder)).run()
        finally:
            clean(tasks)


class Orders:
    """Orders in two workers, of which the first is killed."""

    def __init__(self, tasks: ModuleType, folder: Path) -> None:
        self.tasks = tasks
        self.folder = folder
        self.results: dict[str, Any] = {}
        self.published: dict[str, str] = {}
        self.progress: dict[str, list[Any]] = {}

    def run(self) -> dict[str, Any]:
        """Publish the orders, interfere, and wait for their ends."""
        prefix = self.tasks.PREFIX
        with self.worker("lost", f"{prefix}.kill") as process:
            self.publish("late", "worker killed", "stuck once", queue=f"{prefix}.kill")
            self.wait_for("worker killed", "charge stuck once")
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        redeliver(self.tasks.app)
        with self.worker("main", f"{prefix},{prefix}.kill") as process:
            for name in ("fulfil", "awaited", "branches"):
                self.publish(name, name, "slow")
                self.progress[name] = [*self.watched(name)]
            self.interfere()
            for order in self.results:
                self.end_of(order)
            self.publish("plain", "warm shutdown", "slow")
            self.wait_for("warm shutdown", "charge slow")
            process.terminate()
            until(lambda: "Warm shutdown" in self.log())
            self.release("warm shutdown")
            self.end_of("warm shutdown")
            process.wait(PATIENCE)
        return {order: self.facts(order) for order in self.results}

    def interfere(self) -> None:
        """Publish orders that end otherwise: by a limit, an abort, a signal."""
        self.publish("late", "child killed", "kill once")
        self.publish("limited", "soft limit", "stuck")
        self.publish("limited_async", "soft limit, async", "stuck")
        self.publish("limited_thread", "soft limit, thread", "stuck")
        self.publish("killed", "hard limit", "stuck")
        for task in ("fulfil", "awaited", "branches"):
            order = f"aborted {task}"
            self.publish(task, order, "slow")
            self.wait_for(order, "charge slow")
            AbortableAsyncResult(self.results[order].id, app=self.tasks.app).abort()
            self.release(order)
        for name in ("SIGTERM", "SIGKILL"):
            self.publish("plain", name, "stuck")
            self.wait_for(name, "charge stuck")
            self.results[name].revoke(terminate=True, signal=name)

    def publish(self, task: str, order: str, how: str, **options: Any) -> None:
        """Publish a task in a unit of its own."""
        with headrace.open_context() as context:
            self.published[order] = context.correlation_id
            inputs = {"order": order, "how": how}
            self.results[order] = getattr(self.tasks, task).apply_async(kwargs=inputs, **options)

    def watched(self, order: str) -> Iterator[list[Any]]:
        """Yield the progress of `order`, and release its second step once that has begun."""
        for each in watch(self.results[order], timeout=PATIENCE, interval=0.02):
            yield [each.step, each.number, each.total]
            if each.number == 2:
                self.release(order)

    def release(self, order: str) -> None:
        """Let the slow second step of `order` end."""
        (self.folder / f"released-{order}").touch()

    def log(self) -> str:
        """Return the log of the main worker."""
        return (self.folder / "main.log").read_text(errors="replace")

    def wait_for(self, order: str, what: str) -> None:
        """Wait until `what` has happened to `order`."""
        until(lambda: any(event["what"] == what for event in self.tasks.events(order)))

    def end_of(self, order: str) -> None:
        """Wait until the task of `order` has ended."""
        until(self.results[order].ready)
        if order == "SIGTERM":  # Celery reports the end before the process has ended
            self.wait_for(order, "release")

    def facts(self, order: str) -> dict[str, Any]:
        """Return what became of `order`."""
        result = self.results[order]
        events = self.tasks.events(order)
        return {
            "state": result.state,
            "result": result.result if result.successful() else type(result.result).__name__,
            "events": [event["what"] for event in events],
            "left": [event["left"] for event in events],
            "progress": self.progress.get(order),
            "ids": sorted({event["id"] for event in events}),
            "published": self.published[order],
            "lines": [line for line in self.log().splitlines() if self.published[order] in line],
        }

    @contextlib.contextmanager
    def worker(self, name: str, queues: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a prefork worker for `queues` inside the block."""
        command = [sys.executable, "-m", "celery", "-A", "tests.celery.chains.app", "worker"]
        command += ["-P", "prefork", "-c", "4", "-Q", queues, "-l", "INFO"]
        command += ["-n", f"{name}-{self.tasks.PREFIX}@%h"]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        log = self.folder / f"{name}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(command, stdout=file, stderr=file, start_new_session=True)
        try:
            until(lambda: " ready." in log.read_text(errors="replace"))
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def until(condition: Callable[[], Any]) -> None:
    """Wait until `condition` is true.

    Raises:
        TimeoutError: it does not become true.
    """
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.05)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:]), indent=1) + "\n")
