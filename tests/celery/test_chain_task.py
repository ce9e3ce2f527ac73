"""`chain_task`: its checks, its result, its undos; without processes and brokers."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from celery import states
from celery.contrib.abortable import AbortableAsyncResult, AbortableTask
from celery.exceptions import SoftTimeLimitExceeded, TaskRevokedError
from celery.exceptions import TimeoutError as CeleryTimeoutError
from celery.signals import celeryd_after_setup

import headrace
from headrace import AsyncChain, Chain, StepFailedError
from headrace.backends import outcome_of
from headrace.integration import clock as clock_of_headrace
from headrace.testing import capture, fake_clock
from headrace_celery import Progress, chain_task, watch
from tests.celery.conftest import run_in_worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

    from tests.celery.conftest import Recorder


def price(article: str) -> int:
    """Be a step."""
    return len(article)


async def price_async(article: str) -> int:
    """Be a step of an `AsyncChain`."""
    return len(article)


def pricing(kind: type[Any], **options: Any) -> Any:
    """Return a chain with the input `article`."""
    step = price_async if kind is AsyncChain else price
    return kind("pricing", **options).next(step, args=["article"], out="net")


both = pytest.mark.parametrize("kind", [Chain, AsyncChain])


# --- registration ---------------------------------------------------------------------------------


def test_a_task_is_named_as_its_chain_or_by_hand(app: Celery) -> None:
    """A chain without a name needs one for its task."""
    assert chain_task(app, pricing(Chain)).name == "pricing"
    assert chain_task(app, pricing(Chain), name="orders.price").name == "orders.price"
    with pytest.raises(ValueError, match="name the task"):
        chain_task(app, Chain().next(price, args=["article"]))


def test_the_chain_is_checked_when_it_is_registered(app: Celery) -> None:
    """What no run could resolve, return or do is an error then, with a hint."""
    lost = Chain("lost").put("order", {"id": 7}).next(price, args=["order.name"])
    with pytest.raises(ValueError, match="'lost' cannot run: step 'price': args refers to"):
        chain_task(app, lost)
    with pytest.raises(ValueError, match="no value 'nett' to return; did you mean 'net'"):
        chain_task(app, pricing(Chain), returns=["nett"])
    with pytest.raises(ValueError, match="'net' cannot be returned, since it is redacted"):
        chain_task(app, pricing(Chain, redact=["net"]), returns=["net"])
    with pytest.raises(ValueError, match="it has no steps yet"):
        chain_task(app, Chain("empty"))
    with pytest.raises(ValueError, match="no value 'n' to return"):
        chain_task(app, pricing(Chain), returns="net")
    with pytest.raises(TypeError, match="takes a Chain or an AsyncChain"):
        chain_task(app, price)  # type: ignore[arg-type]


def test_a_registered_chain_can_no_longer_be_changed(app: Celery) -> None:
    """The task runs what was checked."""
    chain = pricing(Chain)
    chain_task(app, chain)
    with pytest.raises(headrace.ChainError):
        chain.next(price, name="again", args=["article"])


def test_delay_wants_the_inputs_of_the_chain_by_name(app: Celery) -> None:
    """A wrong call fails at the publisher, as for any task; other inputs may be for hooks."""
    task = chain_task(app, pricing(Chain))
    for call in (
        lambda: task.delay("pen"),
        lambda: task.delay(artikel="pen"),
        lambda: task.apply_async(kwargs={}),
    ):
        with pytest.raises(TypeError, match=r"delay\(article=\.\.\.\)"):
            call()
    assert task.delay(article="pen", note="x").id


# --- runs -----------------------------------------------------------------------------------------


@both
def test_the_result_has_the_named_values_and_a_report(app: Celery, kind: type[Any]) -> None:
    """It is JSON, and the report has an entry for each step, skipped ones too."""
    chain = pricing(kind).next(price, args=["article"], out="tax", when="is_taxed")
    task = chain_task(app, chain, returns=["net", "tax", "article"])
    results: list[Any] = []
    run_in_worker(app, lambda: results.append(task.delay(article="pen", is_taxed=False)))
    found = results[0].get()
    assert found == json.loads(json.dumps(found))
    assert (found["net"], found["tax"], found["article"]) == (3, None, "pen")
    assert [list(entry) for entry in found["report"]] == [
        ["name", "outcome", "attempts", "seconds", "reason"]
    ] * 2
    assert [(entry["name"], entry["outcome"]) for entry in found["report"]] == [
        ("net", "ok"),
        ("tax", "skipped"),
    ]


@both
@pytest.mark.parametrize("how", ["called", "eager", "published"])
def test_steps_run_under_the_publishers_id(
    app: Celery, recorder: Recorder, kind: type[Any], how: str
) -> None:
    """Each step is one of the chain's flow, and its unit is that of the task."""
    task = chain_task(app, pricing(kind))
    with headrace.open_context("order-1"):
        if how == "called":
            task(article="pen")
        elif how == "eager":
            task.apply(kwargs={"article": "pen"}).get()
        else:
            task.delay(article="pen")
    run_in_worker(app)
    ((step, context, error),) = recorder.steps
    assert (step.flow, step.name, error) == ("pricing", "net", None)
    assert context.correlation_id == "order-1"
    assert how == "called" or (context.kind, context.name) == ("task", "pricing")


