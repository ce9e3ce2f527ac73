"""`django.tasks`: its own backends, and the database backend with its worker."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

import headrace
import headrace.logging
from tests.units import WatchedUnit

pytest.importorskip("django.tasks", reason="came with Django 6")

from django.tasks import TaskResult, task_backends
from django.tasks.base import TaskError
from django.tasks.signals import task_finished, task_started

from headrace_django import _task_backend as flow_tasks
from headrace_django.tasks import FlowBackend
from tests.django import task_functions as tasks

ROOT = Path(__file__).parents[2]
IMMEDIATE = "django.tasks.backends.immediate.ImmediateBackend"
DUMMY = "django.tasks.backends.dummy.DummyBackend"


def wrapping(path: Any, **more: Any) -> Any:
    """Return a block in which the default backend wraps the one at `path`."""
    backend = {"BACKEND": "headrace_django.tasks.FlowBackend", "WRAPS": path, **more}
    return override_settings(TASKS={"default": backend})


@pytest.fixture(autouse=True)
def nothing_seen() -> None:
    """Forget the runs of earlier tests."""
    tasks.seen.clear()


@pytest.fixture
def immediate() -> Iterator[None]:
    """Run tasks at once."""
    with wrapping(IMMEDIATE):
        yield


@pytest.mark.guarantee(152)
@pytest.mark.usefixtures("immediate")
def test_immediate_task_runs_in_a_unit_inside_the_callers(units: list[WatchedUnit]) -> None:
    """It has the caller's ID and the caller as its cause, and the caller's context is restored."""
    with headrace.open_context("an-id") as caller:
        result = tasks.look.enqueue(7, size="big")
        assert headrace.get_flow_context() is caller
    ((context, args, kwargs),) = tasks.seen
    assert (context.correlation_id, context.causation_id) == ("an-id", caller.unit_id)
    assert (context.kind, context.name) == ("task", "tests.django.task_functions.look")
    assert (args, kwargs) == ((7,), {"size": "big"})
    assert (result.args, result.kwargs) == ([7], {"size": "big"})
    assert [unit.outcome for unit in units] == ["ok", "ok"]


@pytest.mark.usefixtures("immediate")
def test_immediate_task_outside_any_unit_gets_a_new_id() -> None:
    """Without a caller's unit, the run has an ID of its own, and leaves none behind."""
    tasks.look.enqueue()
    ((context, *_),) = tasks.seen
    assert len(context.correlation_id) == 32
    assert headrace.get_flow_context() is None


@pytest.mark.usefixtures("immediate")
def test_task_of_an_async_caller_runs_in_a_unit() -> None:
    """`aenqueue` of a coroutine function keeps the ID too."""
    with headrace.open_context("an-id"):
        asyncio.run(tasks.look_async.aenqueue())
    ((context, *_),) = tasks.seen
    assert context.correlation_id == "an-id"


@pytest.mark.guarantee(152)
@pytest.mark.usefixtures("immediate")
def test_failed_task_ends_its_unit_with_the_exception(units: list[WatchedUnit]) -> None:
    """The exception does not reach the caller, and is that of the unit."""
    result = tasks.fail.enqueue()
    assert result.status == "FAILED"
    assert (units[0].outcome, str(units[0].error)) == ("error", "no such thing")


@pytest.mark.usefixtures("immediate")
def test_task_inside_a_task_names_it_as_its_cause(units: list[WatchedUnit]) -> None:
    """The outer run is current again after the inner one."""
    tasks.outer.enqueue()
    outer, inner = (context for context, *_ in tasks.seen)
    assert inner.causation_id == outer.unit_id
    assert [unit.context for unit in units] == [outer, inner]


@pytest.mark.usefixtures("immediate")
def test_interrupted_task_leaves_no_unit_open(units: list[WatchedUnit]) -> None:
    """Ctrl-C, for which Django sends no signal, ends the unit."""
    with headrace.open_context() as caller:
        with pytest.raises(KeyboardInterrupt):
            tasks.interrupted.enqueue()
        assert headrace.get_flow_context() is caller
    assert units[1].outcome == "error"


@pytest.mark.usefixtures("immediate")
def test_lines_of_django_and_of_the_project_carry_the_id(log: Any) -> None:
    """Django's line "state=RUNNING", and a receiver of the project's, are inside the unit."""
    ids: list[str | None] = []

    def on_task_finished(**_: Any) -> None:
        ids.append(headrace.current_flow_id())

    headrace.logging.install()
    # As if no task had started before the project connected its own.
    task_finished.disconnect(flow_tasks._on_task_finished)
    task_finished.connect(on_task_finished)
    try:
        tasks.look.enqueue()
    finally:
        task_finished.disconnect(on_task_finished)
    ((context, *_),) = tasks.seen
    assert ids == [context.correlation_id]
    lines = [line for line in log.lines() if line.logger == "django.tasks"]
    assert [line.flow_id for line in lines] == [context.correlation_id] * 2


