"""``headrace trace audit``: what is missing, and what the logs cannot tell."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.trace.log_kit import (
    ID,
    WEB,
    WORKER,
    audited,
    line,
    order,
    request,
    run,
    start,
    story,
    trace,
)

if TYPE_CHECKING:
    from pathlib import Path

SECOND, THIRD = "c" * 16, "d" * 16
SENT = {"task": "shop.charge", "task_id": "t1", "queue": "default"}


def other(second: float, **fields: Any) -> bytes:
    """Return the lines of another task, which was published, started and ended at `second`."""
    task = {"task_id": f"other-{second}", "flow_id": f"other-{second}", **fields}
    sent = {"task": "shop.charge", "queue": "default", **task}
    published = line(second, f"{second:0>16}", "task.published", **sent)
    return published + run(second, f"{second:1>16}", f"{second:0>16}", **task)


EARLY, LATE = other(0.0), other(300.0)


def audit(folder: Path, *logs: bytes, words: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return what an audit of these logs finds, from JSON."""
    (folder / "all.log").write_bytes(b"".join(logs))
    done = audited("--json", *words, folder / "all.log")
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (1 if found["cases"] else 0)
    return found


def kinds(found: dict[str, Any]) -> list[str]:
    """Return the kinds of the cases."""
    return [case["kind"] for case in found["cases"]]


def test_executions_of_a_durable_run_are_attempts(tmp_path: Path) -> None:
    """One that was killed is a case that says that the run was resumed; the story shows both."""
    facts = {"kind": "flow", "name": "fulfilment", "run_id": "A-17", "task_id": None, "queue": None}
    killed, resumed = run(outcome=None, **facts), run(9, SECOND, **facts)
    found = audit(tmp_path, request(), run(0.5, "d" * 16), killed, resumed, EARLY, LATE)
    (case,) = found["cases"]
    assert (case["kind"], case["task_id"]) == ("not_ended", "A-17")
    assert case["detail"] == "a later run ended"
    attempts = [node["attempts"] for node in story(ID, tmp_path)["nodes"]]
    assert [len(each) for each in attempts if each[0]["kind"] == "flow"] == [2]


@pytest.mark.parametrize(
    ("lines", "kind", "detail"),
    [
        (request(), "not_started", None),
        (request() + run(outcome=None), "not_ended", None),
        (
            request() + run(outcome=None) + run(9, SECOND, redelivered=True),
            "not_ended",
            "a later run ended",
        ),
        (request() + run() + run(9, SECOND, redelivered=True), "run_twice", "2 runs"),
        (run() + run(9, SECOND, redelivered=True), "run_twice", "2 runs"),
        (request() + run(outcome="error", error="ValueError: no"), "error", "ValueError: no"),
        (
            request()
            + run(outcome="retry")
            + run(9, SECOND, WORKER, retries=1, outcome="error", error="ValueError: no"),
            "retries_exhausted",
            "ValueError: no, 2 attempts",
        ),
        (
            request() + run(outcome="retry") + line(1.4, WORKER, "task.published", **SENT),
            "not_started",
            "its retry",
        ),
        (
            request() + line(1, WEB, "task.publish_failed", error="OSError: no broker", **SENT),
            "not_started",
            "not sent: OSError: no broker",
        ),
    ],
)
def test_case_is_named(tmp_path: Path, lines: bytes, kind: str, detail: str | None) -> None:
    """A case has its kind, operation, task and details, and is the only one."""
    (case,) = audit(tmp_path, EARLY, lines, LATE)["cases"]
    assert (case["kind"], case["detail"]) == (kind, detail)
    assert (case["flow_id"], case["task_id"], case["queue"]) == (ID, "t1", "default")
    assert case["name"] == "shop.charge"


@pytest.mark.parametrize(
    "lines",
    [
        request() + run(),
        request() + run(outcome="retry") + run(9, SECOND, WORKER, retries=1),
        request() + run(outcome="cancelled"),
        request() + run(outcome="ignored"),
        request() + run(outcome="rejected") + run(9, SECOND, redelivered=True),
        request() + line(2, WEB, "task.published", **SENT) + run() + run(3, SECOND),
        run() + run(9, SECOND),
        request() + run(flow_id="another", correlation_id="another"),
        request()
        + run(outcome="error", retries=None)
        + line(1.4, WORKER, "task.published", **SENT)
        + run(9, SECOND, WORKER, retries=None),
    ],
)
def test_what_went_well_is_no_case(tmp_path: Path, lines: bytes) -> None:
    """Retries that ended well, tasks that were published twice, and deliberate ends are no case."""
    found = audit(tmp_path, EARLY, lines, LATE)
    assert (found["cases"], found["unjudged"], found["under_way"]) == ([], [], [])


