"""A log handler, filter or redaction that raises does not change a run."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from headrace import Chain, ChainError, StepFailedError
from headrace._process.testing import no_waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .runners import Runner


class Broken:
    """A filter, or a handler's method, that raises."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.calls = 0

    def __call__(self, record: logging.LogRecord) -> bool:
        self.calls += 1
        raise self.error


@contextmanager
def broken_logging(where: str, error: BaseException) -> Iterator[Broken]:
    """Make the chain logger raise `error` for every record."""
    broken = Broken(error)
    logger = logging.getLogger("headrace.chain")
    logger.setLevel(logging.DEBUG)
    handler = logging.StreamHandler()
    logger.addHandler(handler)
    if where == "filter of the handler":
        handler.addFilter(broken)
    elif where == "filter of the logger":
        logger.addFilter(broken)
    else:
        handler.emit = broken  # type: ignore[method-assign, assignment]
    try:
        yield broken
    finally:
        logger.removeHandler(handler)
        logger.removeFilter(broken)


@pytest.mark.guarantee(82)
@pytest.mark.parametrize(
    "where", ["filter of the handler", "filter of the logger", "handler itself"]
)
def test_a_broken_log_changes_nothing_of_a_run(runner: Runner, where: str) -> None:
    """Each step runs once, retries and undos happen, and the error is that of the step."""
    undone: list[Any] = []
    calls: list[Any] = []

    def undo(result: Any) -> None:
        undone.append(result)
        if result == "b":
            raise ValueError("cannot be undone")

    def fail() -> None:
        calls.append(1)
        raise ZeroDivisionError

    chain = (
        runner
        .chain(before_step=lambda **_: 1 / 0)
        .next(runner.fn(lambda: "a"), out="a", undo=runner.fn(undo), log_fmt="{a}")
        .next(runner.fn(lambda: "b"), out="b", undo=runner.fn(undo), log=lambda c, r: 1 / 0)
        .next(runner.fn(lambda: "c"), out="c", undo=runner.fn(undo))
        .next(runner.fn(fail), out="d", retries=1)
    )
    error = AttributeError("a formatter's bug")
    with (
        broken_logging(where, error) as broken,
        no_waiting(),
        pytest.raises(StepFailedError) as caught,
    ):
        runner.run(chain)
    assert broken.calls >= 5  # the line, the hook, the callback, the retry, the undo, the failure
    assert undone == ["c", "b", "a"]
    assert len(calls) == caught.value.attempts == 2
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert [type(error) for error in caught.value.undo_errors] == [ValueError]


@pytest.mark.guarantee(82)
def test_a_broken_log_changes_nothing_where_redact_fails_too(runner: Runner) -> None:
    """Even the line that reports the failure cannot be logged."""

    def redact(line: str) -> str:
        raise KeyError(line)

    chain = runner.chain(redact=redact).next(runner.fn(lambda: "a"), out="a", log_fmt="{a}")
    with broken_logging("filter of the logger", AttributeError()) as broken:
        assert runner.run(chain) == {"a": "a"}
    assert broken.calls


@pytest.mark.guarantee(82)
def test_a_line_that_is_lost_is_told_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """It is reported like a failing handler, without the line, which may hold a secret."""
    with broken_logging("filter of the logger", AttributeError("secret")):
        Chain().next(lambda: "a", out="a", log_fmt="{a}").run()
    assert capsys.readouterr().err == (
        "headrace.chain: logging raised AttributeError; a line was lost\n"
    )


class _Interrupt(BaseException):
    pass


@pytest.mark.guarantee(82)
def test_an_interrupt_while_a_failed_undo_is_logged_skips_no_undo(runner: Runner) -> None:
    """The caller gets it, with the step's failure as its cause."""
    undone: list[Any] = []

    def undo(result: Any) -> None:
        undone.append(result)
        raise ValueError("cannot be undone")

    chain = (
        runner
        .chain()
        .next(runner.fn(lambda: "a"), out="a", undo=runner.fn(undo))
        .next(runner.fn(lambda: "b"), out="b", undo=runner.fn(undo))
        .next(runner.fn(lambda: 1 / 0), out="c")
    )
    with broken_logging("filter of the logger", _Interrupt()) as broken, pytest.raises(_Interrupt):
        runner.run(chain)
    assert broken.calls
    assert undone == ["b", "a"]


# --- rejected results -----------------------------------------------------------------------------


def _raise(_: Any) -> None:
    raise ValueError("too much")


@pytest.mark.guarantee(84)
@pytest.mark.parametrize("validate", [lambda result: False, _raise])
def test_a_rejected_step_is_undone_with_its_result(runner: Runner, validate: Any) -> None:
    """The step has run, so it is undone; the report states both."""
    undone: list[Any] = []
    chain = (
        runner
        .chain()
        .next(runner.fn(lambda: "a"), undo=runner.fn(undone.append), name="a")
        .next(
            runner.fn(lambda: "paid"),
            out="pay",
            undo=runner.fn(undone.append),
            validate=validate,
        )
    )
    with pytest.raises(ChainError) as caught:
        runner.run(chain)
    assert undone == ["paid", "a"]
    assert caught.value.result is not None
    assert "pay" not in caught.value.result
    report = caught.value.result.steps[-1]
    assert report.outcome == "error"
    assert report.reason == f"{caught.value.reason}; undone"
