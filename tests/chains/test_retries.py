"""Retries: which errors, how often, after which delay."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest

from headrace import StepFailedError
from headrace._process.testing import fake_clock, fake_random, no_waiting

if TYPE_CHECKING:
    from tests.chains.runners import Runner


class Flaky:
    """Fails with the given errors, one for each call, and then succeeds."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self, *args: Any) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def flaky(runner: Runner, *errors: BaseException) -> tuple[Flaky, Any]:
    """Return a flaky function, and how this kind of chain has it."""
    function = Flaky(*errors)
    return function, runner.fn(function.__call__)


def test_a_step_is_tried_again_until_it_succeeds(runner: Runner) -> None:
    """Two failures and three retries: three attempts, and the run goes on."""
    function, step = flaky(runner, ValueError("one"), ValueError("two"))
    chain = runner.chain().next(step, out="x", retries=3)
    chain.next(runner.fn(str.upper), out="y", args=["x"])
    with no_waiting():
        result = runner.run(chain)
    assert result == {"x": "done", "y": "DONE"}
    assert function.calls == 3
    assert [(s.outcome, s.attempts) for s in result.steps] == [("ok", 3), ("ok", 1)]


def test_a_step_is_called_retries_plus_one_times_at_most(runner: Runner) -> None:
    """Then it has failed: the error names the step, the attempts and the original error."""
    function, step = flaky(runner, *[ConnectionError("no route")] * 9)
    chain = runner.chain().next(step, name="fetch", retries=2)
    with no_waiting(), pytest.raises(StepFailedError) as caught:
        runner.run(chain)
    assert function.calls == 3
    error = caught.value
    assert str(error) == "step 'fetch' failed after 3 attempts: ConnectionError: no route"
    assert (error.step, error.reason) == ("fetch", "ConnectionError: no route")
    assert isinstance(error.__cause__, ConnectionError)
    assert error.attempts == 3


def test_without_retries_a_step_is_called_once(runner: Runner) -> None:
    """The message then has no number of attempts."""
    function, step = flaky(runner, ValueError())
    with pytest.raises(StepFailedError, match=r"^step 'x' failed: ValueError$"):
        runner.run(runner.chain().next(step, out="x"))
    assert function.calls == 1


@pytest.mark.parametrize(
    ("retry_on", "error", "calls"),
    [
        (OSError, ConnectionError(), 3),
        (OSError, ValueError(), 1),
        ((KeyError, ValueError), ValueError(), 3),
        ([KeyError, ValueError], ValueError(), 3),
        ((BaseException,), ValueError(), 3),
        ((), ValueError(), 1),
        (lambda exc: "again" in str(exc), ValueError("again"), 3),
        (lambda exc: "again" in str(exc), ValueError("never"), 1),
        (lambda exc: None, ValueError(), 1),
        (lambda exc: 0, ValueError(), 3),
        (lambda exc: 2.5, ValueError(), 3),
    ],
)
def test_retry_on_says_which_errors_are_worth_it(
    runner: Runner, retry_on: Any, error: Exception, calls: int
) -> None:
    """Types, a tuple of these, or a predicate that may answer with a delay."""
    function, step = flaky(runner, *[error] * 9)
    with no_waiting(), pytest.raises(StepFailedError):
        runner.run(runner.chain().next(step, retries=2, retry_on=retry_on))
    assert function.calls == calls


def test_a_predicate_sees_the_error_and_may_name_the_delay(runner: Runner) -> None:
    """A number is the delay in seconds, whatever the schedule says."""
    error = ConnectionError("Retry-After: 7")
    seen: list[BaseException] = []

    def after(exc: BaseException) -> float:
        seen.append(exc)
        return 7

    _, step = flaky(runner, error)
    with fake_clock() as clock:
        runner.run(runner.chain().next(step, retries=1, retry_on=after, max_backoff=1))
    assert seen == [error]
    assert clock.slept == [7.0]


