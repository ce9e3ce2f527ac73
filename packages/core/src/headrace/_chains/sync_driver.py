"""`Chain`: how it calls and waits. Everything else is in `walk`."""

from __future__ import annotations

import threading
from contextvars import copy_context
from types import CoroutineType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from headrace._context.variables import step_var
from headrace._process import clock as _clock

from .branches import call_chain
from .errors import StepFailedError
from .run import Run, begin, rows_of
from .undoing import fail
from .walk import perform

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Iterable

    from headrace._context.model import FlowContext

    from .plan import Plan, Row
    from .result import ChainResult
    from .run import Ended
    from .step import Step

T = TypeVar("T")

_set_step = step_var.set


def run(plan: Plan, unit: FlowContext, inputs: dict[str, Any]) -> ChainResult:
    """Run `plan` in `unit`, and return its context."""
    context, run = begin(plan, unit, inputs)
    if run is None:
        rows = rows_of(plan) if plan.has_templates else plan.rows
        ended = _walk(plan, rows, context, unit, None)
    else:
        with run.budget():
            ended = _walk(plan, run.rows, context, unit, run)
    if ended is None:
        return context
    try:
        raise drive(fail(_IO, *ended))
    finally:
        del ended  # its traceback holds this frame


def _walk(
    plan: Plan, rows: Iterable[Row], context: ChainResult, unit: FlowContext, run: Run | None
) -> Ended | None:
    """Run the steps; those that only call a function take a fast path.

    Returns:
        None, or the run and its exception. The exception is no longer being handled, so that it
        does not become the context of errors that the undos raise.
    """
    get, ends, clock = context.get, context._ends, _clock.perf_counter
    ended, coroutine = ends.append, CoroutineType
    waiting = iter(rows)
    failure: BaseException | None = None
    try:
        while True:
            try:
                for info, key, function, out in waiting:
                    if info is None:
                        break
                    _set_step(info)
                    result = function(context) if key is None else function(get(key))
                    if type(result) is coroutine:
                        raise _not_awaited(info.name, result, context)
                    if out is not None:
                        context[out] = result
                    ended(clock())
                else:
                    return None
            except BaseException as exc:
                failure = exc
            done = len(ends)
            if failure is not None and done == len(plan.steps):
                raise failure  # an interrupt after the last step
            run = run or Run(plan, context, unit)
            drive(perform(_IO, run, plan.steps[done], failure))
            failure = None
    except BaseException as exc:
        return run or Run(plan, context, unit), exc
    finally:
        failure = None  # its traceback holds this frame


def drive(work: Coroutine[Any, Any, T]) -> T:
    """Run `work`, which never suspends, to its end."""
    try:
        work.send(None)
    except StopIteration as stop:
        # Kept in no variable: it may be an error, whose traceback holds this frame.
        return cast("T", stop.value)
    raise RuntimeError("a sync chain cannot wait for an event loop")


class _SyncIO:
    """Calls where it is, waits by sleeping, and runs branches in threads."""

    async def call(self, run: Run, step: Step) -> tuple[Any, BaseException | None]:
        try:
            if step.plan is not None:
                return await call_chain(self, run, step, step.plan), None
            result = step.call(run.context)
        except Exception as exc:
            return None, exc
        if type(result) is CoroutineType:
            return None, _not_awaited(step.name, result, run.context)
        return result, None

    async def ask(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        answer = function(*args, **kwargs)
        if type(answer) is CoroutineType:
            answer.close()
            raise TypeError("it returned a coroutine, which a Chain cannot await; use AsyncChain")
        return answer

    async def undo(self, function: Callable[[Any], Any], result: Any) -> None:
        await self.ask(function, result)

    async def sleep(self, seconds: float) -> None:
        _clock.sleep(seconds)

    async def see_through(self, work: Coroutine[Any, Any, T]) -> T:
        return await work

    async def settle(self, run: Run, waiting: str, steps: Collection[Step] | None = None) -> None:
        """Do nothing: a sync driver waits for every call to finish."""

    async def run_inside(self, run: Run) -> BaseException | None:
        with run.budget():
            ended = _walk(run.plan, run.rows, run.context, run.unit, run)
        try:
            return None if ended is None else ended[1]
        finally:
            del ended  # its traceback holds this frame

    async def run_branches(self, runs: list[Run]) -> list[tuple[Run, BaseException | None]]:
        from concurrent.futures import ThreadPoolExecutor

        branches = _Branches()
        try:
            with ThreadPoolExecutor(len(runs), thread_name_prefix="headrace-chain") as pool:
                for run in runs:
                    pool.submit(copy_context().run, branches.run, run)
        except BaseException:  # a signal, which may keep the pool from joining its threads
            branches.close()
            raise
        return branches.ended


_IO = _SyncIO()


class _Branches:
    """Branches in threads, which an interrupted run waits for, since it undoes what they do.

    Attributes:
        ended: the branches that have ended, with what each has raised.
    """

    __slots__ = ("_changed", "_is_closed", "_running", "ended")

    def __init__(self) -> None:
        self.ended: list[tuple[Run, BaseException | None]] = []
        self._changed = threading.Condition()
        self._running = 0
        self._is_closed = False

    def run(self, run: Run) -> None:
        """Run a branch, unless `close` was called before."""
        with self._changed:
            if self._is_closed:
                return
            self._running += 1
        # Returns nothing: the thread's frames would keep the error, which refers back to them.
        try:
            self.ended.append((run, drive(_IO.run_inside(run))))
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Let no other branch begin, and wait for those that have begun."""
        with self._changed:
            self._is_closed = True
            self._changed.wait_for(lambda: not self._running)


def _not_awaited(step: str, coroutine: Any, context: ChainResult) -> StepFailedError:
    coroutine.close()  # so that nobody complains that it was never awaited
    error = StepFailedError(
        step, "it returned a coroutine, which a Chain cannot await; use AsyncChain"
    )
    error.result = context
    return error
