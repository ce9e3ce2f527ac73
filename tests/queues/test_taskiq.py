"""What is special to taskiq, with its broker in memory."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

import headrace
from headrace.testing import capture

taskiq = pytest.importorskip("taskiq")

from taskiq import AsyncBroker, InMemoryBroker, ScheduleSource, SmartRetryMiddleware  # noqa: E402

from headrace_queues.taskiq import FlowMiddleware, FlowTask, init_app  # noqa: E402


@pytest.fixture
def broker() -> Any:
    """A broker in memory, which runs tasks in place."""
    broker = InMemoryBroker(await_inplace=True)
    init_app(broker)
    return broker


def noting(broker: AsyncBroker) -> tuple[Any, list[headrace.FlowContext]]:
    """Return a task that keeps the context of each run, and what it keeps."""
    seen: list[Any] = []

    async def look() -> None:
        seen.append(headrace.get_flow_context())

    return broker.task("look")(look), seen


class Source(ScheduleSource):  # type: ignore[misc]
    """Keeps schedules."""

    def __init__(self) -> None:
        self.schedules: list[Any] = []

    async def get_schedules(self) -> list[Any]:
        """Return the schedules."""
        return self.schedules

    async def add_schedule(self, schedule: Any) -> None:
        """Keep a schedule."""
        self.schedules.append(schedule)


def test_middleware_becomes_the_outermost_and_is_added_once(broker: Any) -> None:
    """It comes before all others, and a second call of `init_app` adds none."""
    broker.add_middlewares(SmartRetryMiddleware())
    init_app(broker)
    found = [isinstance(each, FlowMiddleware) for each in broker.middlewares]
    assert found == [True, False]


def test_anything_but_a_broker_is_refused() -> None:
    """`init_app` names what it takes."""
    with pytest.raises(TypeError, match="takes a taskiq broker, not 'redis'"):
        init_app("redis")  # type: ignore[arg-type]


def test_tasks_of_the_projects_own_class_stay_so() -> None:
    """`init_app` does not replace a class of decorated tasks that the project has chosen."""

    class Own(taskiq.AsyncTaskiqDecoratedTask):  # type: ignore[misc]
        pass

    broker = InMemoryBroker()
    broker.decorator_class = Own
    init_app(broker)
    assert broker.decorator_class is Own
    assert not issubclass(Own, FlowTask)


@pytest.mark.guarantee(151)
@pytest.mark.parametrize("label", ["s3cr3t", "{", "[" * 100_000, '{"v": 9}', 7])
def test_malformed_envelope_is_ignored_with_one_line(
    broker: Any, caplog: pytest.LogCaptureFixture, label: Any
) -> None:
    """The task runs in a unit of its own, and a warning does not quote the label."""
    task, seen = noting(broker)
    asyncio.run(task.kicker().with_labels(headrace=label).kiq())
    assert len(seen[0].correlation_id) == 32
    (line,) = (each for each in caplog.records if each.name == "headrace")
    assert line.levelname == "WARNING"
    assert "s3cr3t" not in line.getMessage()


@pytest.mark.guarantee(151)
def test_message_sent_when_detached_carries_nothing(broker: Any) -> None:
    """Inside `detached`, an envelope that is given is removed."""
    task, seen = noting(broker)
    given = json.dumps({"v": 1, "id": "given"})
    with headrace.open_context("outer"), headrace.detached():
        asyncio.run(task.kicker().with_labels(headrace=given).kiq())
    assert seen[0].correlation_id not in {"outer", "given"}


def test_task_run_in_place_inside_another_restores_it(broker: Any) -> None:
    """A run inside a run has the outer one as its cause, and both end with their own outcome."""
    inner, seen = noting(broker)
    outer_context: list[Any] = []

    @broker.task("outer")
    async def outer() -> None:
        outer_context.append(headrace.get_flow_context())
        await inner.kiq()
        outer_context.append(headrace.get_flow_context())
        raise LookupError

    with capture() as captured, headrace.open_context("an-id"):
        asyncio.run(outer.kiq())
    before, after = outer_context
    assert before is after
    assert seen[0].causation_id == before.unit_id
    outcomes = {unit.name: unit.outcome for unit in captured.units}
    assert (outcomes["look"], outcomes["outer"]) == ("ok", "error")


def test_scheduled_retry_names_the_attempt_as_its_cause(broker: Any) -> None:
    """A retry that waits in a schedule source carries the envelope of the failed attempt."""
    source = Source()
    broker.add_middlewares(SmartRetryMiddleware(schedule_source=source, default_retry_label=True))
    seen: list[Any] = []

    @broker.task("fail")
    async def fail() -> None:
        seen.append(headrace.get_flow_context())
        raise LookupError

    with headrace.open_context("an-id"):
        asyncio.run(fail.kiq())
    (retry,) = source.schedules
    envelope = json.loads(retry.labels["headrace"])
    assert (envelope["id"], envelope["cause"]) == ("an-id", seen[0].unit_id)


def test_only_a_single_run_continues_the_operation_that_schedules_it(broker: Any) -> None:
    """A run at a given time carries the envelope; each tick of a cron expression is a new unit."""
    source = Source()
    task, _ = noting(broker)

    async def schedule() -> None:
        await task.schedule_by_time(source, datetime.now(UTC))
        await task.schedule_by_cron(source, "* * * * *")

    with headrace.open_context("an-id"):
        asyncio.run(schedule())
    once, ticks = source.schedules
    assert json.loads(once.labels["headrace"])["id"] == "an-id"
    assert "headrace" not in ticks.labels
    assert "headrace" not in task.labels


@pytest.mark.parametrize(("label", "retries"), [("2", 2), ("many", 0), (None, 0)])
def test_retries_are_a_number_whatever_the_label(
    broker: Any, caplog: pytest.LogCaptureFixture, label: Any, retries: int
) -> None:
    """A label that is no number counts as none."""
    caplog.set_level("INFO", "headrace")
    task, _ = noting(broker)
    labels = {} if label is None else {"_retries": label}
    asyncio.run(task.kicker().with_labels(**labels).kiq())
    (line,) = (each for each in caplog.records if vars(each).get("event") == "unit.start")
    assert vars(line)["retries"] == retries
