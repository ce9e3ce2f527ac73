"""A unit of work around each run: in a worker and eagerly."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery, chord, signals
from celery.exceptions import Ignore, Reject

import headrace
from headrace import get_flow_context
from headrace.backends import outcome_of
from headrace_celery import _contexts
from tests.celery.conftest import Recorder, looking, run_in_worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from headrace import FlowContext


def failing(app: Celery) -> Any:
    """Return a task that raises a ValueError."""

    def fail() -> int:
        return int("no")

    return app.task(name="fail", throws=(ValueError,))(fail)


def context_of_run(seen: list[FlowContext]) -> FlowContext:
    """Return the one context that was seen."""
    (context,) = seen
    return context


def test_task_continues_its_publishers_operation(app: Celery) -> None:
    """A run has its publisher's ID, and the publishing unit as its cause."""
    task, seen = looking(app)
    with headrace.open_context() as publisher:
        run_in_worker(app, task.delay)
    context = context_of_run(seen)
    assert context.correlation_id == publisher.correlation_id
    assert context.causation_id == publisher.unit_id
    assert (context.kind, context.name) == ("task", "look")
    assert context.get_value("celery.queue_ms") >= 0


def test_task_without_publishing_unit_gets_a_fresh_one(app: Celery) -> None:
    """A message from outside any unit opens a unit with an ID of its own and without a cause."""
    task, seen = looking(app)
    run_in_worker(app, task.delay, task.delay)
    assert len({context.correlation_id for context in seen}) == 2
    assert [context.causation_id for context in seen] == [None, None]
    assert seen[0].get_value("celery.queue_ms") is None


def test_trace_context_gives_the_id_where_there_is_no_header(app: Celery) -> None:
    """A message of a publisher without headrace, but with a traceparent, has the trace's ID."""
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    task, seen = looking(app)
    task.apply_async(headers={"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"})
    task.apply_async(headers={"traceparent": "poison"})
    task.apply_async(headers={"traceparent": ["poison"]})
    run_in_worker(app)
    assert seen[0].correlation_id == trace_id
    assert trace_id not in {context.correlation_id for context in seen[1:]}


def test_our_header_wins_over_the_trace_context(app: Celery) -> None:
    """Where a message has both, the ID and the cause are those of our header."""
    task, seen = looking(app)
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with headrace.open_context("ours") as publisher:
        run_in_worker(app, lambda: task.apply_async(headers={"traceparent": parent}))
    assert [(one.correlation_id, one.causation_id) for one in seen] == [("ours", publisher.unit_id)]


def test_publisher_is_named_by_flow_and_step(app: Celery) -> None:
    """A run knows the flow and the step that published it."""
    task, seen = looking(app)

    @headrace.entrypoint("running.publisher")
    def receive() -> None:
        task.delay()

    run_in_worker(app, receive)
    context = context_of_run(seen)
    assert context.get_value("celery.from_flow") == "running.publisher"
    assert context.get_value("celery.from_step") == "receive"


def test_worker_is_left_without_a_context(app: Celery) -> None:
    """Between two runs the worker has no context, whatever the runs did."""
    between: list[Any] = []

    signals.task_received.connect(lambda **_: between.append(get_flow_context()), weak=False)
    task = failing(app)
    with headrace.open_context():
        run_in_worker(app, task.delay, task.delay)
    assert between == [None, None]


@pytest.mark.parametrize("late", [False, True], ids=["connected before", "connected after"])
def test_other_receivers_have_the_context(make_app: Callable[..., Celery], late: bool) -> None:
    """Whoever receives the signals of a run sees its ID, connected before ours or after."""
    said: list[str | None] = []

    def say(**_: Any) -> None:
        said.append(headrace.current_flow_id())

    app = make_app() if late else None
    signals.task_prerun.connect(say, weak=False)
    signals.task_postrun.connect(say, weak=False)
    app = app or make_app()
    task, _ = looking(app)
    with headrace.open_context("heard"):
        run_in_worker(app, task.delay, task.delay)
    assert said == ["heard"] * 4