@pytest.mark.parametrize("answer", ["soon", -1, float("nan"), float("inf")])
def test_a_predicate_that_gives_no_answer_is_logged(
    runner: Runner, lines: Any, answer: Any
) -> None:
    """The step is then not retried, and fails with its own error."""
    function, step = flaky(runner, *[ValueError("mine")] * 3)
    with pytest.raises(StepFailedError, match="mine"):
        runner.run(runner.chain().next(step, name="s", retries=2, retry_on=lambda exc: answer))
    assert function.calls == 1
    assert "retry_on of step 's' raised TypeError" in lines()[0][1]


def test_a_predicate_that_raises_is_logged(runner: Runner, lines: Any) -> None:
    """As if it had answered False."""
    _, step = flaky(runner, ValueError("mine"))
    with pytest.raises(StepFailedError, match="mine"):
        runner.run(runner.chain().next(step, name="s", retries=2, retry_on=lambda exc: 1 / 0))
    assert lines()[0] == (
        "ERROR",
        "retry_on of step 's' raised ZeroDivisionError: division by zero; the run continued",
    )


class Interrupted(BaseException):
    """Neither an `Exception` nor a cancellation."""


@pytest.mark.parametrize("error", [Interrupted, asyncio.CancelledError, KeyboardInterrupt])
def test_what_is_no_exception_is_never_retried(runner: Runner, error: type[BaseException]) -> None:
    """`retry_on=(BaseException,)` is accepted, and changes nothing: it passes as it is."""
    if runner.has_threads and error is not Interrupted:
        pytest.skip("a thread does not raise these")
    function, step = flaky(runner, error())
    chain = runner.chain().next(step, retries=5, retry_on=(BaseException,))
    with no_waiting(), pytest.raises(error):
        runner.run(chain)
    assert function.calls == 1


def test_without_jitter_the_delays_are_the_schedule(runner: Runner) -> None:
    """`backoff * 2 ** (n - 1)`, and no more than `max_backoff`."""
    _, step = flaky(runner, *[ValueError()] * 5)
    with fake_clock() as clock:
        runner.run(runner.chain(jitter=False).next(step, retries=5))
    assert clock.slept == [1.5, 3.0, 6.0, 10.0, 10.0]


@pytest.mark.guarantee(38)
def test_jitter_is_drawn_after_the_cap(runner: Runner) -> None:
    """At saturation the delays still spread over all that the cap allows."""
    _, step = flaky(runner, *[ValueError()] * 6)
    with fake_clock() as clock, fake_random(0.5, 0.25, 0.5):
        runner.run(runner.chain().next(step, retries=6, backoff=4, max_backoff=10))
    assert clock.slept == [2.0, 2.0, 5.0, 5.0, 2.5, 5.0]


def test_a_thousand_retries_do_not_overflow(runner: Runner) -> None:
    """The schedule of very many retries is as long as it takes to reach the cap."""
    function, step = flaky(runner, *[ValueError()] * 2000)
    with fake_clock() as clock, fake_random(0.5):
        runner.run(runner.chain().next(step, retries=10**9))
    assert function.calls == 2001
    assert max(clock.slept) == 5.0


def test_no_backoff_is_no_delay(runner: Runner) -> None:
    """`backoff=0` retries at once."""
    _, step = flaky(runner, *[ValueError()] * 3)
    with fake_clock() as clock:
        runner.run(runner.chain().next(step, retries=3, backoff=0))
    assert clock.slept == []


def test_retries_really_wait(runner: Runner) -> None:
    """Without a fake clock the delay passes."""
    _, step = flaky(runner, ValueError())
    chain = runner.chain(jitter=False).next(step, name="s", retries=1, backoff=0.05)
    (report,) = runner.run(chain).steps
    assert report.seconds > 0.04


def test_a_retry_is_a_warning(runner: Runner, lines: Any) -> None:
    """It says which step, which attempt, when the next one comes, and why."""
    _, step = flaky(runner, ValueError("boom"))
    with fake_clock():
        runner.run(runner.chain(jitter=False).next(step, name="s", retries=1))
    assert lines() == [
        ("WARNING", "step 's': attempt 1 failed, retrying in 1.5 s: ValueError: boom")
    ]


