"""The driver of `Chain`: calls in the current thread.

It never suspends, so `drive` can run the walk, a coroutine, to completion without an event loop.
"""

from __future__ import annotations

import threading
from contextvars import copy_context
from types import CoroutineType
from typing import TYPE_CHECKING, Any, TypeVar

from headrace import _state
from headrace._context.marks import mark
from headrace._context.model import FlowContext
from headrace._context.opening import nested_context, opening_id
from headrace._context.units import Unit
from headrace._context.variables import (
    get_budget,
    get_step,
    get_unit,
    reset_unit,
    set_step,
    set_unit,
)
from headrace._process import clock

from .errors import StepFailedError
from .run import Driver, Run, new_context, rows_of
from .walk import complete, run_nested, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine

    from headrace._context.dispatcher import Dispatcher

    from .plan import Parallel, Plan, Row
    from .result import ChainResult
    from .run import Ended
    from .step import Step


T = TypeVar("T")


def run(plan: Plan, flow: str, inputs: dict[str, Any]) -> ChainResult:
    """Run `plan` in the current unit of work, or in one of its own, and return its context.

    Args:
        plan: the plan.
        flow: the name of the unit that the run opens, or ``""``.
        inputs: the inputs of the run.
    """
    unit = get_unit()
    outer = get_step()
    dispatcher = _state.dispatcher
    if dispatcher is not None and not dispatcher.enabled():
        dispatcher = None
    if unit is not None:
        try:
            return _run_in(unit, plan, inputs, dispatcher)
        finally:
            set_step(outer)
    if dispatcher is not None or get_budget() is not None:
        with Unit(nested_context("flow", flow or None)) as unit:
            return _run_in(unit, plan, inputs, dispatcher)
    # Fast path without a `Unit`: no backend is listening, and no deadline is active.
    unit = FlowContext(opening_id(), None, "flow", flow or None)
    token = set_unit(unit)
    try:
        return _run_in(unit, plan, inputs, None)
    except BaseException as exc:
        mark(exc, unit)
        raise
    finally:
        reset_unit(token)
        set_step(outer)


def _run_in(
    unit: FlowContext, plan: Plan, inputs: dict[str, Any], dispatcher: Dispatcher | None
) -> ChainResult:
    """Run `plan` in `unit`, the current one, and return its context."""
    context = new_context(plan, unit, inputs)
    failure = None
    if (
        dispatcher is None
        and unit.deadline is None
        and not plan.has_deadline
        and get_budget() is None
    ):
        rows = rows_of(plan) if plan.has_templates else plan.rows
        failure = _call_plain(rows, context)
        if failure is None and len(context._ends) == len(rows):
            return context
    run = Run(plan, context, unit, dispatcher)
    try:
        failure = drive(complete(_DRIVER, run, failure))
        if failure is not None:
            raise failure
    finally:
        del failure  # its traceback holds this frame
    return context


def _call_plain(rows: tuple[Row, ...], context: ChainResult) -> BaseException | None:
    get, ended, now = context.get, context._ends.append, clock.perf_counter
    coroutine = CoroutineType
    try:
        for info, key, function, out in rows:
            if info is None:
                break
            set_step(info)
            result = function(context) if key is None else function(get(key))
            if type(result) is coroutine:
                raise _not_awaited(info.name, result, context)
            if out is not None:
                context[out] = result
            ended(now())
    except BaseException as exc:
        return exc
    return None


def drive(work: Coroutine[Any, Any, T]) -> T:
    """Run `work`, which never suspends, to completion."""
    try:
        work.send(None)
    except StopIteration as stop:
        # Not kept in a variable: the value may be an error whose traceback holds this frame.
        return stop.value  # type: ignore[no-any-return]
    raise RuntimeError("a sync chain cannot wait for an event loop")


class SyncDriver(Driver):
    """Calls in the current thread, sleeps to wait, and runs branches in threads."""

    async def before_step(self, run: Run, step: Step | Parallel) -> None: ...

    async def call_plain(self, rows: tuple[Row, ...], context: ChainResult) -> BaseException | None:
        return _call_plain(rows, context)

    async def call(self, run: Run, step: Step) -> tuple[Any, BaseException | None]:
        context = run.context
        try:
            if step.plan is not None:
                return await run_nested(self, run, step, step.plan), None
            key = step.key
            result = step.call(context) if key is None else step.target(context.get(key))
        except Exception as exc:
            return None, exc
        if type(result) is CoroutineType:
            return None, _not_awaited(step.name, result, context)
        return result, None

    async def decide(self, run: Run, what: str, function: Callable[..., Any], *args: Any) -> Any:
        return _answer_of(function(*args))

    async def notify(
        self, run: Run, what: str, function: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> None:
        _answer_of(function(*args, **kwargs))

    async def undo(self, run: Run, step: Step, result: Any) -> None:
        undo: Any = step.undo
        _answer_of(undo(result))

    async def sleep(self, run: Run, seconds: float) -> None:
        clock.sleep(seconds)

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        return await work

    async def settle(self, run: Run, waiting: str, steps: Collection[Step] | None = None) -> None:
        """Do nothing: every call has ended, since none can time out."""

    async def run_branches(self, run: Run, step: Parallel, branches: list[Run]) -> list[Ended]:
        from concurrent.futures import ThreadPoolExecutor

        threads = _Branches(self)
        try:
            with ThreadPoolExecutor(len(branches), thread_name_prefix="headrace-chain") as pool:
                for branch in branches:
                    pool.submit(copy_context().run, threads.run, branch)
        except BaseException:  # a signal, which may have kept the pool from joining its threads
            threads.close()
            raise
        return threads.ended


_DRIVER = SyncDriver()


class _Branches:
    """Branches in threads. An interrupted run waits for them before it undoes their steps.

    Args:
        driver: how to call and wait.

    Attributes:
        ended: the branches that have ended, each with its exception or None.
    """

    __slots__ = ("_changed", "_driver", "_is_closed", "_running", "ended")

    def __init__(self, driver: SyncDriver) -> None:
        self._driver = driver
        self.ended: list[Ended] = []
        self._changed = threading.Condition()
        self._running = 0
        self._is_closed = False

    def run(self, branch: Run) -> None:
        """Run a branch, unless `close` was called before."""
        with self._changed:
            if self._is_closed:
                return
            self._running += 1
        # Returns nothing: an error and the frames of the thread would refer to each other.
        try:
            self.ended.append((branch, drive(walk(self._driver, branch))))
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Start no further branches, and wait for those that are running."""
        with self._changed:
            self._is_closed = True
            self._changed.wait_for(lambda: not self._running)


def _answer_of(answer: Any) -> Any:
    if type(answer) is CoroutineType:
        answer.close()
        raise TypeError("it returned a coroutine, which a Chain cannot await; use AsyncChain")
    return answer


def _not_awaited(step: str, coroutine: Any, context: ChainResult) -> StepFailedError:
    coroutine.close()  # or Python warns that it was never awaited
    error = StepFailedError(
        step, "it returned a coroutine, which a Chain cannot await; use AsyncChain"
    )
    error.result = context
    return error
