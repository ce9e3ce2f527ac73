"""Undo the finished steps of a run or of an attempt."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from headrace._context.variables import step_var
from headrace._process import clock as _clock

from .errors import ChainError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from .run import Run, Tally
    from .step import Step
    from .walk import IO


async def fail(io: IO, run: Run, exc: BaseException) -> BaseException:
    """Undo the run, log why, and return the error for the caller, usually `exc`."""
    errors: list[BaseException] = []
    interrupt: BaseException | None = None
    try:
        if run.undos.are_due():
            errors = await io.see_through(_undo_all(io, run))
        interrupt = next((error for error in errors if not isinstance(error, Exception)), None)
        if run.owns(exc) and isinstance(exc, ChainError):
            exc.undo_errors += [error for error in errors if error is not interrupt]
            run.log(logging.ERROR, str(exc), failure=exc)
            run.seal(exc)
        else:
            run.conceal(exc)
        if interrupt is None:
            return exc
        interrupt.__cause__ = exc
        return interrupt
    finally:
        del exc, errors, interrupt  # see _undo_steps


async def is_cleared(io: IO, run: Run, tally: Tally, exc: BaseException, delay: float) -> bool:
    """Wait for and undo the attempt that raised `exc`; tell whether the next one may start."""
    steps = tally.step.covered()
    if not run.undos.concern(steps):
        return True
    run.check_time(tally, exc, delay if _clock.waits else 0.0)
    errors = await io.see_through(_clear(io, run, steps))
    interrupts = [error for error in errors if not isinstance(error, Exception)]
    try:
        if interrupts:
            raise interrupts[0]
        if isinstance(exc, ChainError):
            exc.undo_errors += errors
        return not errors
    finally:
        del errors[:], interrupts[:]  # the traceback holds this frame


async def _clear(io: IO, run: Run, steps: Collection[Step]) -> list[BaseException]:
    await io.settle(run, "the next attempt", steps)
    errors = await _undo_steps(io, run, steps)
    try:
        if not errors:
            for step in steps:
                run.undos.done.pop(step, None)
        return errors
    finally:
        del errors  # see _undo_steps


async def _undo_all(io: IO, run: Run) -> list[BaseException]:
    await io.settle(run, "the undo")
    return await _undo_steps(io, run, None)


async def _undo_steps(io: IO, run: Run, steps: Collection[Step] | None) -> list[BaseException]:
    errors: list[BaseException] = []
    while (undo := run.undos.take(steps)) is not None:
        errors += await undo_step(io.undo, run, undo.step, undo.function, undo.result)
    try:
        return errors
    finally:
        del errors  # since Python 3.12 the frame of undo_step holds the frame that awaits it


async def undo_step(
    call: Callable[[Callable[[Any], Any], Any], Awaitable[None]],
    run: Run,
    step: Step,
    function: Callable[[Any], Any],
    result: Any,
) -> list[BaseException]:
    """Undo `step`, and return its error: the remaining undos must still run.

    Args:
        call: how to call `function`.
        run: the run.
        step: the step.
        function: its undo function.
        result: its result.
    """
    try:
        step_var.set(step.info)
        await call(function, result)
        run.undos.done[step] = "undone"
    except BaseException as exc:
        try:
            reason = f"undo failed: {run.describe(exc, {step.out: result})}"
            run.undos.done[step] = reason
            run.conceal(exc, {step.out: result})
            run.log(logging.ERROR, f"step {step.name!r}: {reason}", exc)
        except BaseException as interrupt:
            return [exc, interrupt]
        return [exc]
    return []


def close(run: Run) -> None:
    """Log the steps left without undo when a run is closed and nothing can be awaited."""
    for late in list(run.undos.late):
        late.abandon()
    names = ", ".join(repr(undo.step.name) for undo in run.undos.waiting)
    if names:
        run.undos.waiting.clear()
        run.log(logging.ERROR, f"the run was closed before it finished; not undone: {names}")
