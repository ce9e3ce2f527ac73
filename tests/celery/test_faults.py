"""Foreign code that fails at any crossing of publishing and running tasks."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from billiard.exceptions import WorkerLostError
from celery import Celery

import headrace
from headrace_celery import flow_task
from tests.celery.conftest import run_in_worker
from tests.faults.crossings import BrokenError, Crossings, ForeignValue, Interrupt, each_fault

METADATA = ("user", "odd")


def make_task(app: Celery, seen: list[str | None], *, fails: bool) -> Any:
    """Return a task that is also a step; it records its ID, then fails once if asked to."""

    @flow_task("tests.celery.faults", app=app, step_name=f"work-{fails}", bind=True, max_retries=1)
    def work(self: Any) -> None:
        seen.append(headrace.current_flow_id())
        if fails and self.request.retries == 0:
            raise self.retry(countdown=0)

    return work


def publish_and_run(app: Celery, task: Any, crossings: Crossings) -> None:
    """Publish `task` in a unit, and have a worker run it."""

    def publish() -> None:
        with headrace.open_context("order-1", metadata={"user": "ada"}) as context:
            context.set_value("odd", ForeignValue(crossings))
            task.delay()

    run_in_worker(app, publish, inside=contextlib.nullcontext)


@pytest.mark.guarantee(98)
@pytest.mark.parametrize("fails", [False, True], ids=["good", "retried"])
def test_a_fault_in_foreign_code_loses_no_task(app: Celery, fails: bool) -> None:
    """The task runs as often as it should, each time under its publisher's ID."""
    seen: list[str | None] = []
    task = make_task(app, seen, fails=fails)

    def scenario(crossings: Crossings) -> None:
        seen.clear()
        publish_and_run(app, task, crossings)
        assert seen == ["order-1"] * (2 if fails else 1)
        assert headrace.get_flow_context() is None

    names = each_fault(scenario, BrokenError, propagate_metadata=METADATA)
    assert {"backend: unit: __exit__", "backend: span", "log handler"} <= names


@pytest.mark.guarantee(98)
@pytest.mark.parametrize("fails", [False, True], ids=["good", "retried"])
def test_an_interrupt_in_foreign_code_leaves_nothing_to_the_next_task(
    app: Celery, fails: bool
) -> None:
    """Nothing is current in the worker afterwards, and no run has another task's ID."""
    seen: list[str | None] = []
    task = make_task(app, seen, fails=fails)

    def scenario(crossings: Crossings) -> None:
        seen.clear()
        # Celery turns an interrupt into the last two, in a pool without processes.
        with contextlib.suppress(Interrupt, WorkerLostError, TypeError):
            publish_and_run(app, task, crossings)
        assert set(seen) <= {"order-1"}
        assert headrace.get_flow_context() is None

    assert len(each_fault(scenario, Interrupt, propagate_metadata=METADATA)) > 4