@both
def test_a_failed_chain_fails_its_task(app: Celery, kind: type[Any]) -> None:
    """With the error of the chain, which names the step."""

    def refuse(article: str) -> None:
        raise ValueError(f"no {article}")

    task = chain_task(app, kind("refusing").next(refuse, args=["article"]))
    results: list[Any] = []
    run_in_worker(app, lambda: results.append(task.delay(article="pen")))
    assert results[0].state == states.FAILURE
    with pytest.raises(StepFailedError, match="step 'refuse' failed: ValueError: no pen"):
        results[0].get()


@both
@pytest.mark.guarantee(132)
@pytest.mark.parametrize("options", [{}, {"autoretry_for": (Exception,), "default_retry_delay": 0}])
def test_the_soft_time_limit_is_never_retried(
    app: Celery, caplog: pytest.LogCaptureFixture, kind: type[Any], options: dict[str, Any]
) -> None:
    """Neither by the chain nor by Celery; the undos run, and a line says what is unknown."""
    calls: list[str] = []

    def charge() -> None:
        calls.append("charge")
        raise SoftTimeLimitExceeded

    chain = kind("charging").next(lambda: 1, name="reserve", undo=lambda _: calls.append("release"))
    task = chain_task(app, chain.next(charge, retries=5, retry_on=(BaseException,)), **options)
    results: list[Any] = []
    run_in_worker(app, lambda: results.append(task.delay()))
    assert calls == ["charge", "release"]
    assert isinstance(results[0].result, SoftTimeLimitExceeded)
    assert "step 'charge': the outcome of its last attempt is unknown" in caplog.text


@both
@pytest.mark.guarantee(132)
@pytest.mark.parametrize("limit", [None, 20])
def test_undos_have_what_is_left_of_the_hard_limit(
    make_app: Callable[..., Celery], kind: type[Any], limit: float | None
) -> None:
    """Even if the deadline of the message has passed, and is the reason for the undo."""
    app = make_app(accept_deadline=True)
    left: list[float | None] = []

    def charge() -> None:
        clock.advance(6)
        left.append(headrace.remaining())
        raise SoftTimeLimitExceeded

    chain = kind("hurried").next(lambda: 1, undo=lambda _: left.append(headrace.remaining()))
    task = chain_task(app, chain.next(charge), time_limit=limit)
    with fake_clock() as clock:
        with headrace.open_context(), headrace.deadline(5):
            task.delay()
        run_in_worker(app)
    # The wall time of the message has whole milliseconds.
    assert left == [pytest.approx(-1, abs=0.01), None if limit is None else pytest.approx(14)]


