"""Exceptions that a framework raises from outside, in the middle of any code."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

import headrace.testing
from headrace import Chain, StepFailedError, configure
from headrace._exceptions import control_flow
from headrace.integration import register_interrupt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.chains.runners import Runner


class TimeIsUp(Exception):  # noqa: N818 - as frameworks name theirs
    """As a task queue raises it."""


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the interrupt for the test."""
    monkeypatch.setattr(control_flow, "_registered", {})
    monkeypatch.setattr(control_flow, "_interrupts", [])
    register_interrupt(TimeIsUp)


def calling(calls: list[str], name: str, error: BaseException | None = None) -> Callable[..., str]:
    """Return a function that notes its name, and raises `error` if there is one."""

    def call(*_: Any) -> str:
        calls.append(name)
        if error is not None:
            raise error
        return name

    return call


@pytest.mark.guarantee(131)
def test_an_interrupted_step_has_an_unknown_outcome(runner: Runner, lines: Any) -> None:
    """It is never retried or wrapped; the finished steps are undone; a line says so."""
    calls: list[str] = []
    contexts: list[Any] = []
    raised = TimeIsUp()
    chain = (
        runner
        .chain(before_step=lambda step, context: contexts.append(context))
        .next(runner.fn(calling(calls, "a")), name="a", undo=runner.fn(calling(calls, "undo a")))
        .next(runner.fn(calling(calls, "b", raised)), name="b", retries=3, retry_on=BaseException)
    )
    with pytest.raises(TimeIsUp) as caught:
        runner.run(chain)
    assert caught.value is raised
    assert calls == ["a", "b", "undo a"]
    report = contexts[0].steps[-1]
    assert (report.name, report.outcome) == ("b", "unknown")
    assert report.reason == "interrupted by TimeIsUp"
    line = "step 'b': the outcome of its last attempt is unknown: interrupted by TimeIsUp"
    assert lines() == [("ERROR", line), ("INFO", "step 'a' undone")]


@pytest.mark.guarantee(131)
@pytest.mark.parametrize("hook", ["before_step", "after_step", "on_retry", "log", "retry_on"])
def test_no_hook_swallows_an_interrupt(runner: Runner, hook: str) -> None:
    """Errors of hooks are logged, but an interrupt that strikes inside one ends the run."""
    calls: list[str] = []

    def strike(*_: Any, **about: Any) -> None:
        if str(about.get("step", "b")) == "b":
            raise TimeIsUp

    fails = ConnectionError() if hook in {"on_retry", "retry_on"} else None
    of_chain = {hook: strike} if hook not in {"log", "retry_on"} else {}
    of_step = {hook: strike} if not of_chain else {}
    chain = (
        runner
        .chain(**of_chain)
        .next(runner.fn(calling(calls, "a")), name="a", undo=runner.fn(calling(calls, "undo a")))
        .next(runner.fn(calling(calls, "b", fails)), name="b", retries=2, **of_step)
        .next(runner.fn(calling(calls, "c")), name="c")
    )
    with headrace.testing.no_waiting(), pytest.raises(TimeIsUp):
        runner.run(chain)
    assert calls == (["a", "undo a"] if hook == "before_step" else ["a", "b", "undo a"])


@pytest.mark.guarantee(131)
@pytest.mark.parametrize("place", ["handler", "redact", "backend"])
def test_no_log_line_or_backend_swallows_an_interrupt(
    runner: Runner,
    place: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is not an error of the handler, of `redact` or of the backend."""
    calls: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if place == "handler" and record.getMessage() == "now":
                raise TimeIsUp

    class Backend:
        @contextmanager
        def span(self, step: Any, context: Any) -> Iterator[None]:
            if place == "backend" and step.name == "b":
                raise TimeIsUp
            yield

    def redact(line: str) -> str:
        if place == "redact" and line == "now":
            raise TimeIsUp
        return line

    monkeypatch.setattr(logging.getLogger("headrace.chain"), "handlers", [Handler()])
    caplog.set_level(logging.INFO, "headrace.chain")
    chain = (
        runner
        .chain(redact=redact)
        .next(runner.fn(calling(calls, "a")), name="a", undo=runner.fn(calling(calls, "undo a")))
        .next(runner.fn(calling(calls, "b")), name="b", log_fmt="now")
        .next(runner.fn(calling(calls, "c")), name="c")
    )
    configure(Backend())
    with pytest.raises(TimeIsUp):
        runner.run(chain)
    assert calls == (["a", "undo a"] if place == "backend" else ["a", "b", "undo a"])


@pytest.mark.guarantee(131)
def test_an_interrupt_in_an_undo_leaves_the_other_undos_to_run(runner: Runner) -> None:
    """It propagates after them, with the failure as its cause."""
    calls: list[str] = []
    chain = (
        runner
        .chain()
        .next(runner.fn(lambda: 1), name="a", undo=runner.fn(calling(calls, "undo a")))
        .next(runner.fn(lambda: 1), name="b", undo=runner.fn(calling(calls, "undo b", TimeIsUp())))
        .next(runner.fn(calling(calls, "c", OSError("down"))), name="c")
    )
    with pytest.raises(TimeIsUp) as caught:
        runner.run(chain)
    assert calls == ["c", "undo b", "undo a"]
    assert isinstance(caught.value.__cause__, StepFailedError)


def test_a_signal_while_an_undo_is_logged_keeps_the_errors_of_the_others(lines: Any) -> None:
    """Undos that failed before are named, and those that follow run."""
    calls: list[str] = []

    def strike(line: str) -> str:
        if line == "step 'b' undone":
            raise KeyboardInterrupt
        return line

    chain = Chain(redact=strike)
    for name, error in (("a", None), ("b", None), ("c", KeyError("lost"))):
        chain.next(lambda: 1, name=name, undo=calling(calls, f"undo {name}", error))
    chain.next(calling(calls, "d", OSError("down")), name="d")
    with pytest.raises(KeyboardInterrupt) as caught:
        chain.run()
    assert calls == ["d", "undo c", "undo b", "undo a"]
    failure = caught.value.__cause__
    assert isinstance(failure, StepFailedError)
    assert [str(each) for each in failure.undo_errors] == ["'lost'"]
    assert ("INFO", "step 'a' undone") in lines()
