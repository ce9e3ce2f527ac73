"""The walk through the steps of a run: attempts, retries, validation, hooks, branches.

Written once for all drivers: its coroutines await nothing but their `Driver`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from headrace._callables import own_name
from headrace._context.attachments import add_chain_steps, is_logged
from headrace._context.variables import set_step
from headrace._exceptions.control_flow import ends_run, is_control_flow
from headrace._messages.text import plain_text
from headrace._process import clock

from .messages import (
    adopted,
    complain,
    describe,
    failed,
    is_on,
    log,
    log_result,
    rejected,
    shown,
    together,
    too_late,
    verdict,
)
from .plan import Parallel
from .retries import next_delay
from .run import Undo
from .step import StepName
from .undo import any_pending, clear, fail

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace._context.dispatcher import StepDispatcher

    from .plan import Plan
    from .result import ChainResult
    from .run import Driver, Run
    from .step import Step


async def complete(
    driver: Driver, run: Run, failure: BaseException | None = None
) -> BaseException | None:
    """Run the remaining steps of a run; if one fails, undo the finished ones.

    Args:
        driver: how to call and wait.
        run: the run.
        failure: what the first attempt at the next step raised, if the fast path made it.

    Returns:
        None, or the error to raise.
    """
    failure = await walk(driver, run, failure)
    try:
        while failure is not None:
            try:
                return await fail(driver, run, failure)
            except BaseException as exc:
                # A signal interrupted the undos: continue with the remaining ones. The loop ends,
                # since each undo is taken only once.
                is_signal = ends_run(exc) and not isinstance(exc, GeneratorExit)
                if not is_signal or not run.undos.waiting:
                    raise
                exc.__cause__ = failure
                failure = exc
        return None
    finally:
        failure = None  # its traceback holds this frame
        if run.dispatcher is not None and is_logged(run.unit):
            _record(run)


def _record(run: Run) -> None:
    """Keep the outcomes of the steps for the log line of the unit."""
    add_chain_steps(
        run.unit,
        (
            {"step": plain_text(each.name), "outcome": each.outcome, "attempts": each.attempts}
            for each in run.context.steps
        ),
    )


async def walk(
    driver: Driver, run: Run, failure: BaseException | None = None
) -> BaseException | None:
    """Run the remaining steps of a run, or of a branch.

    Args:
        driver: how to call and wait.
        run: the run, or the branch.
        failure: what the first attempt at the next step raised, if the fast path made it.

    Returns:
        None, or the exception that ended the run. Returned rather than raised, so that it does not
        become the context of errors that undos raise.
    """
    try:
        if run.until is None:
            await _steps(driver, run, failure)
        else:
            with run.budget():
                await _steps(driver, run, failure)
    except BaseException as exc:
        return exc
    finally:
        failure = None  # its traceback holds this frame
    return None


async def _steps(driver: Driver, run: Run, failure: BaseException | None) -> None:
    steps, ends, stepwise = run.plan.steps, run.context._ends, driver.stepwise
    rows = run.plan.special_rows if stepwise else run.rows
    try:
        while True:
            done = len(ends)
            if failure is None and done < len(steps) and rows[done][0] is not None:
                failure = await driver.call_plain(rows[done:], run.context)
                done = len(ends)
            if done == len(steps):
                if failure is not None:
                    raise failure  # an interrupt that arrived after the last step
                return
            step = steps[done]
            if stepwise:
                await driver.before_step(run, step)
            if isinstance(step, Parallel):
                await _branches(driver, run, step)
            else:
                await _step(driver, run, step, failure)
            failure = None
    finally:
        failure = None


async def _step(driver: Driver, run: Run, step: Step, failure: BaseException | None) -> None:
    """Run a step, unless its condition is false, with retries, validation and hooks.

    Args:
        driver: how to call and wait.
        run: the run.
        step: the step.
        failure: what the first attempt raised, if the fast path made it.

    Raises:
        BaseException: the error that ends the run.
    """
    run.step, run.attempts = step, 0
    try:
        if failure is None:
            set_step(step.info)
            if step.condition is not None and not await driver.decide(
                run, "when", step.condition, run.context
            ):
                run.note("skipped", "condition was false")
                run.context._ends.append(clock.perf_counter())
                return
            if run.limit is not None:
                await _check_time(driver, run)
        if run.dispatcher is not None and step.emits:
            await _observed(driver, run, run.dispatcher, failure)
        else:
            await _do(driver, run, step, failure)
    except BaseException as exc:
        error, outcome, reason = verdict(run, exc)
        try:
            run.note(outcome, reason)
            if error is exc:
                raise
            raise error from exc
        finally:
            del error  # its traceback holds this frame
    finally:
        failure = None
    if run.attempts > 1:
        run.note("ok")
    run.context._ends.append(clock.perf_counter())


async def _observed(
    driver: Driver, run: Run, dispatcher: StepDispatcher, failure: BaseException | None
) -> None:
    state = dispatcher.begin(run.step.info, run.unit)
    try:
        await _do(driver, run, run.step, failure)
    except BaseException as exc:
        dispatcher.end(state, shown(run, exc))
        raise
    finally:
        failure = None
    dispatcher.end(state, None)


async def _do(driver: Driver, run: Run, step: Step, failure: BaseException | None) -> None:
    context, settings = run.context, run.plan.settings
    has_hooks = (
        run.plan.has_hooks and step.plan is None
    )  # a nested chain's hooks are called for its own steps
    if has_hooks and settings.before_step is not None:
        await _notify(
            driver,
            run,
            "before_step",
            settings.before_step,
            step=StepName.of(step),
            context=context,
        )
    result = None
    run.attempts = 1
    if failure is None:
        result, failure = await driver.call(run, step)
    if failure is not None:
        try:
            result = await _try_again(driver, run, step, failure)
        finally:
            failure = None  # its traceback holds this frame
    if step.undo is not None:
        run.undos.waiting.append(Undo((step, result)))  # first, since whatever follows can fail
    if step.validate is not None:
        await _validate(driver, run, step.validate, result)
    if step.out is not None:
        context[step.out] = result
    if has_hooks and settings.after_step is not None:
        await _notify(
            driver,
            run,
            "after_step",
            settings.after_step,
            step=StepName.of(step),
            context=context,
            result=result,
            elapsed=run.elapsed(),
        )
    if step.log is not None:
        await _notify(driver, run, "log", step.log, context, result)
    if step.template is not None and is_on(logging.INFO):
        await _notify(driver, run, "log_fmt", log_result, run, step.template, result)


# --- retries --------------------------------------------------------------------------------------


async def _try_again(driver: Driver, run: Run, step: Step, failure: BaseException | None) -> Any:
    """Call the step until it succeeds, or its retries or the deadline forbid another attempt."""
    result = None
    try:
        while failure is not None:
            delay = None
            if run.attempts <= step.retries.count and isinstance(failure, Exception):
                delay = await driver.decide(run, "retry", next_delay, run, failure)
            if delay is None or not await _is_clear(driver, run, failure, delay):
                # A coroutine cannot raise a StopIteration.
                raise failed(run, failure) if isinstance(failure, StopIteration) else failure
            await _wait(driver, run, failure, delay)
            run.attempts += 1
            result, failure = await driver.call(run, step)
    finally:
        failure = None
    return result


async def _is_clear(driver: Driver, run: Run, failure: BaseException, delay: float) -> bool:
    """Undo what the last attempt did; return whether the next one may start."""
    step, undos = run.step, run.undos
    if step.undo is None and step.plan is None and not undos.late:
        return True
    steps = step.covered()
    if not any_pending(run, steps):
        return True
    await _check_time(driver, run, failure, delay if clock.waits else 0.0)
    return await clear(driver, run, failure, steps)


async def _wait(driver: Driver, run: Run, failure: BaseException, delay: float) -> None:
    attempt = run.attempts
    pause = delay if clock.waits else 0.0
    await _check_time(driver, run, failure, pause)
    hook = run.plan.settings.on_retry
    if hook is not None:
        about = {"exc": failure, "attempt": attempt, "next_delay": delay}
        await _notify(driver, run, "on_retry", hook, step=StepName.of(run.step), **about)
    if is_on(logging.WARNING):
        line = (
            f"step {run.step.name!r}: attempt {attempt} failed, retrying in "
            f"{pause:.3g} s: {describe(run, failure)}"
        )
        await driver.notify(run, "retry", log, run, logging.WARNING, line)
    await _check_time(driver, run, failure, pause)  # the hook took time
    if pause:
        await driver.sleep(run, pause)
    await _check_time(driver, run, failure)


async def _check_time(
    driver: Driver, run: Run, failure: BaseException | None = None, delay: float = 0.0
) -> None:
    """Raise if the deadline leaves no time for an attempt in `delay` seconds.

    Raises:
        DeadlineExceededError: it does not.
    """
    if run.limit is not None and not await driver.decide(run, "time", run.has_time, delay):
        raise too_late(run, failure, delay) from failure


# --- checks and hooks -----------------------------------------------------------------------------


async def _validate(driver: Driver, run: Run, validate: Callable[[Any], Any], result: Any) -> None:
    try:
        accepted = await driver.decide(run, "validate", validate, result) is not False
    except Exception as exc:
        if is_control_flow(exc):
            raise
        raise rejected(run, result, describe(run, exc, {run.step.out: result})) from exc
    if not accepted:
        raise rejected(run, result, f"{own_name(validate)} returned False")


async def _notify(
    driver: Driver, run: Run, what: str, function: Callable[..., Any], *args: Any, **about: Any
) -> None:
    try:
        await driver.notify(run, what, function, *args, **about)
    except Exception as exc:
        complain(run, f"{what} of step {run.step.name!r}", exc, *args, about.get("result"))


# --- runs within a run ----------------------------------------------------------------------------


async def run_nested(driver: Driver, run: Run, step: Step, plan: Plan) -> ChainResult:
    """Run the nested chain of the current step, and return its context.

    Raises:
        BaseException: the error that ended it; the outer run undoes its steps.
    """
    inputs = None
    if step.has_inputs:
        inputs = {**plan.values, **step.call(run.context)}
    inner = run.branch(plan, inputs)
    run.note_runs(step, [inner])
    failure = await walk(driver, inner)
    if step.out is None:
        run.take_outputs(inner)
    try:
        if failure is not None:
            raise adopted(run, failure, inner)
    finally:
        del failure  # its traceback holds this frame
    return inner.context


async def _branches(driver: Driver, run: Run, step: Parallel) -> None:
    """Run the branches of `step`, and copy their outputs into the context.

    Raises:
        BaseException: the most important error of the branches.
    """
    branches = [run.branch(plan) for plan in step.branches]
    run.note_runs(step, branches)
    ended = await driver.run_branches(run, step, branches)
    for branch in branches:
        run.take_outputs(branch)
    raised = [(branch, exc) for branch, exc in ended if exc is not None]
    try:
        if raised:
            raise together(run, raised)
    finally:
        del raised[:], ended[:]  # the traceback holds this frame, and the frames of the branches
    run.context._ends.append(clock.perf_counter())