def test_failed_request_is_a_case(tmp_path: Path) -> None:
    """A unit of any kind that ended in error is a case, under its own name."""
    (case,) = audit(tmp_path, request(outcome="error", status=500), EARLY, LATE, run())["cases"]
    assert (case["kind"], case["name"], case["task_id"]) == ("error", "/orders", None)


@pytest.mark.parametrize(
    ("logs", "who", "verdict"),
    [
        ((request(), line(300, None)), "queue default", "none"),
        ((request(), LATE), "worker-1", "before"),
        ((EARLY, request(), line(300, None)), "worker-1", "after"),
        (
            (EARLY, request(), other(0.5, host="worker-2"), LATE),
            "worker-2",
            "after",
        ),
        (
            (EARLY, request(), LATE, other(299.0, host="worker-2")),
            "worker-2",
            "before",
        ),
        (
            (EARLY, request(), other(300.0, queue="slow", pid=2)),
            "worker-1",
            "after",
        ),
    ],
)
def test_missing_logs_are_named(
    tmp_path: Path, logs: tuple[bytes, ...], who: str, verdict: str
) -> None:
    """Without lines of each host that works on the queue, around that time, there is no case."""
    found = audit(tmp_path, *logs)
    assert found["cases"] == []
    (one,) = found["unjudged"]
    assert (one["kind"], one["verdict"]) == ("not_started", verdict)
    assert one["who"] == ("a worker of " if verdict == "none" else "a process on host ") + who
    assert one["count"] == 1


def test_unit_is_judged_by_its_own_host(tmp_path: Path) -> None:
    """That another host goes on does not tell that a run has not ended."""
    found = audit(tmp_path, EARLY, request(), run(outcome=None, host="worker-2"), LATE)
    assert found["cases"] == []
    who = "a process with task units of queue default on host worker-2"
    assert [one["who"] for one in found["unjudged"]] == [who]


@pytest.mark.parametrize("outcome", [None, "ok"])
def test_worker_that_is_busy_does_not_tell(tmp_path: Path, outcome: str | None) -> None:
    """A worker that logs from within a long task has not come to the next message yet."""
    task = {"host": "worker-1", "kind": "task", "queue": "default", "task_id": "long"}
    long = line(0.5, WEB, "task.published", **(SENT | {"task_id": "long"}))
    long += line(1, THIRD, "unit.start", **task)
    steps = b"".join(line(second, THIRD, host="worker-1") for second in range(10, 300, 10))
    if outcome is not None:
        steps += line(299, THIRD, "unit.end", outcome=outcome, duration_ms=298_000.0, **task)
    found = audit(tmp_path, EARLY, long, request(), steps)
    assert found["cases"] == []
    backlog = run(299.5, SECOND, task_id="t2")
    sent = line(0.9, WEB, "task.published", **(SENT | {"task_id": "t2"}))
    assert audit(tmp_path, EARLY, long, sent, request(), steps, backlog)["cases"] == []


def test_first_run_of_a_name_may_still_be_under_way(tmp_path: Path) -> None:
    """How long a run may take is not known before one of its name has ended."""
    first = run(outcome=None, pid=3, name="nightly", task_id="n1")
    found = audit(tmp_path, EARLY, first, LATE)
    assert (found["cases"], [one["name"] for one in found["under_way"]]) == ([], ["nightly"])
    yesterday = run(0.5, SECOND, pid=3, name="nightly", task_id="n0")
    assert kinds(audit(tmp_path, EARLY, yesterday, first, LATE)) == ["not_ended"]


def test_open_socket_is_no_case(tmp_path: Path) -> None:
    """A WebSocket is open as long as its client likes, however long others were."""
    socket = {"kind": "websocket", "name": "/ws", "task_id": None, "queue": None, "cause": None}
    others = run(2, SECOND, **socket) + run(299, THIRD, **socket)
    found = audit(tmp_path, run(outcome=None, **socket), others, LATE)
    assert (found["cases"], [one["name"] for one in found["under_way"]]) == ([], ["/ws"])


@pytest.mark.parametrize(("grace", "count"), [("300s", 0), ("290s", 1), ("5m", 0)])
def test_grace_counts_back_from_the_newest_line(tmp_path: Path, grace: str, count: int) -> None:
    """What began within the grace may be under way; the newest line is that of second 300.25."""
    found = audit(tmp_path, EARLY, request(), LATE, words=("--grace", grace))
    assert (len(found["cases"]), len(found["under_way"])) == (count, 1 - count)


