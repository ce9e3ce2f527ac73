"""What the audit of the demo's logs cannot know: which ID is the right one for a line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

REFUSED = {("shop", "receive"), ("worker", "fulfil"), ("warehouse", "reserve"), ("shop", "confirm")}
SHIPPED = REFUSED | {("carrier", "book")}
WAYS = {"refused": REFUSED, "shipped": SHIPPED, "failed": SHIPPED | {("warehouse", "release")}}
"""By outcome: the steps that an order passes, each with its process."""


class Order(NamedTuple):
    """An order as the demo prints it, with the ID that the shop's response named."""

    outcome: str
    flow_id: str
    was_killed: bool


def printed_orders(out: str) -> dict[str, Order]:
    """Return the orders in what the demo printed, by number; a table in ASCII has bars."""
    row = r"^\W*([AT]-\d+)[ |]+(\w+)(.*)[ |]([0-9a-f]{32})[ |]*$"
    rows = re.findall(row, out, re.MULTILINE)
    return {
        number: Order(outcome, flow_id, "worker killed" in about)
        for number, outcome, about, flow_id in rows
    }


def wrong_ids(orders: dict[str, Order], logs: Path) -> list[str]:
    """Return which lines have a wrong ID or none, and which are missing under the right one."""
    lines = read(logs)
    wrong = wrong_lines(orders, lines)
    for number, order in orders.items():
        own = [line for line in lines if line["flow_id"] == order.flow_id]
        passed = {(line["service"], line["step"]) for line in own}
        missing = WAYS.get(order.outcome, set()) - passed
        wrong += [f"{number}: no line of {step} in {process}" for process, step in sorted(missing)]
        wrong += _wrong_loss(number, own) if order.was_killed else []
    return wrong


def read(logs: Path) -> list[dict[str, Any]]:
    """Return the lines of all processes, each with its place."""
    return [
        {"flow_id": "-", "step": "-", "place": f"{log.name}:{number}"} | json.loads(text)
        for log in sorted(logs.glob("*.jsonl"))
        for number, text in enumerate(log.read_text(encoding="utf-8").splitlines(), start=1)
    ]


def wrong_lines(orders: dict[str, Order], lines: list[dict[str, Any]]) -> list[str]:
    """Return the lines whose ID is not that of their order, or of any order."""
    given = {order.flow_id for order in orders.values()}
    wrong = [] if len(given) == len(orders) else ["two orders share an ID"]
    for line in lines:
        right = {orders[line["order"]].flow_id} if "order" in line else {*given, "-"}
        # A request for the outcomes concerns no single order.
        if line["flow_id"] not in right and line.get("method") != "GET":
            wrong.append(f"{line['place']}: {line['flow_id']} is not the ID of its order")
    return wrong


def _wrong_loss(number: str, own: list[dict[str, Any]]) -> list[str]:
    """Return what is wrong with the lines of a killed run, of its loss and of the next run."""
    ran = {line["pid"] for line in own if line.get("event") == "unit.start"}
    lost = [line["pid"] for line in own if "WorkerLostError" in line["message"]]
    wrong = [] if len(lost) == 1 else [f"{number}: {len(lost)} lost workers under its ID, not one"]
    wrong += [f"{number}: the lost process reports its own loss"] if ran.intersection(lost) else []
    return wrong if len(ran) > 1 else [*wrong, f"{number}: not run by another process"]
