"""What holds for every queue on a real Redis: publish, run, retry, fail, schedule, be killed."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

import pytest

import headrace

if TYPE_CHECKING:
    from tests.queues.conftest import System


@pytest.fixture
def label() -> str:
    """A label, which is also the correlation ID of the publisher."""
    return uuid.uuid4().hex


@pytest.mark.guarantee(150)
def test_run_continues_the_publishers_operation(system: System, label: str) -> None:
    """A run is a unit of kind task, with the publisher's ID and the publisher as its cause."""
    with headrace.open_context(label) as publisher:
        task_id = system.program.publish("noted", label)
    (run,) = system.runs(label)
    assert (run["id"], run["cause"], run["kind"]) == (label, publisher.unit_id, "task")
    assert run["unit"] != publisher.unit_id
    assert run["name"].rpartition(".")[2] == "noted"
    end = system.end(run["unit"])
    assert end["outcome"] == "ok"
    facts = end["facts"]
    assert (facts["system"], facts["task_id"], facts["retries"]) == (system.name, task_id, 0)
    assert facts["queue"]
    assert 0 <= facts["queue_ms"] < 200_000


@pytest.mark.guarantee(150)
def test_task_published_outside_any_unit_gets_a_new_id(system: System, label: str) -> None:
    """Without a publisher's unit, the run has an ID of its own and no cause."""
    system.program.publish("noted", label)
    (run,) = system.runs(label)
    assert len(run["id"]) == 32
    assert run["cause"] is None


@pytest.mark.guarantee(150)
def test_task_published_by_a_task_names_that_run_as_its_cause(system: System, label: str) -> None:
    """The ID goes on to tasks that a task publishes."""
    with headrace.open_context(label):
        system.program.publish("parent", label)
    (parent,) = system.runs(f"{label} parent")
    (child,) = system.runs(label)
    assert (child["id"], child["cause"]) == (label, parent["unit"])


@pytest.mark.guarantee(150)
def test_each_retry_is_caused_by_the_attempt_before(system: System, label: str) -> None:
    """The attempts are units of one operation, count the retries, and end as they ended."""
    with headrace.open_context(label) as publisher:
        system.program.publish("failing", label, 2, retries=2)
    runs = system.runs(label, 3)
    assert [run["id"] for run in runs] == [label] * 3
    causes = [publisher.unit_id, *(run["unit"] for run in runs[:-1])]
    assert [run["cause"] for run in runs] == causes
    ends = [system.end(run["unit"]) for run in runs]
    assert [end["outcome"] for end in ends] == ["error", "error", "ok"]
    assert [end["facts"]["retries"] for end in ends] == [0, 1, 2]


@pytest.mark.guarantee(150)
def test_retry_that_a_task_asks_for_is_no_error(system: System, label: str) -> None:
    """The attempt that asks for it has the outcome `retry`."""
    if system.name == "taskiq":
        pytest.skip("taskiq has no exception or result that asks for a retry")
    with headrace.open_context(label):
        system.program.publish("asking", label)
    runs = system.runs(label, 2)
    assert runs[1]["cause"] == runs[0]["unit"]
    assert [system.end(run["unit"])["outcome"] for run in runs] == ["retry", "ok"]


@pytest.mark.guarantee(150)
def test_line_of_a_failure_carries_the_id(system: System, label: str) -> None:
    """The unit ends with outcome `error`, and the worker's own line about it has the ID."""
    with headrace.open_context(label):
        system.program.publish("failing", label, 100)
    (run, *_) = system.runs(label)
    assert system.end(run["unit"])["outcome"] == "error"
    words = {"rq": "exception raised", "dramatiq": "Failed to process", "taskiq": "Exception found"}
    system.wait_for_line(label, words[system.name])


@pytest.mark.guarantee(150)
def test_scheduled_task_continues_the_operation(system: System, label: str) -> None:
    """A task that is to run later is caused by the unit that scheduled it."""
    with headrace.open_context(label) as publisher:
        system.program.schedule("noted", label)
    (run,) = system.runs(label)
    assert (run["id"], run["cause"]) == (label, publisher.unit_id)


@pytest.mark.guarantee(150)
def test_task_of_a_killed_worker_keeps_its_id(system: System, label: str) -> None:
    """The run that takes the place of a lost one is a new unit of the same operation."""
    starts = system.starts
    with headrace.open_context(label) as publisher:
        system.program.publish("dying", label, str(system.mark), retries=1)
    system.runs(label)
    if system.name != "rq":
        system.wait_for_start(starts + 1)
        system.program.redeliver()
    first, second = system.runs(label, 2)
    assert first["id"] == second["id"] == label
    assert first["cause"] == publisher.unit_id
    assert second["unit"] != first["unit"]
    assert system.end(second["unit"])["outcome"] == "ok"
    if system.name != "rq":
        assert second["cause"] == publisher.unit_id  # delivered again, as it was
        return
    lost = system.end(second["cause"])  # in RQ, the parent process reports the loss and retries
    assert lost["outcome"] == "error"
    system.wait_for_line(label, "Work-horse terminated")


@pytest.mark.guarantee(150)
def test_lines_tell_the_story_of_a_task(
    system: System, label: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Publisher and worker log the same task ID and queue; the worker, what became of the task."""
    caplog.set_level("INFO", "headrace")
    with headrace.open_context(label) as publisher:
        task_id = system.program.publish("parent", label)
    (parent,) = system.runs(f"{label} parent")
    (published,) = (each for each in caplog.records if getattr(each, "event", "") != "unit.end")
    assert vars(published)["event"] == "task.published"
    assert vars(published)["correlation_id"] == label
    (start,) = system.lines("unit.start", parent["unit"])
    (end,) = system.lines("unit.end", parent["unit"])
    for line in (start, end):
        assert (line["kind"], line["unit_name"]) == ("task", vars(published)["task"])
        assert (line["task_id"], line["queue"]) == (task_id, vars(published)["queue"])
        assert (line["correlation_id"], line["causation_id"]) == (label, publisher.unit_id)
        assert line["retries"] == 0
        assert 0 <= line["queue_ms"] < 200_000
    assert end["outcome"] == "ok"
    (inner,) = system.lines("task.published", parent["unit"])
    (child,) = system.runs(label)
    (start,) = system.lines("unit.start", child["unit"])
    assert inner["task_id"] == start["task_id"]


@pytest.mark.guarantee(150)
def test_retry_is_published_once(system: System, label: str) -> None:
    """Each retry is one message, published by the attempt before it."""
    with headrace.open_context(label):
        system.program.publish("failing", label, 2, retries=2)
    runs = system.runs(label, 3)
    system.end(runs[-1]["unit"])
    published = [
        line
        for line in map(json.loads, system.notes.read_text().splitlines())
        if line["event"] == "task.published" and line["correlation_id"] == label
    ]
    assert [line["unit_id"] for line in published] == [run["unit"] for run in runs[:-1]]
    tasks = {system.lines("unit.start", run["unit"])[0]["task_id"] for run in runs}
    assert {line["task_id"] for line in published} == tasks
    assert len(tasks) == 1
