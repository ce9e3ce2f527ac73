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
            lines.append(json.loads(text) | {"place": f"{log.name}:{number}"})
    return sorted(lines, key=lambda line: line["time"])


def check(placed: list[Placed], lines: list[Line]) -> Findings:
    """What was checked, each with what is wrong, which should be nothing."""
    accepted = [order for order in placed if order.accepted]
    return {
        "the shop answered every order, and each has an ID of its own": own_ids(placed),
        "every accepted order came to an end": [
            f"{order.number}: no outcome" for order in accepted if order.status == "open"
        ],
        "every ID was seen in every process and step that its order passed": seen(accepted, lines),
        "no line carries a wrong ID": right_ids(placed, lines),
    }


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
        steps[line["flow_id"], line["process"]].add(line["step"])
    return [
        f"{order.number}: no line of step {step} under its ID in {process}"
        for order in accepted
        for process, way in WAYS.get(order.status, {}).items()
        for step in sorted(way - steps[order.flow_id or "", process])
    ]


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
        elif line["flow_id"] not in given:
            wrong.append(f"{line['place']}: {line['flow_id']} is no order's ID")
    return wrong
