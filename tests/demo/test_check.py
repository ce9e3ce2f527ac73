"""The demo's check and its reading of orders: what they find, and that they find it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.demo.shop import load

check = load("check")
orders = load("orders")

OWN_ID, ENDED, SEEN, RIGHT, SURVIVED = range(5)


@dataclass
class Placed:
    """What the check reads of an order."""

    number: str
    flow_id: str | None
    status: str
    detail: str = ""
    accepted: bool = True
    kill_worker: bool = False


def way(number: str, flow_id: str, status: str) -> list[dict[str, Any]]:
    """The log lines of an order that went well."""
    steps = [
        (process, step) for process, names in check.WAYS[status].items() for step in sorted(names)
    ]
    return [
        {
            "service": process,
            "step": step,
            "flow_id": flow_id,
            "order": number,
            "place": f"{process}.jsonl:{count}",
        }
        for count, (process, step) in enumerate(steps, start=1)
    ]


def findings(placed: list[Placed], lines: list[dict[str, Any]]) -> list[list[str]]:
    """What the four checks found."""
    return list(check.check(placed, lines).values())


@pytest.fixture
def two() -> tuple[list[Placed], list[dict[str, Any]]]:
    """Two orders, one shipped and one refused, and all their lines."""
    placed = [Placed("T-1", "aa", "shipped"), Placed("T-2", "bb", "refused")]
    return placed, way("T-1", "aa", "shipped") + way("T-2", "bb", "refused")


def test_a_good_run_has_no_findings(two: Any) -> None:
    """Complete lines under the right IDs pass, and so do lines outside of any order."""
    placed, lines = two
    lines.append({"service": "shop", "step": "-", "flow_id": "-", "place": "shop.jsonl:9"})
    assert findings(placed, lines) == [[], [], [], []]


@pytest.fixture
def killed(two: Any) -> tuple[list[Placed], list[dict[str, Any]]]:
    """The two orders; of the first, one run was lost, which the worker's parent logged."""
    placed, lines = two
    placed[0].kill_worker = True
    common = {"service": "worker", "step": "-", "flow_id": "aa", "place": "worker.jsonl:9"}
    start = {"event": "unit.start", "kind": "task", "message": "worker.fulfil started"}
    lost = {"message": "raised error: WorkerLostError('...')"}
    told = [
        {"pid": 11, "unit_id": "1", **start},
        {"pid": 10, "unit_id": "2", **start},
        {"pid": 10, "unit_id": "2", **lost},
        {"pid": 12, "unit_id": "3", **start},
    ]
    return placed, lines + [common | line for line in told]


def test_a_lost_run_and_the_next_one_under_the_id_have_no_findings(killed: Any) -> None:
    """The fifth check is made only where a worker was to be killed."""
    assert findings(*killed) == [[], [], [], [], []]


def test_a_loss_that_is_logged_without_the_id_is_found(killed: Any) -> None:
    """The line of the worker's parent must stand under the ID of the order that was lost."""
    _, lines = killed
    lines[-2]["flow_id"] = "-"
    assert findings(*killed)[SURVIVED] == ["T-1: 0 lost workers under its ID, not one"]


def test_a_lost_run_that_is_not_followed_by_another_is_found(killed: Any) -> None:
    """Another process must have run the task, under the same ID."""
    placed, lines = killed
    assert findings(placed, lines[:-1])[SURVIVED] == [
        "T-1: not run by another process under its ID"
    ]


def test_a_loss_that_the_lost_process_logs_itself_is_found(killed: Any) -> None:
    """A process that was killed can log nothing."""
    _, lines = killed
    lines[-2]["pid"] = 11
    assert findings(*killed)[SURVIVED] == [
        "T-1: the loss was not logged by the worker's parent process"
    ]


def test_a_line_with_the_id_of_another_order_is_found(two: Any) -> None:
    """The line's place, its order and both IDs are named."""
    placed, lines = two
    line = next(line for line in lines if line["step"] == "book")
    line["flow_id"] = "bb"
    found = findings(placed, lines)
    assert found[RIGHT] == [f"{line['place']}: order T-1 under bb, not aa"]
    assert found[SEEN] == ["T-1: no line of step book under its ID in carrier"]


def test_a_line_of_an_order_without_an_id_is_found(two: Any) -> None:
    """A line that names an order must carry an ID."""
    placed, lines = two
    lines.append(lines[0] | {"flow_id": "-", "place": "shop.jsonl:9"})
    assert findings(placed, lines)[RIGHT] == ["shop.jsonl:9: order T-1 under -, not aa"]


def test_an_id_that_the_shop_never_gave_is_found(two: Any) -> None:
    """Even on a line that names no order."""
    placed, lines = two
    stray = {"service": "carrier", "step": "-", "flow_id": "cc", "place": "carrier.jsonl:9"}
    assert findings(placed, [*lines, stray])[RIGHT] == ["carrier.jsonl:9: cc is no order's ID"]


@pytest.mark.parametrize("process", ["shop", "worker", "warehouse", "carrier"])
def test_a_process_that_never_saw_an_order_is_found(two: Any, process: str) -> None:
    """Order and process are named."""
    placed, lines = two
    lines = [line for line in lines if (line["order"], line["service"]) != ("T-1", process)]
    missing = findings(placed, lines)[SEEN]
    assert missing
    assert all(one.startswith("T-1: ") and one.endswith(process) for one in missing)


def test_an_order_without_outcome_is_found(two: Any) -> None:
    """An accepted order that is still open when patience ends is a failure."""
    placed, lines = two
    placed.append(Placed("T-3", "cc", "open"))
    assert findings(placed, lines)[ENDED] == ["T-3: no outcome"]


def test_ids_that_are_missing_shared_or_come_with_an_error_are_found(two: Any) -> None:
    """One constant ID for all orders must not pass for tracing."""
    placed, lines = two
    placed += [
        Placed("T-3", None, "rejected", accepted=False),
        Placed("T-4", "aa", "rejected", accepted=False),
        Placed("T-5", "ee", "error", "the shop answered 500", accepted=False),
    ]
    assert findings(placed, lines)[OWN_ID] == [
        "T-5: the shop answered 500",
        "T-3: the response names no ID",
        "T-1: shares its ID",
        "T-4: shares its ID",
    ]


def test_lines_that_are_no_orders_are_reported_with_file_and_line(tmp_path: Path) -> None:
    """The rest goes on, blank lines and a byte order mark do no harm."""
    path = tmp_path / "my.jsonl"
    path.write_bytes(
        b'\xef\xbb\xbf{"number": "T-1"}\n\n{"number": \n[1]\n{"number": 7}\n'
        b'{"number": "T-1"}\n\xff\n' + b"[" * 100_000 + b'\n{"number": NaN}\n'
        b'{"number": "\\ud800"}\n{"number": "T-2"}'
    )
    found, problems = orders.read_orders(path)
    assert [order["number"] for order in found] == ["T-1", "T-2"]
    shape = 'not an order: expected an object with a "number", a string'
    assert problems == [
        f"{path}:3: not JSON: Expecting value at column 12",
        f"{path}:4: {shape}",
        f"{path}:5: {shape}",
        f"{path}:6: there is an order T-1 already",
        f"{path}:7: not UTF-8: invalid start byte",
        f"{path}:8: not an order: nested too deeply",
        f"{path}:9: not JSON: a number is infinite or none",
        f"{path}:10: not UTF-8: surrogates not allowed",
    ]
