"""A task that is the undecorated function of a step is reported when a worker starts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from celery import Task, signals

from headrace_celery import flow_task
from tests.celery.conftest import run_in_worker
from tests.core.flow_kit import new_flow

if TYPE_CHECKING:
    from celery import Celery


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the core has said."""
    return [record.getMessage() for record in caplog.records if record.name == "headrace"]


@pytest.mark.guarantee(80)
@pytest.mark.parametrize("start", ["worker", "first run"])
def test_undecorated_tasks_are_reported_once(
    app: Celery, caplog: pytest.LogCaptureFixture, start: str
) -> None:
    """Functions, with Celery's own wrappers around them, bound ones and classes."""
    flow = new_flow()

    def plain() -> None: ...
    def bound(self: Any) -> None: ...
    def retrying() -> None: ...

    class Own(Task):
        name = "own"

        def run(self) -> None: ...

    task = app.task(plain)
    app.task(bind=True)(bound)
    app.task(autoretry_for=(OSError,))(retrying)
    app.register_task(Own())
    for function in (plain, bound, retrying, Own.run):
        flow.step(function)
    if start == "worker":
        worker = SimpleNamespace(app=app)
        signals.celeryd_after_setup.send(sender="w@host", instance=worker, conf=app.conf)
    run_in_worker(app, task.delay, task.delay)
    assert len(lines(caplog)) == 4
    for name in ("plain", "bound", "retrying", "Own.run"):
        assert sum(f"<locals>.{name} " in line for line in lines(caplog)) == 1


@pytest.mark.guarantee(80)
def test_tasks_that_are_steps_are_not_reported(
    app: Celery, caplog: pytest.LogCaptureFixture
) -> None:
    """The right order and `flow_task` leave no line; nor does a task that is no step."""
    flow = new_flow()

    @app.task
    @flow.step
    def inner() -> None: ...

    @flow_task(flow.name, app=app)
    def both() -> None: ...

    @flow_task(app=app, autoretry_for=(OSError,))
    def neither() -> None: ...

    run_in_worker(app, inner.delay, both.delay, neither.delay)
    assert lines(caplog) == []


@pytest.mark.guarantee(80)
@pytest.mark.parametrize("decorator", ["entrypoint", "step"])
def test_step_above_a_task_is_refused(app: Celery, decorator: str) -> None:
    """A step cannot wrap a task: it raises at once and names the right order."""

    @app.task
    def task() -> None: ...

    with pytest.raises(TypeError, match="nearest to the `def`"):
        getattr(new_flow(), decorator)(task)