def test_due_time_counts(tmp_path: Path) -> None:
    """A task is not missed before its due time and the grace."""
    sent = line(1, WEB, "task.published", eta="2026-09-21T16:17:30+02:00", **SENT)
    assert len(audit(tmp_path, EARLY, sent, LATE)["under_way"]) == 1
    assert kinds(audit(tmp_path, EARLY, sent, LATE, words=("--grace", "5s"))) == ["not_started"]


@pytest.mark.parametrize("eta", ["tomorrow", "infinity", "294000-01-01T00:00:00Z", 10**400])
def test_due_time_that_cannot_be_read_makes_no_case(tmp_path: Path, eta: object) -> None:
    """Such a task may still be under way; an empty due time counts as absent."""
    sent = line(1, WEB, "task.published", **SENT)
    odd = line(1, WEB, "task.published", **(SENT | {"eta": eta}))
    empty = line(1, WEB, "task.published", **(SENT | {"eta": ""}))
    found = audit(tmp_path, EARLY, odd, LATE)
    assert (found["cases"], len(found["under_way"])) == ([], 1)
    assert kinds(audit(tmp_path, EARLY, empty, LATE)) == kinds(audit(tmp_path, EARLY, sent, LATE))


def test_longest_wait_and_run_are_added_to_the_grace(tmp_path: Path) -> None:
    """Where messages waited for minutes, or runs took minutes, others may do so too."""
    slow = other(10.0)
    waited = line(20, WEB, "task.published", **(SENT | {"task_id": "t0"})) + run(
        270, THIRD, task_id="t0"
    )
    assert len(audit(tmp_path, EARLY, slow, waited, request(), LATE)["under_way"]) == 1
    ending = {"kind": "task", "name": "shop.charge", "outcome": "ok", "host": "worker-1"}
    end = line(280, THIRD, "unit.end", task_id="t0", queue="default", **ending)
    long = run(30, THIRD, outcome=None, task_id="t0") + end
    assert len(audit(tmp_path, EARLY, long, request(), run(outcome=None), LATE)["under_way"]) == 1


GRAPH = {
    "schema": "headrace.graph",
    "nodes": [
        {"id": name, "name": name, "flow": "order", "notes": notes}
        for name, notes in (
            ("receive", []),
            ("charge", []),
            ("refuse", []),
            ("thank", [{"kind": "when", "text": "paid"}]),
        )
    ],
    "edges": [
        {"source": "receive", "target": "charge"},
        {"source": "receive", "target": "refuse"},
        {"source": "charge", "target": "thank"},
    ],
}


def steps(second: float, *names: str, flow_id: str = ID, **fields: Any) -> bytes:
    """Return the lines of steps that ended well, and of their unit."""
    unit, ending = f"{flow_id:0<16}"[:16], {"outcome": "ok", "duration_ms": 1.0}
    where = {"flow": "order", "flow_id": flow_id, "host": "worker-1", **fields}
    lines = (line(second, unit, "step.end", step=name, **ending, **where) for name in names)
    return b"".join(lines) + line(second, unit, "unit.end", kind="task", **ending, **where)


def audit_steps(folder: Path, *logs: bytes) -> dict[str, Any]:
    """Return what an audit finds with the declared steps at hand."""
    (folder / "graph.json").write_text(json.dumps(GRAPH))
    return audit(folder, *logs, words=("--graph", str(folder / "graph.json")))


BOTH = steps(0, "receive", "charge", flow_id="e1") + steps(0, "receive", "refuse", flow_id="e2")
BOTH_LATE = steps(300, "charge", flow_id="l1") + steps(300, "refuse", flow_id="l2")


def test_step_that_never_came_is_named(tmp_path: Path) -> None:
    """A step ended well, and none of those that are declared to follow it came."""
    (case,) = audit_steps(tmp_path, BOTH, steps(1, "receive"), BOTH_LATE)["cases"]
    assert (case["kind"], case["flow_id"], case["name"]) == ("step_missing", ID, "order.receive")
    assert case["detail"] == "next: order.charge or order.refuse"


@pytest.mark.parametrize(
    "lines",
    [
        steps(1, "receive", "charge"),
        steps(1, "receive") + line(2, "f" * 16, None, flow="order", step="refuse"),
    ],
)
def test_one_of_the_next_steps_is_enough(tmp_path: Path, lines: bytes) -> None:
    """Any line of any next step shows that it came; a step on a condition need not come."""
    assert audit_steps(tmp_path, BOTH, lines, BOTH_LATE)["cases"] == []


