"""A framework's own exceptions are not failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import headrace.testing
from headrace._exceptions import control_flow
from headrace._process.testing import no_waiting
from headrace.backends import outcome_of
from headrace.integration import register_control_flow

if TYPE_CHECKING:
    from tests.chains.runners import Runner


class NotFound(Exception):  # noqa: N818 - as frameworks name theirs
    """As a framework has it: an answer, not an error."""


class Again(BaseException):
    """As a task queue might have it."""


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register them for the test."""
    monkeypatch.setattr(control_flow, "_registered", {})
    register_control_flow(NotFound, Again)


def test_only_exception_types_can_be_registered() -> None:
    """Anything else is refused."""
    with pytest.raises(TypeError, match="takes exception types"):
        register_control_flow(int)  # type: ignore[arg-type]


@pytest.mark.guarantee(43)
@pytest.mark.parametrize("error", [NotFound, Again])
@pytest.mark.parametrize("plain", [True, False])
def test_control_flow_passes_through_as_it_is(
    runner: Runner, lines: Any, error: type[BaseException], plain: bool
) -> None:
    """Neither retried nor wrapped nor logged, whatever `retry_on` says; the undo runs and is."""
    calls: list[int] = []
    undone: list[str] = []
    raised = error("no such order")

    def find() -> None:
        calls.append(1)
        raise raised

    options = {} if plain else {"validate": lambda result: True}
    chain = runner.chain().next(runner.fn(lambda: "a"), undo=runner.fn(undone.append))
    chain.next(runner.fn(find), retries=5, retry_on=BaseException, **options)
    with no_waiting(), pytest.raises(error) as caught:
        runner.run(chain)
    assert caught.value is raised
    assert caught.value.__cause__ is None
    assert (calls, undone) == ([1], ["a"])
    assert lines() == [("INFO", "step '<lambda>' undone")]


@pytest.mark.guarantee(43)
@pytest.mark.parametrize("argument", ["validate", "when"])
def test_control_flow_in_a_validation_or_predicate_passes_through(
    runner: Runner, argument: str
) -> None:
    """A validator may answer for the framework, too."""

    def refuse(_: Any) -> None:
        raise NotFound("refused")

    chain = runner.chain().next(runner.fn(lambda: 1), **{argument: refuse})
    with pytest.raises(NotFound, match="refused"):
        runner.run(chain)


@pytest.mark.guarantee(43)
def test_control_flow_in_a_branch_comes_before_failures(runner: Runner, lines: Any) -> None:
    """It ends the run as it would have without branches."""

    def find() -> None:
        raise NotFound("no such order")

    def fail() -> None:
        raise ValueError("boom")

    chain = runner.chain().parallel(
        runner.chain().next(fail, name="a"), runner.chain().next(find, name="b")
    )
    if runner.is_async:  # which of them is first is up to the threads: make it one
        chain = runner.chain().parallel(runner.chain().next(find, name="b"))
    with pytest.raises(NotFound):
        runner.run(chain)


def test_a_failing_undo_is_logged_where_control_flow_passes(runner: Runner, lines: Any) -> None:
    """The framework's exception is not changed; the log has the undo's error."""

    def find() -> None:
        raise NotFound("no such order")

    def broken(_: Any) -> None:
        raise OSError("stuck")

    chain = runner.chain().next(runner.fn(lambda: 1), name="a", undo=runner.fn(broken))
    with pytest.raises(NotFound):
        runner.run(chain.next(runner.fn(find)))
    assert lines() == [("ERROR", "step 'a': undo failed: OSError: stuck")]


def test_the_report_says_that_the_run_was_stopped(runner: Runner) -> None:
    """Hooks that keep the context see the outcome `stopped`."""
    contexts: list[Any] = []

    def find() -> None:
        raise NotFound("no such order")

    chain = runner.chain(before_step=lambda step, context: contexts.append(context))
    with pytest.raises(NotFound):
        runner.run(chain.next(runner.fn(find), name="find"))
    (report,) = contexts[0].steps
    assert (report.outcome, report.reason) == ("stopped", "NotFound: no such order")


def test_backends_see_control_flow_as_it_is(runner: Runner) -> None:
    """As with any step: the exception passes through them."""

    def find() -> None:
        raise NotFound("no such order")

    with headrace.testing.capture() as captured, pytest.raises(NotFound):
        runner.run(runner.chain("finding").next(runner.fn(find), name="find"))
    (step,) = captured.steps
    assert isinstance(step.error, NotFound)


@pytest.mark.guarantee(86)
@pytest.mark.parametrize("error", [NotFound, Again])
def test_a_group_of_nothing_but_control_flow_passes_through(
    runner: Runner, error: type[BaseException]
) -> None:
    """A group of control flow, at any depth, is neither retried nor wrapped."""
    calls: list[int] = []
    undone: list[str] = []
    raised = BaseExceptionGroup("tasks", [error("a"), BaseExceptionGroup("more", [error("b")])])

    def find() -> None:
        calls.append(1)
        raise raised

    chain = runner.chain().next(runner.fn(lambda: "a"), undo=runner.fn(undone.append))
    chain.next(runner.fn(find), retries=5, retry_on=BaseException)
    with no_waiting(), pytest.raises(BaseExceptionGroup) as caught:
        runner.run(chain)
    assert caught.value is raised
    assert (calls, undone) == ([1], ["a"])


@pytest.mark.guarantee(86)
def test_a_group_with_a_failure_in_it_is_a_failure(runner: Runner) -> None:
    """One member that is not control flow makes the group a failure."""

    def find() -> None:
        raise ExceptionGroup("tasks", [NotFound("a"), ValueError("b")])

    with pytest.raises(headrace.StepFailedError):
        runner.run(runner.chain().next(runner.fn(find)))


@pytest.mark.guarantee(86)
def test_a_group_has_the_outcome_of_all_its_members() -> None:
    """The group gets the outcome of its members' type, registered like Celery's retries."""

    class Retry(Exception):  # noqa: N818 - as Celery names its own
        pass

    register_control_flow(Retry, outcome="retry")
    retry, other = Retry(), NotFound()
    assert outcome_of(ExceptionGroup("", [retry, ExceptionGroup("", [Retry()])])) == "retry"
    assert outcome_of(ExceptionGroup("", [retry, other])) == "error"
    assert outcome_of(ExceptionGroup("", [retry, ValueError()])) == "error"
