"""Undoing the finished steps of a failed run, or of a failed attempt."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from headrace._context.variables import get_step, set_step
from headrace._exceptions.control_flow import ends_run

from .errors import ChainError
from .messages import conceal, describe, is_on, log, seal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from .run import Driver, Run, Undo
    from .step import Step


def any_pending(run: Run, steps: Collection[Step]) -> bool:
    """Return whether one of `steps` is still running or can be undone."""
    return any(each.step in steps for each in run.undos.late) or any(
        step in steps for step, _ in run.undos.waiting
    )


def _are_due(run: Run) -> bool:
    """Return whether there is anything to undo, now or when a late call ends."""
    return bool(run.undos.waiting) or any(late.step.undo for late in run.undos.late)


def _take(run: Run, steps: Collection[Step] | None) -> Undo | None:
    """Remove and return the undo that is due next, or None.

    Args:
        run: the run.
        steps: the steps to consider, or None for all.
    """
    undo: Undo
    for undo in reversed(run.undos.waiting):
        if steps is None or undo[0] in steps:
            run.undos.waiting.remove(undo)
            return undo
    return None


async def fail(driver: Driver, run: Run, exc: BaseException) -> BaseException:
    """Undo the run, log the failure, and return the error to raise, usually `exc`."""
    errors: list[BaseException] = []
    interrupt: BaseException | None = None
    try:
        if _are_due(run):
            errors = await driver.finish(_undo_all(driver, run))
        interrupt = next((error for error in errors if ends_run(error)), None)
        if isinstance(exc, ChainError) and exc.result is run.context:
            exc.undo_errors += [error for error in errors if error is not interrupt]
            if is_on(logging.ERROR):
                log(run, logging.ERROR, str(exc), failure=exc)
            if run.unit.kind == "task":
                seal(run, exc)
        else:
            conceal(run, exc)
        if interrupt is None:
            return exc
        interrupt.__cause__ = exc
        return interrupt
    finally:
        del exc, errors, interrupt  # see _undo_steps


async def clear(driver: Driver, run: Run, exc: BaseException, steps: Collection[Step]) -> bool:
    """Undo what the attempt that raised `exc` did, once its late calls have ended.

    Args:
        driver: how to call and wait.
        run: the run.
        exc: the error of the attempt.
        steps: the current step, and the steps of its nested chain.

    Returns:
        Whether everything was undone, so that the next attempt may start.
    """
    errors = await driver.finish(_clear(driver, run, steps))
    interrupts = [error for error in errors if ends_run(error)]
    try:
        if interrupts:
            raise interrupts[0]
        if isinstance(exc, ChainError):
            exc.undo_errors += errors
        return not errors
    finally:
        del errors[:], interrupts[:]  # the traceback holds this frame


async def _clear(driver: Driver, run: Run, steps: Collection[Step]) -> list[BaseException]:
    await driver.settle(run, "the next attempt", steps)
    errors = await _undo_steps(driver, run, steps)
    try:
        if not errors:
            for step in steps:
                run.undos.done.pop(step, None)
        return errors
    finally:
        del errors  # see _undo_steps


async def _undo_all(driver: Driver, run: Run) -> list[BaseException]:
    if run.undos.late:
        await driver.settle(run, "the undo")
    return await _undo_steps(driver, run, None)


async def _undo_steps(
    driver: Driver, run: Run, steps: Collection[Step] | None
) -> list[BaseException]:
    errors: list[BaseException] = []
    failures: list[BaseException] = []
    failed = get_step()
    try:
        while (undo := _take(run, steps)) is not None:
            failures = await undo_step(driver.undo, run, *undo)
            errors += failures or await _say_undone(driver, run, undo[0])
        return errors
    finally:
        set_step(failed)  # the lines about the failure are not about a step that was undone
        # Since Python 3.12 the frame of undo_step holds the frame that awaits it.
        del errors, failures


async def _say_undone(driver: Driver, run: Run, step: Step) -> list[BaseException]:
    try:
        line = f"step {step.name!r} undone"
        await driver.notify(run, "undone", log, run, logging.INFO, line)
    except GeneratorExit:  # as in undo_step
        raise
    except BaseException as interrupt:  # the errors of earlier undos must not be lost
        return [interrupt]
    return []


async def undo_step(
    call: Callable[[Run, Step, Any], Awaitable[None]], run: Run, step: Step, result: Any
) -> list[BaseException]:
    """Undo `step`, and return errors instead of raising them, since more undos follow.

    Args:
        call: how to call the step's undo.
        run: the run.
        step: the step.
        result: its result.
    """
    try:
        set_step(step.info)
        await call(run, step, result)
        run.undos.done[step] = "undone"
    except GeneratorExit:  # closed: nothing can be awaited here
        raise
    except BaseException as exc:
        try:
            reason = f"undo failed: {describe(run, exc, {step.out: result})}"
            run.undos.done[step] = reason
            conceal(run, exc, {step.out: result})
            log(run, logging.ERROR, f"step {step.name!r}: {reason}", exc)
        except BaseException as interrupt:
            return [exc, interrupt]
        return [exc]
    return []


def close(run: Run) -> None:
    """Log which steps of a closed run were not undone, since nothing can be awaited there."""
    for late in list(run.undos.late):
        late.abandon()
    names = ", ".join(repr(step.name) for step, _ in run.undos.waiting)
    if names:
        run.undos.waiting.clear()
        log(run, logging.ERROR, f"the run was closed before it finished; not undone: {names}")