@pytest.mark.usefixtures("immediate")
def test_metadata_that_is_propagated_reaches_the_run() -> None:
    """The metadata that `propagate_metadata` names is that of the run too, and no other."""
    headrace.configure(propagate_metadata=["tenant"])
    with headrace.open_context(metadata={"tenant": "acme", "secret": 1}):
        tasks.look.enqueue()
    ((context, *_),) = tasks.seen
    assert context.metadata == {"tenant": "acme"}


def test_dummy_backend_keeps_the_results_as_they_are(caplog: pytest.LogCaptureFixture) -> None:
    """It runs nothing: the task is logged as published, with arguments as they were given."""
    caplog.set_level("INFO", "headrace")
    with wrapping(DUMMY), headrace.open_context("an-id"):
        result = tasks.look.enqueue(7)
        backend: Any = task_backends["default"]
        assert [each.args for each in backend.results] == [[7]]
    (line,) = (vars(each) for each in caplog.records if "task.published" in vars(each).values())
    assert (line["task_id"], line["correlation_id"]) == (result.id, "an-id")
    assert line["queue"] == "default"


def test_wrapper_is_also_an_instance_of_the_wrapped_class() -> None:
    """Workers that ask for their own class find it, and one class is made for each."""
    from django.tasks.backends.dummy import DummyBackend

    with wrapping(DUMMY, QUEUES=["a"], OPTIONS={"b": 1}):
        backend = task_backends["default"]
        assert isinstance(backend, FlowBackend)
        assert isinstance(backend, DummyBackend)
        assert (backend.queues, backend.options) == ({"a"}, {"b": 1})
    with wrapping(DUMMY):
        assert type(task_backends["default"]) is type(backend)


def test_subclass_may_name_the_wrapped_class_itself() -> None:
    """A class of the project's needs no setting ``WRAPS``."""
    from django.tasks.backends.dummy import DummyBackend

    class Own(FlowBackend, DummyBackend):
        pass

    assert isinstance(Own("default", {}), DummyBackend)


@pytest.mark.parametrize("path", [None, 7, "nowhere.Backend", "json.loads", "django.tasks.Task"])
def test_wrong_setting_says_what_is_expected(path: Any) -> None:
    """An absent or wrong ``WRAPS`` is an error that names the setting."""
    with wrapping(path), pytest.raises(ImproperlyConfigured, match=r"TASKS\['default'\].*WRAPS"):
        tasks.look.enqueue()


def program(database: Path, action: str) -> list[dict[str, Any]]:
    """Run the program of the database backend, and return the lines that it prints."""
    command = [sys.executable, "-W", "error", "-m", "tests.django.task_worker", database, action]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.guarantee(152)
def test_task_in_a_database_continues_the_operation(tmp_path: Path) -> None:
    """The worker of django-tasks-db runs each task in a unit, caused by the one that published."""
    pytest.importorskip("django_tasks_db")
    published = program(tmp_path / "db", "publish")
    lines = program(tmp_path / "db", "work")
    (publisher,) = (line for line in published if line["event"] == "publisher")
    names = {task_id: name for name, task_id in publisher["ids"].items()}
    ends = {
        line["task_id"]: line for line in lines if line["event"] == "unit.end" and line["task_id"]
    }
    by_name = {names.get(task_id, "child"): line for task_id, line in ends.items()}
    assert by_name.keys() == {"look", "attempt", "fail", "outer", "later", "alone", "child"}
    for name in ("look", "attempt", "fail", "outer", "later"):
        line = by_name[name]
        assert (line["correlation_id"], line["causation_id"]) == ("an-id", publisher["unit"])
        assert line["queue_ms"] >= 0
    child, outer, alone = by_name["child"], by_name["outer"], by_name["alone"]
    assert (child["correlation_id"], child["causation_id"]) == ("an-id", outer["unit_id"])
    assert (len(alone["correlation_id"]), alone["causation_id"]) == (32, None)
    assert by_name["fail"]["outcome"] == "error"
    assert by_name["fail"]["error"] == "LookupError: no such thing"
    sent = [line for line in published if line["event"] == "task.published"]
    assert [line["task_id"] for line in sent] == [*publisher["ids"].values()]
    assert [bool(line["eta"]) for line in sent] == [False, False, False, False, True, False]
    assert all(line["id"] for line in lines if line["event"] == "django")


