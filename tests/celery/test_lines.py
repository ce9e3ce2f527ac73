"""The log lines of tasks: published, started and ended, in publisher and worker."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from billiard.einfo import ExceptionInfo
from billiard.exceptions import WorkerLostError
from celery.exceptions import Ignore, Reject
from kombu.exceptions import OperationalError

import headrace
from tests.celery.conftest import looking, raw_messages, run_in_worker
from tests.celery.test_redelivery import redeliver
from tests.celery.test_request import request_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from celery import Celery

_TASK = ("task_id", "queue", "retries", "redelivered")


@pytest.fixture(autouse=True)
def _at_info(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.INFO, "headrace")
    yield
    headrace.configure()


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the attributes of the records of tasks and messages."""
    found = [vars(each) for each in caplog.records]
    return [each for each in found if str(each.get("event")).startswith(("unit.", "task."))]


def story(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Return the event and the outcome of each line."""
    return [(each["event"], each.get("outcome", "")) for each in lines(caplog)]


@pytest.mark.guarantee(172)
def test_a_task_has_three_lines(app: Celery, caplog: pytest.LogCaptureFixture) -> None:
    """Published, started and ended, with one task ID and one queue; no line has an argument."""

    @app.task(name="pack")
    def pack(secret: str) -> None: ...

    with headrace.open_context() as publisher:
        result = pack.delay("s3cret")
    run_in_worker(app)
    published, _, start, end = lines(caplog)
    assert [each["event"] for each in (published, start, end)] == [
        "task.published",
        "unit.start",
        "unit.end",
    ]
    assert published["task"] == start["unit_name"] == end["unit_name"] == "pack"
    assert {each["task_id"] for each in (published, start, end)} == {result.id}
    assert len({each["queue"] for each in (published, start, end)}) == 1
    assert published["unit_id"] == start["causation_id"] == publisher.unit_id
    assert (end["outcome"], end["retries"], end["redelivered"]) == ("ok", 0, False)
    assert {each["correlation_id"] for each in lines(caplog)} == {publisher.correlation_id}
    assert "s3cret" not in str([vars(each) for each in caplog.records])


def test_a_countdown_is_logged_with_its_time(app: Celery, caplog: pytest.LogCaptureFixture) -> None:
    """The line of a message for later says when it is due."""
    task, _ = looking(app)
    task.apply_async(countdown=3600)
    (line,) = lines(caplog)
    assert line["eta"] == raw_messages(app)[0]["headers"]["eta"]
    assert line["message"].endswith(f", due {line['eta']}")


def test_each_attempt_has_its_lines(app: Celery, caplog: pytest.LogCaptureFixture) -> None:
    """A retry ends with its own outcome, and publishes the message of the next attempt."""

    @app.task(name="again", bind=True)
    def again(self: Any) -> None:
        if not self.request.retries:
            raise self.retry(countdown=0)

    run_in_worker(app, again.delay)
    assert story(caplog) == [
        ("task.published", ""),
        ("unit.start", ""),
        ("task.published", ""),
        ("unit.end", "retry"),
        ("unit.start", ""),
        ("unit.end", "ok"),
    ]
    assert [each["retries"] for each in lines(caplog) if "retries" in each] == [0, 0, 1, 1]
    assert len({each["task_id"] for each in lines(caplog)}) == 1
    retried = lines(caplog)[3]
    assert retried["message"].startswith("again retry after ")
    assert retried["error"] is None


@pytest.mark.parametrize(
    ("raised", "outcome"),
    [(Ignore(), "ignored"), (Reject("no"), "rejected"), (ValueError("no stock"), "error")],
)
def test_outcomes(
    app: Celery, caplog: pytest.LogCaptureFixture, raised: Exception, outcome: str
) -> None:
    """Each has its word; only a failure has an error."""

    @app.task(name="fails")
    def fails() -> None:
        raise raised

    run_in_worker(app, fails.delay)
    end = lines(caplog)[-1]
    assert end["outcome"] == outcome
    assert end["error"] == ("ValueError: no stock" if outcome == "error" else None)
    assert end["levelno"] == logging.INFO


@pytest.mark.guarantee(172)
def test_an_eager_task_has_no_message(app: Celery, caplog: pytest.LogCaptureFixture) -> None:
    """Its unit has its lines, inside that of the caller."""
    task, _ = looking(app)
    with headrace.open_context():
        task.apply()
    assert story(caplog) == [("unit.start", ""), ("unit.end", "ok"), ("unit.end", "ok")]


@pytest.mark.guarantee(172)
def test_a_message_that_cannot_be_sent_has_a_line(
    app: Celery, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its line, with the error, which reaches the caller."""
    task, _ = looking(app)

    def refuse(*_args: object, **_options: object) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr("kombu.messaging.Producer._publish", refuse)
    with headrace.open_context(), pytest.raises(OperationalError):
        task.apply_async(retry=False)
    published, failed, _ = lines(caplog)
    assert (published["event"], failed["event"]) == ("task.published", "task.publish_failed")
    assert failed["error"] == "OperationalError: no broker"
    assert published["task_id"] == failed["task_id"]
    assert published["unit_id"] == failed["unit_id"]


def test_an_error_after_sending_is_none_of_sending(
    app: Celery, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails when the broker has the message does not make it unsent."""
    task, _ = looking(app)

    def fail(*_args: object, **_options: object) -> None:
        raise LookupError

    monkeypatch.setattr(app, "AsyncResult", fail)
    with pytest.raises(LookupError):
        task.delay()
    assert story(caplog) == [("task.published", "")]


@pytest.mark.guarantee(173)
def test_a_lost_run_has_no_end(app: Celery, caplog: pytest.LogCaptureFixture) -> None:
    """The parent of a killed process writes no line of a unit: that of the start stays alone."""
    task, _ = looking(app)
    request = request_of(app, task)
    caplog.clear()
    try:
        raise WorkerLostError("killed")
    except WorkerLostError:
        request.on_failure(ExceptionInfo())
    assert lines(caplog) == []
    assert "WorkerLostError" in caplog.text


@pytest.mark.guarantee(173)
def test_a_task_says_that_it_starts(app: Celery, caplog: pytest.LogCaptureFixture) -> None:
    """Before its body runs, at INFO."""
    seen: list[list[tuple[str, str]]] = []

    @app.task(name="starts")
    def starts() -> None:
        seen.append(story(caplog))

    run_in_worker(app, starts.delay)
    assert seen == [[("task.published", ""), ("unit.start", "")]]
    assert all(name in lines(caplog)[1] for name in _TASK)


def test_a_message_that_celery_does_not_run_again_is_ignored(
    make_app: Callable[..., Celery], caplog: pytest.LogCaptureFixture
) -> None:
    """A redelivered task that has already succeeded ends as `ignored`."""
    app = make_app(task_acks_late=True, worker_deduplicate_successful_tasks=True)
    task, seen = looking(app)
    app.backend.store_result("lines-1", None, "SUCCESS")
    redeliver(app, task, id="lines-1")
    assert seen == []
    assert story(caplog) == [("unit.start", ""), ("unit.end", "ignored")]
    assert lines(caplog)[0]["redelivered"] is True
