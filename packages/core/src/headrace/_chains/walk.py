"""What is done for a step, written once for both kinds of chain.

The functions are coroutines, and what they await belongs to an `IO`: how a chain calls and how it
waits. A `Chain` has one that never suspends, so that `drive` runs such a coroutine to its end
without any event loop.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from headrace._callables import own_name
from headrace._context.variables import step_var
from headrace._exceptions.control_flow import is_control_flow
from headrace._observation.outcomes import outcome_of
from headrace._process import clock as _clock

from .branches import perform_parallel
from .errors import ChainError, DeadlineExceededError, StepFailedError, ValidationFailedError
from .plan import Parallel
from .step import StepName
from .undoing import is_cleared

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine

    from headrace._observation.dispatch import Observer

    from .run import Run, Tally
    from .step import Step

T = TypeVar("T")

# Errors that a function raises when an argument is None; a broken connection is not among them.
_MISTAKES = (AssertionError, AttributeError, LookupError, TypeError, ValueError)


class IO(Protocol):
    """How a chain calls and waits."""

    async def call(self, run: Run, step: Step) -> tuple[Any, BaseException | None]:
        """Call the step's function once; return its result, or what it has raised."""
        ...

    async def run_inside(self, run: Run) -> BaseException | None:
        """Run a branch, or a chain that is a step, in the current task; return its exception."""
        ...

    async def settle(self, run: Run, waiting: str, steps: Collection[Step] | None = None) -> None:
        """Wait for timed-out calls of `steps` that are still running, up to the deadline.

        Args:
            run: the run.
            waiting: the part of the run that waits, for the log.
            steps: the steps to wait for, or None for all of the run.
        """
        ...

    async def ask(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a hook, a predicate or a callback."""
        ...

    async def undo(self, function: Callable[[Any], Any], result: Any) -> None:
        """Call the undo of a step with its result."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    async def see_through(self, work: Coroutine[Any, Any, T]) -> T:
        """Await `work` to its end, also where the run is being cancelled."""
        ...

    async def run_branches(self, runs: list[Run]) -> list[tuple[Run, BaseException | None]]:
        """Run the branches at once, and return what each has raised, in the order of their ends.

        One that was cancelled because another failed comes with a `Stopped`.
        """
        ...


async def perform(
    io: IO, run: Run, step: Step | Parallel, failure: BaseException | None = None
) -> None:
    """Do a step, with all that belongs to it; return when it is done, or skipped.

    Args:
        io: how to call and wait.
        run: the run.
        step: what to do.
        failure: what a first attempt, made by the quick way, has raised.

    Raises:
        BaseException: the error that ends the run.
    """
    if isinstance(step, Parallel):
        await perform_parallel(io, run, step)
        run.context._ends.append(_clock.perf_counter())
        return
    tally = run.tally(step)
    try:
        if failure is None:
            step_var.set(step.info)
            if step.condition is not None and not await io.ask(step.condition, run.context):
                run.note(tally, "skipped", "when said no")
                run.end(tally)
                return
            if run.limit is not None:
                run.check_time(tally)
        if run.observer is not None and step.emits:
            await _observed(io, run, run.observer, tally, failure)
        else:
            await _do(io, run, tally, failure)
    except BaseException as exc:
        verdict = _verdict(run, tally, exc)
        try:
            run.note(tally, *_outcome(run, verdict))
            if verdict is exc:
                raise
            raise verdict from exc
        finally:
            del verdict  # its traceback holds this frame
    finally:
        failure = None
    run.end(tally)


# --- a step ---------------------------------------------------------------------------------------


async def _observed(
    io: IO, run: Run, observer: Observer, tally: Tally, failure: BaseException | None
) -> None:
    state = observer.begin(tally.step.info, run.unit)
    try:
        await _do(io, run, tally, failure)
    except BaseException as exc:
        observer.end(state, run.shown(tally.step, exc))
        raise
    finally:
        failure = None
    observer.end(state, None)


async def _do(io: IO, run: Run, tally: Tally, failure: BaseException | None) -> None:
    step, context = tally.step, run.context
    settings = run.plan.settings
    hooks = step.plan is None  # the steps of a chain have their own
    if hooks and settings.before_step is not None:
        await _hook(io, run, step, "before_step", settings.before_step, context=context)
    result = None
    tally.attempts = 1
    if failure is None:
        result, failure = await io.call(run, step)
    if failure is not None:
        try:
            result = await _try_again(io, run, tally, failure)
        finally:
            failure = None  # it holds this frame, and this frame must not hold it
    run.undos.add(step, result)  # before anything else can fail
    if step.validate is not None:
        await _validate(io, run, step, step.validate, result)
    if step.out is not None:
        context[step.out] = result
    if hooks and settings.after_step is not None:
        about: dict[str, Any] = {"context": context, "result": result, "elapsed": tally.seconds}
        await _hook(io, run, step, "after_step", settings.after_step, **about)
    if step.log is not None:
        await _guarded(io, run, f"log of step {step.name!r}", step.log, context, result)
    if step.template is not None:
        run.log_result(step.template, result)


async def _try_again(io: IO, run: Run, tally: Tally, failure: BaseException | None) -> Any:
    """Call the step until it succeeds, as long as its retries and the deadline allow it."""
    result = None
    try:
        while failure is not None:
            delay = _delay(run, tally, failure)
            if delay is None or not await is_cleared(io, run, tally, failure, delay):
                raise _presentable(run, tally, failure)
            await _wait(io, run, tally, failure, delay)
            tally.attempts += 1
            result, failure = await io.call(run, tally.step)
    finally:
        failure = None
    return result


def _delay(run: Run, tally: Tally, exc: BaseException) -> float | None:
    retries, attempt = tally.step.retries, tally.attempts
    if attempt > retries.count or not isinstance(exc, Exception) or is_control_flow(exc):
        return None
    jitter = run.plan.settings.jitter
    if run.owns(exc):
        # A timeout of this very step is retried whatever retry_on says; nothing else of ours is.
        if isinstance(exc, DeadlineExceededError):
            return retries.scheduled(attempt, jitter)
        # For a chain that is a step, the error of its own step counts.
        cause = exc.__cause__ if tally.step.plan is not None else None
        if not isinstance(exc, StepFailedError) or not isinstance(cause, Exception):
            return None
        exc = cause
    if isinstance(exc, _MISTAKES) and run.unresolved_arguments(tally.step):
        return None  # the arguments are unchanged
    try:
        return retries.delay(exc, attempt, jitter)
    except Exception as error:
        run.complain(f"retry_on of step {tally.step.name!r}", error)
        return None


async def _wait(io: IO, run: Run, tally: Tally, exc: BaseException, delay: float) -> None:
    step, attempt = tally.step, tally.attempts
    pause = delay if _clock.waits else 0.0
    run.check_time(tally, exc, pause)
    hook = run.plan.settings.on_retry
    if hook is not None:
        about: dict[str, Any] = {"exc": exc, "attempt": attempt, "next_delay": delay}
        await _hook(io, run, step, "on_retry", hook, **about)
    run.log(
        logging.WARNING,
        f"step {step.name!r}: attempt {attempt} failed, the next one comes in {pause:.3g} s: "
        f"{run.describe(exc)}",
    )
    run.check_time(tally, exc, pause)  # the hook took its time, too
    if pause:
        await io.sleep(pause)
    run.check_time(tally, exc)


async def _validate(
    io: IO, run: Run, step: Step, validate: Callable[[Any], Any], result: Any
) -> None:
    try:
        accepted = await io.ask(validate, result) is not False
    except Exception as exc:
        if is_control_flow(exc):
            raise
        reason = run.describe(exc, {step.out: result}) + run.unresolved_arguments(step)
        raise run.own(ValidationFailedError(step.name, reason), 0, {step.out: result}) from exc
    if not accepted:
        reason = f"{own_name(validate)} returned False{run.unresolved_arguments(step)}"
        raise run.own(ValidationFailedError(step.name, reason), 0, {step.out: result})


async def _hook(
    io: IO, run: Run, step: Step, name: str, hook: Callable[..., Any], **about: Any
) -> None:
    what = f"{name} of step {step.name!r}"
    await _guarded(io, run, what, hook, step=StepName.of(step), **about)


async def _guarded(
    io: IO, run: Run, what: str, function: Callable[..., Any], *args: Any, **kwargs: Any
) -> None:
    try:
        await io.ask(function, *args, **kwargs)
    except Exception as exc:
        run.complain(what, exc, *args, kwargs.get("result"))


# --- ends -----------------------------------------------------------------------------------------


def _presentable(run: Run, tally: Tally, exc: BaseException) -> BaseException:
    # A coroutine cannot let a StopIteration through.
    return run.failed(tally, exc) if isinstance(exc, StopIteration) else exc


def _verdict(run: Run, tally: Tally, exc: BaseException) -> BaseException:
    """Return what the run ends with where a step has ended with `exc`."""
    if not isinstance(exc, Exception) or is_control_flow(exc):
        return exc
    if run.owns(exc) and isinstance(exc, ChainError):
        exc.attempts = exc.attempts or tally.attempts
        return exc
    return run.failed(tally, exc)


def _outcome(run: Run, verdict: BaseException) -> tuple[str, str]:
    if isinstance(verdict, ChainError) and run.owns(verdict):
        return "error", verdict.reason
    if outcome_of(verdict) == "cancelled":
        return "cancelled", "cancelled"
    if is_control_flow(verdict):
        return "stopped", run.describe(verdict)
    return "error", run.describe(verdict)
