"""``headrace trace list``: operations, newest first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.trace.log_kit import ID, WORKER, line, order, out_of, request, run, trace

if TYPE_CHECKING:
    from pathlib import Path

OTHER = "0" * 31 + "1"


def ids(*words: object) -> list[str]:
    """Return the IDs that ``list`` shows, in its order."""
    return [json.loads(text)["flow_id"] for text in out_of("list", "--json", *words).splitlines()]


def two_orders(folder: Path) -> Path:
    """Write the logs of an order, and of a command half a minute later."""
    order(folder)
    command = {"flow_id": OTHER, "kind": "command", "name": "import", "flow": "nightly"}
    end = line(31.0, "c" * 16, "unit.end", outcome="ok", duration_ms=1.0, **command)
    step = {"flow_id": OTHER, "flow": "nightly", "step": "fetch", "outcome": "ok"}
    (folder / "cron.log").write_bytes(
        line(30.5, "c" * 16, "step.end", message="Fetched 100 % of it", **step) + end
    )
    return folder


def test_operation_is_shown_by_its_entry(tmp_path: Path) -> None:
    """Each row has the time, the entry, the ID, the number of units, the duration, the state."""
    title, first, second = out_of("list", two_orders(tmp_path)).splitlines()
    assert title.split() == ["time", "entry", "ID", "units", "duration", "state"]
    assert first.split("  ", 1)[0] == "2026-09-21 14:13:30.500Z"
    assert first.split()[2:] == ["import", OTHER, "1", "500", "ms", "ok"]
    assert second.split()[2:] == ["/orders", ID, "2", "600", "ms", "error"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], [OTHER, ID]),
        (["--limit", "1"], [OTHER]),
        (["--flow", "nightly"], [OTHER]),
        (["--step", "fetch"], [OTHER]),
        (["--step", "fetch", "--flow", "daily"], []),
        (["--kind", "task"], [ID]),
        (["--outcome", "error"], [ID]),
        (["--outcome", "open"], []),
        (["--text", "NO MONEY"], [ID]),
        (["--text", "100 % of"], [OTHER]),
        (["--since", "2026-09-21T14:13:30"], [OTHER]),
        (["--since", "2026-09-21T16:13:30+02:00"], [OTHER]),
        (["--since", "10s"], [OTHER]),
        (["--until", "10s"], [ID]),
        (["--until", "2026-09-21T14:13:01Z"], [ID]),
    ],
)
def test_filters(tmp_path: Path, words: list[str], found: list[str]) -> None:
    """An operation is listed if its lines meet every filter, each by any of them."""
    assert ids(*words, two_orders(tmp_path)) == found


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        (request(), "ok"),
        (request() + run(outcome=None), "open"),
        (request() + run(outcome="error"), "error"),
        (request() + run(outcome="cancelled"), "cancelled"),
        (request() + run(outcome="retry") + run(3, "d" * 16, WORKER, retries=1), "ok"),
        (request() + run(outcome=None) + run(3, "d" * 16, redelivered=True), "ok"),
        (line(1, None), "unknown"),
    ],
)
def test_state_is_that_of_the_last_attempts(tmp_path: Path, lines: bytes, state: str) -> None:
    """Of the runs of a task the last one counts; one bad unit makes the operation bad."""
    (tmp_path / "all.log").write_bytes(lines)
    (entry,) = map(json.loads, out_of("list", "--json", tmp_path).splitlines())
    assert entry["state"] == state


def test_lines_outside_operations_are_no_operation(tmp_path: Path) -> None:
    """A line without an ID is read, and listed nowhere."""
    (tmp_path / "all.log").write_bytes(line(1, None, flow_id=None, correlation_id=None))
    assert ids(tmp_path) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--limit", "0"], "argument --limit: '0' is not a positive whole number"),
        (["--limit", "-1"], "argument --limit: '-1' is not a positive whole number"),
        (["--limit", "many"], "argument --limit: 'many' is not a positive whole number"),
        (["--outcome", "failed"], "argument --outcome: invalid choice: 'failed'"),
        (["--since", "yesterday"], "'yesterday' is no time"),
        (["--until", "2026-13-01"], "'2026-13-01' is no time"),
        (["--since", "9" * 400 + "d"], "is longer than a century"),
        (["--fields", "flow=a,request_id"], "--fields takes pairs such as flow_id=request_id"),
        (["--fields", "flowid=a"], "there is no field 'flowid'; did you mean 'flow_id'?"),
    ],
)
def test_wrong_argument_is_explained(tmp_path: Path, words: list[str], message: str) -> None:
    """A wrong value ends the command with status 2 and says what is right."""
    done = trace("list", *words, order(tmp_path / "logs"))
    assert done.returncode == 2
    assert message in done.stderr.decode()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--kind", "tasks"], "these logs have no kind 'tasks'; did you mean 'task'?"),
        (["--flow", "order"], "these logs have no flow 'order'; they have none"),
        (["--step", "\x1b[2J"], "these logs have no step '\\x1b[2J'; they have none"),
    ],
)
def test_name_that_the_logs_do_not_have_is_told(
    tmp_path: Path, words: list[str], message: str
) -> None:
    """Nothing is found, and standard error says that the name may be misspelt."""
    done = trace("list", *words, order(tmp_path / "logs"))
    assert done.returncode == 0
    assert message in done.stderr.decode()


def test_limit_may_be_larger_than_any_number_of_operations(tmp_path: Path) -> None:
    """A number beyond those of the database finds all operations."""
    assert ID in out_of("list", "--limit", "9" * 30, order(tmp_path / "logs"))


def test_usage_names_the_commands() -> None:
    """Help lists the commands; a misspelt one is corrected; none is status 2."""
    assert "show   the story of one operation" in trace("--help").stdout.decode()
    assert trace().returncode == 2
    assert "did you mean 'list'?" in trace("lits").stderr.decode()