def test_no_line_is_made_below_the_level(runner: Runner, caplog: pytest.LogCaptureFixture) -> None:
    """Where warnings are off there are none, and nothing is redacted for them."""
    caplog.set_level(logging.ERROR, "headrace.chain")
    redacted: list[str] = []

    def redact(line: str) -> str:
        redacted.append(line)
        return line

    _, step = flaky(runner, ValueError("boom"))
    with no_waiting():
        runner.run(runner.chain(redact=redact).next(step, retries=1))
    assert (caplog.records, redacted) == ([], [])


def test_a_final_failure_is_an_error_line(runner: Runner, lines: Any) -> None:
    """Once, with the text of the error."""
    _, step = flaky(runner, ValueError("boom"))
    with pytest.raises(StepFailedError) as caught:
        runner.run(runner.chain().next(step, name="s"))
    assert lines() == [("ERROR", str(caught.value))]


def test_a_stop_iteration_is_an_error_like_any_other(runner: Runner) -> None:
    """It neither ends the run in silence nor hangs it."""
    chain = runner.chain().next(lambda: next(iter([])), name="s", retries=1)
    with no_waiting(), pytest.raises(StepFailedError, match="after 2 attempts: StopIteration") as c:
        runner.run(chain)
    assert isinstance(c.value.__cause__, StopIteration)


@pytest.mark.parametrize("numbers", [(), (1.0,), (-0.1,)])
def test_the_fake_random_source_takes_numbers_below_one(numbers: tuple[float, ...]) -> None:
    """Anything that could not be drawn is refused."""
    with pytest.raises(ValueError, match="fake_random"), fake_random(*numbers):
        pass


def test_the_real_random_source_spreads_over_the_whole_range() -> None:
    """Draws are from 0 (included) to 1, and differ."""
    from headrace._process import clock

    drawn = [clock.draw() for _ in range(200)]
    assert all(0 <= number < 1 for number in drawn)
    assert min(drawn) < 0.2
    assert max(drawn) > 0.8
    assert len(set(drawn)) == 200


# --- groups ---------------------------------------------------------------------------------------


def _group(*errors: Exception) -> ExceptionGroup:
    return ExceptionGroup("tasks", [ExceptionGroup("more", errors)])


@pytest.mark.guarantee(86)
@pytest.mark.parametrize(
    "retry_on",
    [
        ConnectionError,
        (KeyError, OSError),
        lambda exc: isinstance(exc, ConnectionError),
        lambda exc: isinstance(exc, ExceptionGroup),
    ],
)
def test_a_group_is_retried_if_each_of_its_members_is(runner: Runner, retry_on: Any) -> None:
    """A group is retried if the types or the predicate match all members."""
    calls: list[int] = []

    def fetch() -> None:
        calls.append(1)
        raise _group(ConnectionError(), ConnectionResetError())

    chain = runner.chain().next(runner.fn(fetch), retries=2, retry_on=retry_on)
    with no_waiting(), pytest.raises(StepFailedError):
        runner.run(chain)
    assert len(calls) == 3


@pytest.mark.guarantee(86)
@pytest.mark.parametrize(
    "retry_on", [ConnectionError, lambda exc: isinstance(exc, ConnectionError)]
)
def test_a_group_with_another_member_is_not_retried(runner: Runner, retry_on: Any) -> None:
    """The group is not retried, since a retry would not help the other member."""
    calls: list[int] = []

    def fetch() -> None:
        calls.append(1)
        raise _group(ConnectionError(), ValueError())

    with pytest.raises(StepFailedError):
        runner.run(runner.chain().next(runner.fn(fetch), retries=2, retry_on=retry_on))
    assert len(calls) == 1


@pytest.mark.guarantee(86)
def test_a_group_waits_for_its_longest_delay(runner: Runner) -> None:
    """The longest delay counts if the predicate returns one per member."""

    class TooMany(Exception):  # noqa: N818 - as clients name theirs
        def __init__(self, seconds: float | bool) -> None:
            self.seconds = seconds

    def fetch() -> None:
        raise _group(TooMany(3), TooMany(True), TooMany(7.0))

    def answer(exc: Exception) -> Any:
        return exc.seconds if isinstance(exc, TooMany) else None

    chain = runner.chain().next(runner.fn(fetch), retries=1, retry_on=answer)
    with fake_clock() as clock, pytest.raises(StepFailedError):
        runner.run(chain)
    assert clock.slept == [7.0]
