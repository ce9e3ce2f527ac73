"""Logs of an imaginary shop, as headrace writes them: ``python -m benchmarks.order_logs N FOLDER``.

Each order is one operation of two units and ten lines: the request that publishes a task, in one
file, and the task, in another. A line has 413 bytes on average; those of the demo have 429. Four
lines in ten are about a unit or a publish; in the demo, one in three.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

LINES_OF_AN_ORDER = 10
_START = 1_790_000_000
_PER_SECOND = 50  # orders
_WEB, _WORKER = '"host": "web-1", "pid": 4711', '"host": "worker-1", "pid": 815'
_TASK = '"kind": "task", "name": "shop.charge", "task_id": "{0}", "queue": "celery"'


def write_order_logs(folder: Path, lines: int) -> list[str]:
    """Write about `lines` lines to ``web.log`` and ``worker.log`` in `folder`; return the IDs."""
    ids: list[str] = []
    chance = random.Random(lines)
    with (folder / "web.log").open("w") as web, (folder / "worker.log").open("w") as worker:
        for number in range(lines // LINES_OF_AN_ORDER):
            ids.append(f"{chance.getrandbits(128):032x}")
            request, task = f"{chance.getrandbits(64):016x}", f"{chance.getrandbits(64):016x}"
            start = number / _PER_SECOND
            web.writelines(_request(start, ids[-1], request, task, number))
            worker.writelines(_run(start + 0.3, ids[-1], request, task, number, chance.random()))
    return ids


def _request(start: float, flow_id: str, unit: str, task: str, number: int) -> Iterator[str]:
    ids = f'"flow_id": "{flow_id}", "correlation_id": "{flow_id}", "unit_id": "{unit}"'
    step = f'{ids}, "flow": "order", "step": "receive", {_WEB}'
    yield _line(start + 0.001, "shop.orders", f"order {number} received", f"{step}")
    sent = f'{step}, "task": "shop.charge", "task_id": "{task}", "queue": "celery"'
    event = '"event": "task.published", '
    yield _line(start + 0.002, "headrace", "shop.charge published to celery", event + sent)
    end = f'"event": "step.end", {step}, "duration_ms": 1.437, "outcome": "ok"'
    yield _line(start + 0.003, "headrace", "order.receive ok in 1.4 ms", end)
    http = '"kind": "http", "name": "/orders", "method": "POST", "path": "/orders"'
    end = f'"event": "unit.end", {ids}, {_WEB}, {http}, "status": 201, "outcome": "ok"'
    more = f'{end}, "duration_ms": 4.211, "steps": 1'
    yield _line(start + 0.005, "headrace", "POST /orders 201 in 4.2 ms", more)


def _run(
    start: float, flow_id: str, cause: str, task: str, number: int, chance: float
) -> Iterator[str]:
    ids = f'"flow_id": "{flow_id}", "correlation_id": "{flow_id}", "unit_id": "{task}"'
    ids += f', "causation_id": "{cause}"'
    facts = f'{_TASK.format(task)}, "queue_ms": 298.122, "retries": 0, "redelivered": false'
    begin = f'"event": "unit.start", {ids}, {_WORKER}, {facts}'
    yield _line(start, "headrace", "shop.charge started (queued 298 ms)", begin)
    for offset, step in ((0.01, "charge"), (0.02, "ship")):
        fields = f'{ids}, "flow": "order", "step": "{step}", {_WORKER}'
        yield _line(start + offset, "shop.worker", f"{step} of order {number} goes on", fields)
        end = f'"event": "step.end", {fields}, "duration_ms": 7.118, "outcome": "ok"'
        yield _line(start + offset + 0.007, "headrace", f"order.{step} ok in 7.1 ms", end)
    outcome = (
        '"outcome": "error", "error": "ValueError: no"' if chance < 0.01 else '"outcome": "ok"'
    )
    end = f'"event": "unit.end", {ids}, {_WORKER}, {facts}, {outcome}, "duration_ms": 30.019'
    yield _line(start + 0.03, "headrace", "shop.charge ok in 30.0 ms", f'{end}, "steps": 2')


def _line(seconds: float, logger: str, message: str, fields: str) -> str:
    time = datetime.fromtimestamp(_START + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    head = f'"time": "{time}", "level": "INFO", "logger": "{logger}", "message": "{message}"'
    return f"{{{head}, {fields}}}\n"


if __name__ == "__main__":
    print(*write_order_logs(Path(sys.argv[2]), int(sys.argv[1]))[:3], sep="\n")
