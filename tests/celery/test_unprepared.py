"""A worker in which `init_app` was not called logs a warning."""

from __future__ import annotations

import subprocess
import sys
import uuid
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from celery import Celery, signals

import headrace_celery
from headrace_celery import flow_task
from tests.celery.conftest import run_in_worker

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def bare_app(monkeypatch: pytest.MonkeyPatch) -> Celery:
    """An app whose signals are not connected, in a process that has not warned yet."""
    monkeypatch.setattr("headrace_celery._log._warned", set())
    name = f"bare{uuid.uuid4().hex[:8]}"
    app = Celery(name, broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.update(broker_transport_options={"polling_interval": 0.01}, task_default_queue=name)
    return app


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the warnings about `init_app`."""
    messages = [one.getMessage() for one in caplog.records if one.name == "headrace.celery"]
    return [message for message in messages if "init_app(app) was not called" in message]


@pytest.mark.guarantee(77)
@pytest.mark.parametrize("flow_name", ["unprepared", None])
def test_first_run_in_an_unprepared_worker_is_reported(
    bare_app: Celery, caplog: pytest.LogCaptureFixture, flow_name: str | None
) -> None:
    """The first of many runs logs the missing call; the others log nothing."""

    @flow_task(flow_name, app=bare_app)
    def work() -> None: ...

    run_in_worker(bare_app, work.delay, work.delay, work.delay)
    assert len(warnings(caplog)) == 1
    assert not any("headrace_celery" in str(uid) for (uid, _), _ in signals.task_prerun.receivers)


@pytest.mark.guarantee(77)
def test_start_of_an_unprepared_worker_is_reported(
    bare_app: Celery, caplog: pytest.LogCaptureFixture
) -> None:
    """The main process of a worker logs it before the pool has a process."""

    @flow_task(app=bare_app)
    def work() -> None: ...

    signals.celeryd_after_setup.send(sender="w@host", instance=None, conf=bare_app.conf)
    assert len(warnings(caplog)) == 1
    run_in_worker(bare_app, work.delay)
    assert len(warnings(caplog)) == 1


def test_prepared_worker_says_nothing(bare_app: Celery, caplog: pytest.LogCaptureFixture) -> None:
    """`init_app` may be called after the tasks are declared, and before the worker starts."""

    @flow_task(app=bare_app)
    def work() -> None: ...

    headrace_celery.init_app(bare_app)
    signals.celeryd_after_setup.send(sender="w@host", instance=None, conf=bare_app.conf)
    run_in_worker(bare_app, work.delay)
    assert warnings(caplog) == []


def test_eager_run_is_no_worker(bare_app: Celery, caplog: pytest.LogCaptureFixture) -> None:
    """A process that runs its tasks eagerly needs no `init_app` and gets no warning."""

    @flow_task(app=bare_app)
    def work() -> None: ...

    bare_app.tasks[work.name].apply()
    assert warnings(caplog) == []


TASKS = """
from celery import Celery
from headrace_celery import flow_task

app = Celery("shop", broker={url!r}, backend={url!r})
app.conf.update(task_default_queue={queue!r}, worker_prefetch_multiplier=1)

@flow_task("shop", app=app)
def work(number):
    return number
"""
CLIENT = """
from tasks import app, work
results = [work.delay(number) for number in range(8)]
assert [result.get(timeout=60) for result in results] == list(range(8))
"""


@pytest.mark.guarantee(77)
def test_real_worker_says_it_once_for_all_its_processes(tmp_path: Path, redis_url: str) -> None:
    """A worker with two processes logs one line, whichever of them run tasks."""
    queue = f"unprepared-{uuid.uuid4().hex[:12]}"
    (tmp_path / "tasks.py").write_text(TASKS.format(url=redis_url, queue=queue))
    options = ["-c", "2", "-l", "WARNING", "-n", f"{queue}@h"]
    with subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "tasks", "worker", *options],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    ) as worker:
        try:
            subprocess.run([sys.executable, "-c", CLIENT], cwd=tmp_path, check=True, timeout=120)
        finally:
            worker.terminate()
            _, log = worker.communicate(timeout=60)
    assert log.count("init_app(app) was not called") == 1


def test_start_of_a_worker_reports_misspelt_options(
    bare_app: Celery, caplog: pytest.LogCaptureFixture
) -> None:
    """Celery keeps a misspelt option as an attribute; other names are the user's own."""
    headrace_celery.init_app(bare_app)
    options = {"max_retires": 3, "headrace_nwe": True, "kind": "slow", "queues": [], "quue": "x"}

    @bare_app.task(name="a", **options)
    def work() -> None: ...

    worker = SimpleNamespace(app=bare_app, time_limit=None)
    signals.celeryd_after_setup.send(sender="w@host", instance=worker, conf=bare_app.conf)
    found = [one.getMessage() for one in caplog.records if "no option" in one.getMessage()]
    assert found == [
        "task 'a' has no option 'max_retires', so it has no effect; did you mean 'max_retries'?",
        "task 'a' has no option 'headrace_nwe', so it has no effect; did you mean 'headrace_new'?",
        "task 'a' has no option 'quue', so it has no effect; did you mean 'queue'?",
    ]
