"""Histories of a system of web servers, queues and workers, with the faults that they contain."""

from __future__ import annotations

import gzip
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.trace.log_kit import line

if TYPE_CHECKING:
    from pathlib import Path

FAULTS = {
    "lost": "not_started",
    "retry lost": "not_started",
    "stuck": "not_ended",
    "killed": "not_ended",
    "doubled": "run_twice",
    "failed": "error",
    "exhausted": "retries_exhausted",
}
"""The faults that a history may contain, each with the kind of its case."""
GRACE = 20  # seconds
PIDS = 2


class Told(NamedTuple):
    """A line of a process, with its time."""

    second: float
    text: bytes


class History:
    """Orders that a web server publishes to queues, and that workers run.

    Every worker process runs an order at the beginning and one at the end, so that the logs of the
    whole history tell of all faults.

    Args:
        seed: of the random choices.
        orders: how many orders.
    """

    def __init__(self, seed: int, orders: int = 30) -> None:
        self.random = Random(seed)
        self.lines: dict[str, list[Told]] = {}
        """The lines of each host."""
        self.faults: dict[str, str] = {}
        """The fault of each task that has one."""
        self.queues = {
            f"q{number}": [
                f"worker-{number}{letter}" for letter in "ab"[: self.random.randint(1, 2)]
            ]
            for number in range(self.random.randint(1, 2))
        }
        self._count = 0
        self._run_everywhere(0.0)
        for number in range(orders):
            fault = self.random.choice([*FAULTS, *["none"] * len(FAULTS)])
            self._order(10.0 + number, fault)
        self._run_everywhere(orders + 100.0)

    @property
    def cases(self) -> set[tuple[str, str]]:
        """The kind and the task of each case."""
        return {(FAULTS[fault], task) for task, fault in self.faults.items()}

    def write(self, folder: Path) -> None:
        """Write the log of each host to `folder`, rotated, some of the files compressed."""
        for host, told in self.lines.items():
            lines = [one.text for one in sorted(told)]
            cuts = sorted(self.random.randint(0, len(lines)) for _ in range(3))
            for number, (start, end) in enumerate(zip([0, *cuts], [*cuts, None], strict=True)):
                text = b"".join(lines[start:end])
                name = f"{host}.log.{3 - number}"
                if self.random.random() < 0.5:
                    (folder / f"{name}.gz").write_bytes(gzip.compress(text))
                else:
                    (folder / name).write_bytes(text)

    def forget(self) -> None:
        """Keep only a random part of the log of each host, with one unit of work at least.

        No log tells of a host that has no line anywhere.
        """
        for host, told in self.lines.items():
            told.sort()
            if self.random.random() < 0.5:
                units = [number for number, one in enumerate(told) if b"unit." in one.text]
                kept = self.random.choice(units)
                start = self.random.randint(0, kept)
                self.lines[host] = told[start : self.random.randint(kept, len(told)) + 1]

    def _run_everywhere(self, second: float) -> None:
        for queue, hosts in self.queues.items():
            for host in hosts:
                for pid in range(PIDS):
                    task = self._publish(second, queue)
                    self._run(task, second + 0.5, pid=pid, host=host)

    def _order(self, second: float, fault: str) -> None:
        task = self._publish(second, self.random.choice(sorted(self.queues)))
        if fault != "none":
            self.faults[task["task_id"]] = fault
        if fault == "lost":
            return
        failed = {"outcome": "error", "error": "ValueError: no"}
        begin = second + self.random.random()
        again = begin + 2 + self.random.random()
        first: dict[str, Any] = {}
        next_: dict[str, Any] | None = None
        if fault in {"stuck", "killed"}:
            first = {"outcome": None}
            next_ = {"redelivered": True} if fault == "killed" else None
        elif fault == "doubled":
            next_ = {"redelivered": True}
        elif fault == "failed":
            first = failed
        elif fault != "none" or self.random.random() < 0.2:
            first = {"outcome": "retry"}
            next_ = {"exhausted": {"retries": 1} | failed, "none": {"retries": 1}}.get(fault)
        self._run(task, begin, **first)
        if next_ is not None:
            self._run(task, again, **next_)

    def _publish(self, second: float, queue: str) -> dict[str, Any]:
        self._count += 1
        task = {
            "flow_id": f"flow-{self._count}",
            "task_id": f"task-{self._count}",
            "queue": queue,
        }
        unit = f"request-{self._count}"
        self._tell("web", second, unit, "task.published", task="shop.charge", **task)
        ending = {"kind": "http", "name": "/orders", "outcome": "ok", "duration_ms": 50.0}
        ending["flow_id"] = task["flow_id"]
        self._tell("web", second + 0.01, unit, "unit.end", **ending)
        return task

    def _run(self, task: dict[str, Any], second: float, **fields: Any) -> None:
        outcome = fields.pop("outcome", "ok")
        hosts = self.queues[task["queue"]]
        host = fields.pop("host", None) or self.random.choice(hosts)
        fields.setdefault("pid", self.random.randrange(PIDS))
        unit = f"run-{task['task_id']}-{second}"
        facts = {"kind": "task", "name": "shop.charge", "retries": 0} | task | fields
        self._tell(host, second, unit, "unit.start", **facts)
        if outcome is None:
            return
        took = self.random.random()
        end = second + took
        if outcome == "retry":
            eta = f"2026-09-21T14:13:{second + 1:09.6f}Z" if second < 58 else None
            self._tell(host, end, unit, "task.published", task="shop.charge", eta=eta, **task)
        ending = {"outcome": outcome, "duration_ms": took * 1000}
        self._tell(host, end + 0.001, unit, "unit.end", **facts, **ending)

    def _tell(self, host: str, second: float, unit: str, event: str, **fields: Any) -> None:
        text = line(second, unit, event, **{"host": host, **fields})
        self.lines.setdefault(host, []).append(Told(second, text))
