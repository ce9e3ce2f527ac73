"""Celery's tasks for Django, published when the transaction commits."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery, Task, _state, signals
from celery.contrib.django.task import DjangoTask
from django.db import transaction
from django.test import TestCase

import headrace
import headrace_celery
from headrace_celery import flow_task
from tests.celery.conftest import run_in_worker

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[Celery]:
    """An app as in a Django project, on the memory transport."""
    known = [getattr(signals, name) for name in signals.__all__]
    receivers = [list(signal.receivers) for signal in known]
    factory, shared = logging.getLogRecordFactory(), set(_state._on_app_finalizers)
    for owner, name in (
        (Task, "Request"),
        (DjangoTask, "delay_on_commit"),
        (DjangoTask, "apply_async_on_commit"),
    ):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    app = Celery("project", broker="memory://", set_as_current=False, task_cls=DjangoTask)
    app.conf.update(
        broker_transport_options={"polling_interval": 0.01},
        task_default_queue="on_commit",
        task_ignore_result=True,
    )
    headrace_celery.init_app(app)
    yield app
    _state._on_app_finalizers.intersection_update(shared)
    for signal, kept in zip(known, receivers, strict=True):
        signal.receivers[:] = kept
        signal.sender_receivers_cache.clear()
    logging.setLogRecordFactory(factory)


WAYS: dict[str, Any] = {
    "delay_on_commit": lambda task: task.delay_on_commit(7),
    "apply_async_on_commit": lambda task: task.apply_async_on_commit((7,), countdown=0),
    "apply_async_on_commit by name": lambda task: task.apply_async_on_commit(args=(7,)),
}


@pytest.mark.guarantee(78)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("commits_in", ["another unit", "no unit"])
def test_task_belongs_to_the_unit_of_the_call(app: Celery, way: str, commits_in: str) -> None:
    """ID, cause and flow of origin are those of the call, not of the commit."""
    seen: list[Any] = []

    @flow_task("shipping", app=app)
    def ship(number: int) -> None:
        seen.append((number, headrace.get_flow_context()))

    outer = headrace.open_context("committing")
    if commits_in == "no unit":
        outer = headrace.detached()  # type: ignore[assignment]
    with outer, transaction.atomic():
        with headrace.open_context("calling") as calling, headrace.flow("ordering").open():
            WAYS[way](ship)
        run_in_worker(app)
        assert seen == []
    run_in_worker(app)
    ((number, context),) = seen
    assert (number, context.correlation_id) == (7, "calling")
    assert context.causation_id == calling.unit_id
    assert context.get_value("celery.from_flow") == "ordering"


@pytest.mark.guarantee(78)
def test_captured_callbacks_publish_with_the_id(app: Celery) -> None:
    """A test that executes the callbacks when the unit is over publishes with its ID."""
    seen: list[Any] = []

    @app.task
    def ship() -> None:
        seen.append(headrace.current_flow_id())

    with transaction.atomic():
        with TestCase.captureOnCommitCallbacks(execute=True), headrace.open_context("calling"):
            ship.delay_on_commit()
        transaction.set_rollback(True)
    run_in_worker(app)
    assert seen == ["calling"]


@pytest.mark.guarantee(78)
def test_eager_task_runs_under_the_id_of_the_call(app: Celery) -> None:
    """In eager mode the task runs at the commit, with the unit of the call as its cause."""
    app.conf.task_always_eager = True
    seen: list[Any] = []

    @app.task
    def ship() -> None:
        seen.append(headrace.get_flow_context())

    with headrace.open_context("committing"), transaction.atomic():
        with headrace.open_context("calling") as calling:
            ship.delay_on_commit()
        assert seen == []
    assert [(one.correlation_id, one.causation_id) for one in seen] == [
        ("calling", calling.unit_id)
    ]