@pytest.mark.guarantee(152)
def test_arguments_in_a_database_are_not_touched(tmp_path: Path) -> None:
    """Functions and results see the arguments as they were given; the envelope is beside them."""
    pytest.importorskip("django_tasks_db")
    published = program(tmp_path / "db", "publish")
    lines = program(tmp_path / "db", "work")
    ids = next(line["ids"] for line in published if line["event"] == "publisher")
    rows = {line["id"]: line for line in lines if line["event"] == "row"}
    assert (rows[ids["look"]]["args"], rows[ids["look"]]["kwargs"]) == ([7], {"size": "big"})
    assert rows[ids["look"]]["keys"] == ["args", "kwargs", "headrace"]
    assert rows[ids["alone"]]["keys"] == ["args", "kwargs"]
    seen = [(line["args"], line["kwargs"]) for line in lines if line["event"] == "seen"]
    assert ([7], {"size": "big"}) in seen
    assert ([1], {}) in seen  # the number of the attempt, in a task that takes the context


def result_of(task: Any, **more: Any) -> Any:
    """Return a result of `task`, as a worker in another process gives it to the signals."""
    values = dict.fromkeys(("enqueued_at", "started_at", "finished_at", "last_attempted_at"))
    made = {"id": "7", "args": [], "kwargs": {}, "backend": "default", "errors": []}
    return TaskResult(task=task, worker_ids=["a", "b"], **{**values, **made, **more})


def send(signal: Any, result: Any, status: str = "RUNNING") -> None:
    """Send a signal of a worker's."""
    object.__setattr__(result, "status", status)
    signal.send(type(task_backends["default"]), task_result=result)


@pytest.mark.usefixtures("immediate")
def test_failure_without_the_exception_names_its_type(units: list[WatchedUnit]) -> None:
    """A worker that sends the signal later, without the exception, ends the unit as failed."""
    error = TaskError(exception_class_path="builtins.LookupError", traceback="")
    result = result_of(tasks.look, status="READY", errors=[error])
    send(task_started, result)
    assert headrace.current_flow_id() is not None
    send(task_finished, result, "FAILED")
    assert headrace.current_flow_id() is None
    assert str(units[0].error) == "the task failed with builtins.LookupError"


@pytest.mark.usefixtures("immediate")
def test_worker_tells_how_often_a_task_was_tried(caplog: pytest.LogCaptureFixture) -> None:
    """The second attempt is the first retry."""
    caplog.set_level("INFO", "headrace")
    result = result_of(tasks.look, status="READY")
    send(task_started, result)
    send(task_finished, result, "SUCCESSFUL")
    ends = [vars(each) for each in caplog.records if "unit.end" in vars(each).values()]
    assert [(line["task_id"], line["retries"]) for line in ends] == [("7", 1)]


@pytest.mark.guarantee(152)
@pytest.mark.parametrize(
    ("backend", "raw", "written"),
    [("default", False, True), ("default", True, False), ("other", False, False)],
)
def test_only_new_rows_of_a_wrapped_backend_get_an_envelope(
    backend: str, raw: bool, written: bool
) -> None:
    """Rows of fixtures (`raw`) and of backends that are not wrapped stay as they are."""
    row = SimpleNamespace(
        _state=SimpleNamespace(adding=True),
        backend_name=backend,
        args_kwargs={"args": [], "kwargs": {}},
    )
    with wrapping(DUMMY), headrace.open_context("an-id"):
        flow_tasks._on_pre_save(instance=row, raw=raw)
    assert ("headrace" in row.args_kwargs) == written


def test_backend_that_is_not_wrapped_is_left_alone(units: list[WatchedUnit]) -> None:
    """Once the receivers are connected, tasks of other backends still open no unit."""
    with wrapping(DUMMY):
        tasks.look.enqueue()
    with override_settings(TASKS={"default": {"BACKEND": IMMEDIATE}}):
        tasks.look.enqueue()
    assert [context for context, *_ in tasks.seen] == [None]
    assert units == []


@pytest.mark.usefixtures("immediate")
def test_envelope_of_a_row_gives_the_run_its_id() -> None:
    """The row's headers are those of the run; a malformed one is ignored."""
    for stored, expected in (({"headrace": {"v": 1, "id": "an-id"}}, True), (None, False)):
        row = SimpleNamespace(args_kwargs=stored)
        result = SimpleNamespace(
            task=tasks.look, id="8", backend="default", attempts=1, db_result=row, status=None
        )
        flow_tasks._on_task_started(task_result=result)
        assert (headrace.current_flow_id() == "an-id") == expected
        flow_tasks._on_task_finished(task_result=result)