def test_step_whose_processes_are_not_seen_is_not_judged(tmp_path: Path) -> None:
    """Where no line is of a process that runs the next steps, their logs are missing."""
    late = steps(300, "charge", flow_id="l1")
    found = audit_steps(tmp_path, steps(0, "charge", flow_id="e1"), steps(1, "receive"), late)
    assert (found["cases"], [one["verdict"] for one in found["unjudged"]]) == ([], ["none"])


def test_step_without_a_time_is_not_judged(tmp_path: Path) -> None:
    """Whether its successor is late cannot be told."""
    timeless = line(1, WEB, "step.end", flow="order", step="receive", outcome="ok", time="x")
    assert audit_steps(tmp_path, BOTH, timeless, BOTH_LATE)["cases"] == []


def test_operation_with_another_case_is_reported_once(tmp_path: Path) -> None:
    """What never started explains the step that never came."""
    logs = (EARLY, BOTH, request(), steps(1, "receive"), LATE, BOTH_LATE)
    assert kinds(audit_steps(tmp_path, *logs)) == ["not_started"]


def test_steps_of_an_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--app imports the modules that declare the flows."""
    (tmp_path / "audited_app.py").write_text(
        "from headrace import flow\n"
        "order = flow('audited')\n"
        "@order.entrypoint\ndef receive(): pass\n"
        "@order.step(after='receive')\ndef charge(): pass\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    fields = {"flow": "audited"}
    early = steps(0, "receive", "charge", flow_id="e1", **fields)
    late = steps(300, "charge", flow_id="l1", **fields)
    logs = (early, steps(1, "receive", **fields), late)
    (tmp_path / "all.log").write_bytes(b"".join(logs))
    # In a process of its own: in this one, frameworks of other tests may import modules as well.
    with start("audit", "--json", "--app", "audited_app", tmp_path / "all.log") as process:
        out, err = process.communicate()
    assert process.returncode == 1, err.decode()
    (case,) = json.loads(out)["cases"]
    assert case["name"] == "audited.receive"


def test_text_names_cases_and_missing_logs(tmp_path: Path) -> None:
    """Each kind has a heading, each case a line with its place; what is unknown follows."""
    log = tmp_path / "all.log"
    lost = line(2, WEB, "task.published", task="mail", task_id="t\x1b", queue="mails")
    log.write_bytes(b"".join((EARLY, request(), lost, LATE, line(299, THIRD, "unit.start"))))
    done = trace("audit", log)
    assert done.returncode == 1
    assert done.stdout.decode().splitlines() == [
        "published and never started: 1",
        f"  2026-09-21 14:13:01.000Z  shop.charge  {ID}  task t1  queue default  ({log}:4)",
        "not judged, since no line tells: 1",
        "  1 possible case published and never started: no line of a worker of queue mails",
        "perhaps still under way: 1",
        f"  2026-09-21 14:17:59.000Z  -  {ID}  ({log}:10)",
    ]


@pytest.mark.parametrize("log", [b"", b"plain text\n", b'{"time": "2026-09-21T14:13:00Z"}\n'])
def test_logs_without_a_unit_are_an_error(tmp_path: Path, log: bytes) -> None:
    """A broken log pipeline must not look healthy."""
    (tmp_path / "all.log").write_bytes(log)
    done = trace("audit", tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert "no line of a unit of work, so nothing was audited" in done.stderr.decode()


def test_nothing_found_is_status_0(tmp_path: Path) -> None:
    """Without a case the exit status is 0."""
    (tmp_path / "all.log").write_bytes(request() + run())
    done = trace("audit", tmp_path)
    assert (done.returncode, done.stdout.decode()) == (0, "no case found\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--grace", "soon"), "'soon' is no duration"),
        (("--grace=-5s",), "'-5s' is no duration"),
        (("--grace", "9" * 400 + "d"), "is longer than a century"),
        (("--graph", "missing.json"), "cannot read missing.json"),
        (("--graph", __file__), "is no graph of headrace"),
        (("--app", "no_such_module"), "headrace: cannot import 'no_such_module'"),
    ],
)
def test_wrong_argument_is_explained(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    """A wrong value ends the command with status 2 and says what is right."""
    done = trace("audit", *words, order(tmp_path / "logs"))
    assert done.returncode == 2
    assert message in done.stderr.decode()