@pytest.mark.guarantee(20)
def test_header_that_breaks_the_reader_gets_a_clean_unit(
    app: Celery, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where reading the header fails, the run has an ID of its own, not that of another."""
    task, seen = looking(app)
    with headrace.open_context("operation-1"):
        task.apply_async()
    monkeypatch.setattr(_contexts, "read", lambda fields: 1 / 0)
    run_in_worker(app, task.delay)
    assert len({context.correlation_id for context in seen}) == 2
    assert "operation-1" not in {context.correlation_id for context in seen}
    assert [record.levelname for record in caplog.records].count("WARNING") == 2


@pytest.mark.guarantee(21)
def test_eager_task_sees_its_callers_operation(app: Celery) -> None:
    """An eager run has the caller's ID and cause; the caller's context is intact afterwards."""
    app.conf.task_always_eager = True
    task, seen = looking(app)
    with headrace.open_context() as caller:
        caller.set_value("mine", 1)
        for call in (task.delay, task.apply_async, task.apply):
            call()
            assert get_flow_context() is caller
        assert caller.metadata == {"mine": 1}
    assert {context.correlation_id for context in seen} == {caller.correlation_id}
    assert {context.causation_id for context in seen} == {caller.unit_id}
    assert all(context.get_value("mine") is None for context in seen)


@pytest.mark.guarantee(21)
def test_nested_eager_tasks_restore_what_was_there(app: Celery) -> None:
    """Eager runs within eager runs each restore their caller's context, failures included."""
    app.conf.task_always_eager = True
    steps: list[tuple[str, str | None, str | None]] = []

    def note(name: str) -> None:
        context = get_flow_context()
        steps.append((name, context and context.unit_id, context and context.causation_id))

    @app.task(name="inner", throws=(LookupError,))
    def inner() -> None:
        note("inner")
        raise LookupError

    @app.task(name="outer")
    def outer() -> None:
        note("outer")
        inner.delay()
        note("outer again")

    with headrace.open_context() as caller:
        outer.delay()
        note("caller")
    (_, outer_unit, outer_cause), (_, _, inner_cause), again, last = steps
    assert outer_cause == last[1] == caller.unit_id
    assert inner_cause == outer_unit
    assert again[1:] == (outer_unit, outer_cause)


@pytest.mark.guarantee(21)
def test_eager_error_that_propagates_leaves_the_context_intact(
    app: Celery, recorder: Recorder
) -> None:
    """With task_eager_propagates the error reaches the caller, whose context is intact."""
    app.conf.update(task_always_eager=True, task_eager_propagates=True)
    task = failing(app)
    with headrace.open_context() as caller:
        with pytest.raises(ValueError, match="invalid literal"):
            task.delay()
        assert get_flow_context() is caller
    assert [type(exc) for _, exc in recorder.units] == [ValueError, type(None)]


def test_eager_task_outside_any_unit_gets_one(app: Celery) -> None:
    """An eager run outside any unit has one of its own, and leaves none behind."""
    task, seen = looking(app)
    task.apply()
    assert context_of_run(seen).causation_id is None
    assert get_flow_context() is None


def test_callers_context_wins_over_a_header_in_eager_mode(app: Celery) -> None:
    """A header that is given to an eager call does not change the ID."""
    task, seen = looking(app)
    with headrace.open_context("callers"):
        task.apply(headers={"headrace": {"v": 1, "id": "header", "cause": "other"}})
    context = context_of_run(seen)
    assert context.correlation_id == "callers"
    assert context.causation_id != "other"


def test_eager_retry_has_the_attempt_before_as_cause(app: Celery) -> None:
    """Though the caller runs each eager attempt, the attempt before is its cause."""
    seen: list[Any] = []

    @app.task(name="again", bind=True, max_retries=2)
    def again(self: Any) -> None:
        seen.append(get_flow_context())
        if self.request.retries < 2:
            raise self.retry(countdown=0)

    with headrace.open_context() as caller:
        again.apply()
    causes = [context.causation_id for context in seen]
    assert causes == [caller.unit_id, seen[0].unit_id, seen[1].unit_id]


def test_headrace_new_gives_a_fresh_id_with_the_publisher_as_cause(app: Celery) -> None:
    """A task declared with headrace_new has an ID of its own, in a worker and eagerly."""
    task, seen = looking(app, headrace_new=True)
    with headrace.open_context() as publisher:
        run_in_worker(app, task.delay)
        task.apply()
    assert {context.causation_id for context in seen} == {publisher.unit_id}
    assert len({publisher.correlation_id, *(context.correlation_id for context in seen)}) == 3


def test_headrace_new_wins_over_a_trace_context(app: Celery) -> None:
    """Such a task does not take its ID from a traceparent either."""
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    task, seen = looking(app, headrace_new=True)
    task.apply_async(headers={"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"})
    run_in_worker(app)
    assert context_of_run(seen).correlation_id != trace_id


def test_run_in_a_worker_joins_no_unit_that_happens_to_be_active(app: Celery) -> None:
    """In a worker that was started inside a unit, a run has its publisher's ID, or a new one."""
    task, seen = looking(app)
    with headrace.open_context("published"):
        task.delay()
    task.delay()
    run_in_worker(app, inside=lambda: headrace.open_context("stray"))
    assert seen[0].correlation_id == "published"
    assert seen[1].correlation_id not in {"published", "stray"}
    assert seen[1].causation_id is None


def test_publishing_detached_starts_a_new_operation(app: Celery) -> None:
    """A task that is published inside `detached()` has an ID of its own and no cause."""
    task, seen = looking(app)

    def publish() -> None:
        with headrace.detached():
            task.delay()

    with headrace.open_context() as publisher:
        run_in_worker(app, publish)
    assert context_of_run(seen).correlation_id != publisher.correlation_id
    assert context_of_run(seen).causation_id is None


def test_allowed_metadata_travels(app: Celery) -> None:
    """Of the publisher's metadata a run has what propagate_metadata names, and nothing else."""
    headrace.configure(propagate_metadata=["tenant", "absent"])
    task, seen = looking(app)
    with headrace.open_context(metadata={"tenant": {"id": 7}, "secret": "s"}):
        run_in_worker(app, task.delay)
        task.apply()
    assert [{key: run.get_value(key) for key in ("tenant", "secret")} for run in seen] == [
        {"tenant": {"id": 7}, "secret": None},
        {"tenant": {"id": 7}, "secret": None},
    ]


OUTCOMES = {"retry": None, "ignored": Ignore, "rejected": Reject, "error": ValueError}


@pytest.mark.guarantee(28)
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_control_flow_is_an_outcome_of_its_own(
    app: Celery, recorder: Recorder, outcome: str
) -> None:
    """Retry, Ignore and Reject end a unit with an outcome of their own; an error is an error."""

    @app.task(name="ends", bind=True, throws=(ValueError,))
    def ends(self: Any) -> None:
        error = OUTCOMES[outcome]
        if error is not None:
            raise error("reason")
        if not self.request.retries:
            raise self.retry(countdown=0)

    run_in_worker(app, ends.delay)
    (_, exc), *_ = [unit for unit in recorder.units if unit[0].name == "ends"]
    assert outcome_of(exc) == outcome


@pytest.mark.guarantee(28)
def test_control_flow_is_no_error_in_the_log(app: Celery, caplog: pytest.LogCaptureFixture) -> None:
    """The log line of a step that asks for a retry says so, and tells of no error."""
    from headrace_celery import flow_task

    caplog.set_level(logging.INFO, "headrace")
    headrace.configure(backend="logging")

    @flow_task("running.retry", app=app, bind=True, entrypoint=True)
    def again(self: Any) -> None:
        if not self.request.retries:
            raise self.retry(countdown=0)

    again.apply_async()
    run_in_worker(app)
    ends = [record for record in caplog.records if vars(record).get("event") == "step.end"]
    assert [(vars(end)["outcome"], vars(end)["error"]) for end in ends] == [
        ("retry", None),
        ("ok", None),
    ]


def test_system_exit_ends_the_unit_as_an_error(app: Celery, recorder: Recorder) -> None:
    """What Celery does not catch ends the unit as well, with the exception itself."""

    @app.task(name="leave")
    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        leave.apply()
    assert [type(exc) for _, exc in recorder.units] == [SystemExit]
    assert get_flow_context() is None


def test_returned_exception_is_no_failure(app: Celery, recorder: Recorder) -> None:
    """A task that returns an exception has succeeded."""

    @app.task(name="value")
    def value() -> Exception:
        return ValueError("a value")

    value.apply()
    assert [exc for _, exc in recorder.units] == [None]


def test_start_is_logged_with_queue_latency(app: Celery, caplog: pytest.LogCaptureFixture) -> None:
    """At INFO, `unit.start` says how long the message was queued, in milliseconds."""
    caplog.set_level(logging.INFO, "headrace")
    task, _ = looking(app)
    with headrace.open_context():
        run_in_worker(app, task.delay)
    (start,) = [each for each in caplog.records if vars(each).get("event") == "unit.start"]
    assert re.fullmatch(r"look started \(queued \d+ ms\)", start.getMessage())
    assert (vars(start)["kind"], vars(start)["unit_name"]) == ("task", "look")
    assert 0 <= vars(start)["queue_ms"] < 200_000


@pytest.mark.guarantee(72)
def test_lines_about_a_message_are_printable(app: Celery, caplog: pytest.LogCaptureFixture) -> None:
    """Names and the task ID in a message are untrusted, and cannot forge a line."""
    caplog.set_level(logging.INFO, "headrace")
    evil, safe = "a\n\x1b[31mb", r"a\n\x1b[31mb"
    task, _ = looking(app)
    header = {"v": 1, "id": "order-7", "flow": evil, "step": evil}

    def publish() -> None:
        task.apply_async(task_id=evil, headers={"headrace": header})
        task.apply_async(task_id=evil, headers={"headrace": {"v": 1, "id": evil}})

    run_in_worker(app, publish)
    for event, count in (("task.published", 2), ("unit.start", 2), ("unit.end", 2)):
        lines = [vars(each) for each in caplog.records if vars(each).get("event") == event]
        assert [each["task_id"] for each in lines] == [safe] * count
        assert all(each["message"].isprintable() for each in lines)
    ignored = [each.getMessage() for each in caplog.records]
    ignored = [message for message in ignored if "ignored the headrace" in message]
    assert ignored
    assert all(safe in message and message.isprintable() for message in ignored)


def test_body_of_a_chord_without_native_join_is_caused_by_the_unlocking_task(
    make_app: Callable[..., Celery], tmp_path: Path
) -> None:
    """With a result backend that cannot count, `celery.chord_unlock` publishes the body."""
    app = make_app(result_backend=f"file://{tmp_path}", result_chord_retry_interval=0)
    runs: list[tuple[str, FlowContext]] = []

    @signals.task_prerun.connect(weak=False)
    def note(task: Any, **_: Any) -> None:
        context = get_flow_context()
        assert context is not None
        runs.append((task.name, context))

    @app.task(name="part")
    def part(number: int) -> int:
        return number

    @app.task(name="body")
    def body(numbers: list[int]) -> None: ...

    with headrace.open_context("an-id") as publisher:
        chord([part.s(1), part.s(2)])(body.s())
    run_in_worker(app)
    contexts = dict(runs)
    unlocking = [context for name, context in runs if name == "celery.chord_unlock"]
    assert {context.correlation_id for _, context in runs} == {"an-id"}
    assert contexts["body"].causation_id == unlocking[-1].unit_id
    assert unlocking[0].causation_id == publisher.unit_id
    assert [one.causation_id for one in unlocking[1:]] == [one.unit_id for one in unlocking[:-1]]


@pytest.mark.guarantee(21)
def test_eager_retry_with_a_malformed_header_runs(app: Celery) -> None:
    """If the header of an eager retry names no previous attempt, the caller is the cause."""
    task, seen = looking(app)
    with headrace.open_context() as caller:
        task.apply(retries=1, headers={"headrace": {"v": 99}})
    context = context_of_run(seen)
    assert context.correlation_id == caller.correlation_id
    assert context.causation_id == caller.unit_id
