"""``headrace trace stats``: counts, errors and times of flows, steps, tasks and edges."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.trace.log_kit import WORKER, line, out_of, request, run

if TYPE_CHECKING:
    from pathlib import Path


def figures(folder: Path, *logs: bytes) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the figures by kind and name, from JSON."""
    (folder / "all.log").write_bytes(b"".join(logs))
    found = map(json.loads, out_of("stats", "--json", folder).splitlines())
    return {(one.pop("kind"), one.pop("name")): one for one in found}


def test_task_has_its_runs_errors_and_times(tmp_path: Path) -> None:
    """Each run that ended counts, with the quantiles of its duration and its time in the queue."""
    runs = [
        run(number, f"{number:016}", task_id=f"t{number}", queue_ms=float(number), outcome=outcome)
        for number, outcome in enumerate(["ok"] * 7 + ["error", "error", "retry", None])
    ]
    task = figures(tmp_path, *runs)["task", "shop.charge"]
    assert task.pop("queue_p95") == pytest.approx(8.55)
    assert task == {
        "count": 10,
        "errors": 2,
        "median": 250.0,
        "p95": 250.0,
        "p99": 250.0,
        "queue_median": 4.5,
    }


def test_step_and_flow_have_theirs(tmp_path: Path) -> None:
    """A step counts its ends, a flow its operations, from the first start to the last line."""
    where = {"flow": "order", "step": "charge", "host": "worker-1"}
    ends = [
        line(second, WORKER, "step.end", outcome=outcome, duration_ms=duration, **where)
        for second, outcome, duration in ((1, "ok", 100.0), (2, "error", 200.0), (3, "ok", 300.0))
    ]
    elsewhere = line(9, "f" * 16, "step.end", flow_id="2", outcome="ok", duration_ms=50.0, **where)
    found = figures(tmp_path, *ends, elsewhere)
    step, flow = found["step", "order.charge"], found["flow", "order"]
    assert (step["count"], step["errors"], step["median"]) == (4, 1, 150.0)
    assert (flow["count"], flow["errors"], flow["queue_median"]) == (2, 1, None)
    assert flow["median"] == (2100.0 + 50.0) / 2


def test_edge_leads_from_cause_to_effect(tmp_path: Path) -> None:
    """An edge has the time from the start of the cause to that of the effect, in any file."""
    edge = figures(tmp_path, request(), run())["edge", "/orders -> shop.charge"]
    assert (edge["count"], edge["errors"]) == (1, 0)
    assert (edge["median"], edge["queue_median"]) == (350.0, 250.0)


def test_table_shows_the_figures(tmp_path: Path) -> None:
    """One row for each, with units that suit the sizes."""
    (tmp_path / "all.log").write_bytes(request() + run())
    title, task, edge = out_of("stats", tmp_path).splitlines()
    assert title.startswith("kind  name ")
    assert title.endswith("count  errors  median    95 %    99 %  queue median  queue 95 %")
    assert task.split()[:6] == ["task", "shop.charge", "1", "0", "250", "ms"]
    assert edge.split()[:7] == ["edge", "/orders", "->", "shop.charge", "1", "0", "350"]


def test_logs_without_units_have_no_figures(tmp_path: Path) -> None:
    """Lines of other programs are counted nowhere."""
    assert figures(tmp_path, line(1, None)) == {}
