"""Reports that people can read."""

from __future__ import annotations

import builtins
import io
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

import headrace
from headrace import (
    Chain,
    ChainError,
    DeadlineExceededError,
    StepFailedError,
    UnresolvedReferenceError,
    ValidationFailedError,
)
from headrace._process.testing import fake_clock

if TYPE_CHECKING:
    from tests.chains.runners import Runner


def failing_run(runner: Runner) -> StepFailedError:
    """Return the error of a run in which something of everything happens."""
    left = [ValueError("once")]

    with fake_clock() as clock:

        def extract() -> int:
            clock.advance(1.25)
            return 1

        def transform() -> None:
            if left:
                raise left.pop()

        def fail() -> None:
            raise ConnectionError("no route\nto [red]host\x1b[0m")

        chain = runner.chain("report", jitter=False).next(
            runner.fn(extract), out="raw", undo=runner.fn(lambda r: None)
        )
        chain.next(runner.fn(transform), name="transform", retries=1)
        chain.next(runner.fn(print), name="notify", when="missing")
        chain.next(runner.fn(fail), name="load", retries=1, backoff=0.25)
        with pytest.raises(StepFailedError) as caught:
            runner.run(chain)
    return caught.value


def test_a_report_is_a_table(runner: Runner) -> None:
    """Step, outcome, attempts, seconds, and why it stopped; one line each, nothing to obey."""
    error = failing_run(runner)
    assert error.result is not None
    lines = str(error.result.report).splitlines()
    assert [line.split(None, 4) for line in lines[:1] + lines[2:6]] == [
        ["step", "outcome", "attempts", "seconds", "reason"],
        ["raw", "ok", "1", "1.250", "undone"],
        ["transform", "ok", "2", "1.500"],
        ["notify", "skipped", "0", "0.000", "condition was false"],
        ["load", "error", "2", "0.250", "ConnectionError: no route to [red]host?[0m"],
    ]
    identifier = error.result.correlation_id
    assert lines[6] == f"stopped at load after 3.000 s, correlation ID {identifier}"


def test_the_table_is_drawn_by_rich_on_a_terminal(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where rich is installed; what a reason says is not taken for markup."""
    error = failing_run(runner)

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdout", Terminal())
    monkeypatch.setenv("COLUMNS", "140")
    assert error.result is not None
    drawn = str(error.result.report)
    assert "┃" in drawn
    assert "\x1b[" in drawn
    assert "[red]host?[0m" in drawn


def test_without_rich_the_table_is_plain(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal, too."""
    result = runner.run(runner.chain().next(runner.fn(lambda: 1), name="a"))
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("rich"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdout", Terminal())
    monkeypatch.setattr("builtins.__import__", refuse)
    assert str(result.report).splitlines()[0].split() == [
        "step",
        "outcome",
        "attempts",
        "seconds",
        "reason",
    ]


def test_without_a_standard_output_the_table_is_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a program without a console."""
    report = Chain().next(int, name="a").run().report
    monkeypatch.setattr("sys.stdout", None)
    assert "finished after" in str(report)


def test_rich_prints_a_report_as_a_table() -> None:
    """`rich.print(result.report)` draws it, whatever the output is."""
    console = Console(file=io.StringIO(), width=100)
    console.print(Chain().next(int, name="a").run().report)
    assert "finished after" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_report_of_success_says_so(runner: Runner) -> None:
    """It has the steps, and their time."""
    result = runner.run(
        runner.chain().next(runner.fn(lambda: 1), name="a", when=lambda context: False)
    )
    report = result.report
    assert list(report.steps) == result.steps
    assert report.seconds == sum(step.seconds for step in result.steps)
    assert f"finished after {report.seconds:.3f} s" in str(report)


def test_a_report_can_be_had_while_the_run_goes_on(runner: Runner) -> None:
    """Hooks and callbacks may look at what has happened so far."""
    seen: list[list[str]] = []

    def look(context: Any, result: Any) -> None:
        seen.append([step.name for step in context.steps])

    chain = runner.chain().next(runner.fn(lambda: 1), name="a")
    runner.run(
        chain.next(runner.fn(lambda: 1), name="b", log=look).next(runner.fn(lambda: 1), name="c")
    )
    assert seen == [["a"]]


def test_seconds_are_measured(runner: Runner) -> None:
    """Every step has its own time, plain or not."""
    with fake_clock() as clock:
        chain = runner.chain().next(runner.fn(lambda: clock.advance(1)), name="a")
        chain.next(runner.fn(lambda: clock.advance(2)), name="b", validate=lambda result: True)
        chain.next(runner.fn(lambda: clock.advance(3)), name="c")
        assert [step.seconds for step in runner.run(chain).steps] == [1, 2, 3]


def test_a_failed_step_prints_step_attempts_and_original_error(runner: Runner) -> None:
    """All that is needed to read a log."""
    assert str(failing_run(runner)).startswith(
        "step 'load' failed after 2 attempts: ConnectionError: no route"
    )


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (StepFailedError("a", "why"), "step 'a' failed: why"),
        (ValidationFailedError("a", "why"), "step 'a': the result was rejected: why"),
        (DeadlineExceededError("a", "why"), "step 'a': why"),
        (UnresolvedReferenceError("a", "why"), "step 'a': why"),
        (ChainError(reason="why"), "why"),
    ],
)
def test_errors_tell_step_and_reason(error: ChainError, text: str) -> None:
    """They are made of step and reason, and can be pickled."""
    assert str(error) == text
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (str(again), again.step, again.reason) == (text, error.step, error.reason)


def test_an_error_is_pickled_with_its_result(runner: Runner) -> None:
    """So that it can come out of another process."""
    error = failing_run(runner)
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)
    assert again.result == error.result == {"raw": 1}
    assert again.result.steps == error.result.steps  # type: ignore[union-attr]


def test_every_error_is_a_chain_error() -> None:
    """One `except` catches them all; nothing else of headrace's is one."""
    assert issubclass(StepFailedError, ChainError)
    assert issubclass(ValidationFailedError, ChainError)
    assert issubclass(DeadlineExceededError, ChainError)
    assert issubclass(UnresolvedReferenceError, ChainError)
    assert not issubclass(headrace.OutsideFlowError, ChainError)
