"""The proof: compares the ID that the shop gave each order with what the four processes logged."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from customers import Placed

Line = dict[str, Any]
Findings = dict[str, list[str]]

PROCESSES = ("shop", "worker", "warehouse", "carrier")

# By outcome: the steps that an order passes, and in which process.
REFUSED = {"shop": {"receive", "confirm"}, "worker": {"fulfil"}, "warehouse": {"reserve"}}
SHIPPED = REFUSED | {"carrier": {"book"}}
FAILED = SHIPPED | {"warehouse": {"reserve", "release"}}
WAYS = {"refused": REFUSED, "shipped": SHIPPED, "failed": FAILED}


def read_logs(run: Path) -> list[Line]:
    """The lines of all processes in the order of time, each with its place (``worker.jsonl:7``)."""
    lines = []
    for log in sorted(run.glob("*.jsonl")):
        for number, text in enumerate(log.read_text(encoding="utf-8").splitlines(), start=1):
            line = {"flow_id": "-", "flow": "-", "step": "-"} | json.loads(text)
            lines.append(line | {"place": f"{log.name}:{number}"})
    return sorted(lines, key=lambda line: line["time"])


def by_id(lines: list[Line]) -> dict[str | None, list[Line]]:
    """The lines under each ID."""
    groups: dict[str | None, list[Line]] = defaultdict(list)
    for line in lines:
        groups[line["flow_id"]].append(line)
    return groups


def runs(lines: list[Line]) -> list[Line]:
    """The lines with which headrace announces each run of a task.

    The worker's parent process reports a lost run in a unit of its own, which is no run.
    """
    lost = {line.get("unit_id") for line in losses(lines)}
    starts = [line for line in lines if line.get("event") == "unit.start"]
    return [line for line in starts if line["kind"] == "task" and line["unit_id"] not in lost]


def losses(lines: list[Line]) -> list[Line]:
    """The lines with which Celery tells that the process of a run was lost."""
    return [line for line in lines if "WorkerLostError" in line.get("message", "")]


def check(placed: list[Placed], lines: list[Line]) -> Findings:
    """What was checked, each with what is wrong, which should be nothing."""
    accepted = [order for order in placed if order.accepted]
    killed = [order for order in accepted if order.kill_worker]
    findings = {
        "the shop answered every order, and each has an ID of its own": own_ids(placed),
        "every accepted order came to an end": [
            f"{order.number}: no outcome" for order in accepted if order.status == "open"
        ],
        "every ID was seen in every process and step that its order passed": seen(accepted, lines),
        "no line carries a wrong ID": right_ids(placed, lines),
    }
    if killed:
        claim = "where a worker was killed, its loss and the next delivery carry the ID"
        findings[claim] = survived(killed, lines)
    return findings


def own_ids(placed: list[Placed]) -> list[str]:
    """Errors, and orders without an ID or with another's."""
    uses = Counter(order.flow_id for order in placed if order.flow_id)
    wrong = [f"{order.number}: {order.detail}" for order in placed if order.status == "error"]
    wrong += [f"{order.number}: the response names no ID" for order in placed if not order.flow_id]
    wrong += [f"{order.number}: shares its ID" for order in placed if uses[order.flow_id] > 1]
    return wrong


def seen(accepted: list[Placed], lines: list[Line]) -> list[str]:
    """Steps of an order's way that no line of that process shows under its ID."""
    steps: dict[tuple[str, str], set[str]] = defaultdict(set)
    for line in lines:
        steps[line["flow_id"], line["service"]].add(line["step"])
    return [
        f"{order.number}: no line of step {step} under its ID in {process}"
        for order in accepted
        for process, way in WAYS.get(order.status, {}).items()
        for step in sorted(way - steps[order.flow_id or "", process])
    ]


def survived(killed: list[Placed], lines: list[Line]) -> list[str]:
    """What is missing of loss, next delivery and end under the ID of an order."""
    groups = by_id(lines)
    wrong = []
    for order in killed:
        own = groups[order.flow_id]
        lost = [line["pid"] for line in losses(own)]
        ran = [line["pid"] for line in runs(own)]
        if len(lost) != 1:
            wrong.append(f"{order.number}: {len(lost)} lost workers under its ID, not one")
        if len(set(ran)) < 2:
            wrong.append(f"{order.number}: not run by another process under its ID")
        if lost and lost[0] in ran:
            wrong.append(f"{order.number}: the loss was not logged by the worker's parent process")
    return wrong


def right_ids(placed: list[Placed], lines: list[Line]) -> list[str]:
    """Lines that name an order but not its ID, and lines with an ID that the shop never gave."""
    ids = {order.number: order.flow_id for order in placed}
    given = {*ids.values(), "-"}
    wrong = []
    for line in lines:
        number = line.get("order")
        if number is not None and line["flow_id"] != ids.get(number):
            wrong.append(
                f"{line['place']}: order {number} under {line['flow_id']}, not {ids.get(number)}"
            )
        elif line["flow_id"] not in given and line.get("method") != "GET":  # who asks is no order
            wrong.append(f"{line['place']}: {line['flow_id']} is no order's ID")
    return wrong
