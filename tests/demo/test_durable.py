"""The demo with durable chains: a worker that is killed again and again, and what comes of it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from tests.demo.ids import printed_orders, read, wrong_lines
from tests.demo.shop import kept_logs, run, survivors

ORDERS = 10


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_every_order_ends_and_no_parcel_is_booked_twice(tmp_path: Path) -> None:
    """The fifth order is shipped after a kill in a step, the tenth undone after one in an undo."""
    path, tmp = tmp_path / "my.jsonl", tmp_path / "tmp"
    tmp.mkdir()
    wanted = [{"number": f"T-{n}", "article": "mug", "quantity": 1} for n in range(1, ORDERS + 1)]
    path.write_text("".join(f"{json.dumps(order)}\n" for order in wanted), encoding="utf-8")
    status, out, err = run("--durable", path, tmp=tmp)
    assert status == 0, out + err
    orders = printed_orders(out)
    ends = {number: order.outcome for number, order in orders.items()}
    assert ends == {order["number"]: "shipped" for order in wanted} | {"T-10": "failed"}
    assert {number for number, order in orders.items() if order.was_killed} == {"T-5", "T-10"}
    assert "The carrier's ledger: 9 parcels for 9 orders" in out
    lines = read(kept_logs(tmp_path))
    assert wrong_lines(orders, lines) == []
    killed = [line for line in lines if line["message"].startswith("killed: ")]
    assert [line["step"] for line in killed if line["order"] == "T-5"] in (["reserve"], ["book"])
    assert "killed: release" in next(
        line["message"] for line in reversed(killed) if line["order"] == "T-10"
    )
    assert "The story of order T-5" in out
    assert re.search(r"attempt 1  no end\n(.*\n)+.*attempt \d  ok .*\n.*run 'T-5' resumed", out)
    audit = out[out.index("The audit") : out.index("The page")]
    assert not re.search("never (started|came)|more often|not judged", audit)
    never = re.findall(r" fulfilment .* task T-\d+ .*jsonl", audit.partition("ended in error")[0])
    open_runs = [line for line in never if "StepFailedError" not in line]
    assert open_runs
    assert all("a later run ended" in line for line in open_runs), open_runs
    assert (survivors(tmp), list(tmp.iterdir())) == ([], [])
