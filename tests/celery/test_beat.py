"""Beat: each tick is a unit of work."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from celery import signals
from celery.beat import ScheduleEntry, Scheduler, Service
from celery.schedules import schedule

import headrace
from tests.celery.conftest import Recorder, looking, run_in_worker

if TYPE_CHECKING:
    from celery import Celery


def ticking(app: Celery) -> Scheduler:
    """Return the scheduler of a beat of `app` that has announced itself."""
    service = Service(app, scheduler_cls=partial(Scheduler, lazy=True))
    signals.beat_init.send(sender=service)
    return service.scheduler


@pytest.mark.guarantee(25)
def test_each_tick_is_a_unit_of_work(app: Celery, recorder: Recorder) -> None:
    """Two ticks publish under two IDs, and are the causes of what they publish."""
    task, seen = looking(app)
    scheduler = ticking(app)
    entry = ScheduleEntry("every", task.name, schedule=schedule(1), app=app)
    for _ in range(2):
        scheduler.apply_entry(entry)
    ticks = [context for context, _ in recorder.units]
    run_in_worker(app)
    assert [(one.correlation_id, one.causation_id) for one in seen] == [
        (tick.correlation_id, tick.unit_id) for tick in ticks
    ]
    assert len({tick.correlation_id for tick in ticks}) == 2
    assert [(tick.kind, tick.name) for tick in ticks] == [("manual", "beat:every")] * 2


@pytest.mark.guarantee(25)
def test_tick_does_not_join_the_unit_in_which_beat_was_started(app: Celery) -> None:
    """A beat that was started inside a unit does not publish under that unit's ID for ever."""
    task, seen = looking(app)
    entry = ScheduleEntry("every", task.name, schedule=schedule(1), app=app)
    with headrace.open_context() as outer:
        ticking(app).apply_entry(entry)
        assert headrace.get_flow_context() is outer
    run_in_worker(app)
    assert outer.correlation_id not in {context.correlation_id for context in seen}


def test_line_of_a_tick_carries_its_id(app: Celery, caplog: pytest.LogCaptureFixture) -> None:
    """The line that says what beat sends carries the ID of what it sends."""
    caplog.set_level("INFO", "celery.beat")
    task, seen = looking(app)
    ticking(app).apply_entry(ScheduleEntry("every", task.name, schedule=schedule(1), app=app))
    run_in_worker(app)
    record = next(one for one in caplog.records if "Sending due task" in one.getMessage())
    headrace.logging.FlowFilter().filter(record)
    assert vars(record)["flow_id"] == seen[0].correlation_id