def test_the_hard_limit_may_be_that_of_the_worker(
    app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `celery worker --time-limit` sets it, for tasks without a limit of their own."""
    monkeypatch.setattr("headrace_celery._deadlines._worker_limits", [])
    celeryd_after_setup.send(sender="w", instance=SimpleNamespace(app=app, time_limit=20), conf={})
    left: list[float | None] = []
    chain = Chain("unlimited").next(lambda: 1, undo=lambda _: left.append(headrace.remaining()))

    def fail() -> None:
        raise OSError("down")

    task = chain_task(app, chain.next(fail))
    with fake_clock():
        run_in_worker(app, task.delay)
    assert left == [20.0]


# --- progress and abort ---------------------------------------------------------------------------


def states_of(app: Celery, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Return the list of the states that are stored in the result backend from now on."""
    stored: list[tuple[str, Any]] = []
    store = app.backend.store_result

    def keep(task_id: str, result: Any, state: str, *args: Any, **kwargs: Any) -> Any:
        stored.append((state, result))
        return store(task_id, result, state, *args, **kwargs)

    monkeypatch.setattr(app.backend, "store_result", keep)
    return stored


@both
def test_progress_is_one_write_for_each_step(
    app: Celery, monkeypatch: pytest.MonkeyPatch, kind: type[Any]
) -> None:
    """Steps of branches and of nested chains count; without `progress`, nothing is written."""
    inner = kind().next(price, args=["article"], name="inner")
    chain = (
        pricing(kind)
        .parallel(kind().next(price, args=["article"], name="branch"))
        .next(inner, name="chain")
    )
    task = chain_task(app, chain.copy(), progress=True)
    silent = chain_task(app, chain, name="silent")
    stored = states_of(app, monkeypatch)
    run_in_worker(app, lambda: task.delay(article="pen"))
    seconds = [meta.pop("seconds") for state, meta in stored if state == "PROGRESS"]
    assert stored[:-1] == [
        ("PROGRESS", {"step": "net", "number": 1, "total": 3}),
        ("PROGRESS", {"step": "branch", "number": 2, "total": 3}),
        ("PROGRESS", {"step": "inner", "number": 3, "total": 3}),
    ]
    assert seconds == sorted(seconds)
    del stored[:]
    run_in_worker(app, lambda: silent.delay(article="pen"))
    assert [state for state, _ in stored] == ["SUCCESS"]


@both
@pytest.mark.guarantee(133)
@pytest.mark.parametrize("place", ["plain", "branch", "nested"])
def test_an_aborted_chain_ends_before_its_next_step(
    app: Celery, recorder: Recorder, kind: type[Any], place: str
) -> None:
    """Finished steps are undone; the task is revoked, so that nobody waits for it for ever."""
    calls: list[str] = []
    results: list[Any] = []

    def abort() -> None:
        AbortableAsyncResult(results[0].id, app=app).abort()

    chain = kind("aborting").next(abort, undo=lambda _: calls.append("undo"))
    last = kind().next(calls.append, args=["article"], name="last")
    if place == "plain":
        chain.next(calls.append, args=["article"], name="last")
    else:
        chain = chain.parallel(last) if place == "branch" else chain.next(last)
    task = chain_task(app, chain, base=AbortableTask)
    run_in_worker(app, lambda: results.append(task.delay(article="pen")))
    assert calls == ["undo"]
    assert results[0].state == states.REVOKED
    with pytest.raises(TaskRevokedError, match=r"aborted before step '(last|Chain|AsyncChain)'"):
        results[0].get()
    (_, error), *_ = recorder.units
    assert outcome_of(error) == "cancelled"


def test_only_an_abortable_task_looks_for_an_abort(app: Celery) -> None:
    """Without the base class, Celery's own `abort` has no effect on a task either."""
    results: list[Any] = []
    task = chain_task(app, pricing(Chain), returns=["net"])

    def publish() -> None:
        results.append(task.delay(article="pen"))
        AbortableAsyncResult(results[0].id, app=app).abort()

    run_in_worker(app, publish)
    assert results[0].get()["net"] == 3


@both
@pytest.mark.guarantee(133)
def test_a_broken_result_backend_fails_no_step(
    app: Celery, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, kind: type[Any]
) -> None:
    """Progress and abort are lost, with one warning; a soft time limit inside passes."""
    calls: list[str] = []
    monkeypatch.setattr("headrace_celery._log._warned", set())
    task = chain_task(
        app,
        kind("unseen").next(calls.append, args=["a"], name="x").next(calls.append, args=["a"]),
        progress=True,
        base=AbortableTask,
    )

    def broken(*_: Any, **__: Any) -> None:
        raise ConnectionError("down")

    monkeypatch.setattr(app.backend, "get_state", broken)
    run_in_worker(app, lambda: task.delay(a="1"))
    assert calls == ["1", "1"]
    assert caplog.text.count("progress and abort() are lost") == 1

    def limited(*_: Any, **__: Any) -> None:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(app.backend, "get_state", limited)
    results: list[Any] = []
    run_in_worker(app, lambda: results.append(task.delay(a="2")))
    assert calls == ["1", "1"]
    assert isinstance(results[0].result, SoftTimeLimitExceeded)


def test_an_eager_run_has_no_progress(app: Celery, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its caller waits for it anyway; `watch` ends at once."""
    stored = states_of(app, monkeypatch)
    task = chain_task(app, pricing(Chain), progress=True, base=AbortableTask)
    with capture() as captured:
        result = task.apply(kwargs={"article": "pen"})
    assert stored == []
    assert [step.name for step in captured.steps] == ["net"]
    assert list(watch(result)) == []


def test_watch_yields_each_new_progress_until_the_end(
    app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another library's progress is left out, and so is one that was already seen."""
    task_id = "watched"
    result = app.AsyncResult(task_id)
    first = {"step": "a", "number": 1, "total": 2, "seconds": 0.0}
    updates = iter([
        ("PROGRESS", first),
        ("PROGRESS", first),
        ("PROGRESS", {"done": 7}),
        ("PROGRESS", {**first, "step": "b", "number": 2}),
        ("SUCCESS", {"report": []}),
    ])

    def wait(_: float) -> None:
        state, found = next(updates)
        app.backend.store_result(task_id, found, state)

    monkeypatch.setattr(clock_of_headrace, "sleep", wait)
    seen = [*watch(result)]
    assert seen == [Progress("a", 1, 2, 0.0), Progress("b", 2, 2, 0.0)]


def test_watch_gives_up_after_its_timeout(app: Celery) -> None:
    """As `get` does."""
    with pytest.raises(CeleryTimeoutError, match=r"not ended within 0\.05 s"):
        list(watch(app.AsyncResult("never"), timeout=0.05, interval=0.01))


@pytest.mark.parametrize(("slip", "right"), [("return_", "returns"), ("progres", "progress")])
def test_misspelt_option_names_the_right_one(app: Celery, slip: str, right: str) -> None:
    """Celery would keep it as an attribute of the task."""
    with pytest.raises(TypeError, match=rf"chain_task\(\) has no option {slip!r}.* {right!r}\?"):
        chain_task(app, pricing(Chain), **{slip: ["net"]})
