"""The driver of `AsyncChain`: awaits on the asyncio event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar, cast

from headrace import _state
from headrace._context.marks import mark
from headrace._context.model import FlowContext
from headrace._context.opening import nested_context, opening_id
from headrace._context.units import Unit
from headrace._context.variables import get_budget, get_step, get_unit, set_step, set_unit
from headrace._process import clock

from .arguments import COROUTINE, GENERATOR, kind_of
from .errors import DeadlineExceededError
from .messages import Stopped, own
from .run import Driver, Run, new_context, rows_of
from .threads import (
    LateCall,
    ThreadCall,
    create_unregistered_task,
    is_awaitable,
    settle,
    settled,
    until_done,
)
from .undo import close
from .walk import complete, run_nested, walk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable

    from headrace._context.dispatcher import Dispatcher
    from headrace._step_info import StepInfo

    from .plan import Parallel, Plan, Row
    from .result import ChainResult
    from .run import Ended
    from .step import Step
    from .threads import Outcome

T = TypeVar("T")

_PLAIN = frozenset([bool, float])


async def run(plan: Plan, flow: str, inputs: dict[str, Any]) -> ChainResult:
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
            return await _run_in(unit, plan, inputs, dispatcher)
        finally:
            _restore(unit, unit, outer)
    if dispatcher is not None or get_budget() is not None:
        with Unit(nested_context("flow", flow or None)) as unit:
            return await _run_in(unit, plan, inputs, dispatcher)
    unit = FlowContext(opening_id(), None, "flow", flow or None)
    set_unit(unit)
    try:
        return await _run_in(unit, plan, inputs, None)
    except BaseException as exc:
        mark(exc, unit)
        raise
    finally:
        _restore(unit, None, outer)


def _restore(
    unit: FlowContext, outer_unit: FlowContext | None, outer_step: StepInfo | None
) -> None:
    """Restore the previous unit and step, if `unit` is still current.

    A coroutine may be closed in a context other than its own, which must be left alone.
    """
    if get_unit() is unit:
        if outer_unit is not unit:
            set_unit(outer_unit)
        set_step(outer_step)


async def _run_in(
    unit: FlowContext, plan: Plan, inputs: dict[str, Any], dispatcher: Dispatcher | None
) -> ChainResult:
    context = new_context(plan, unit, inputs)
    failure = None
    if (
        dispatcher is None
        and unit.deadline is None
        and not plan.has_deadline
        and get_budget() is None
    ):
        rows = rows_of(plan) if plan.has_templates else plan.rows
        failure = await _call_plain(rows, context)
        if failure is None and len(context._ends) == len(rows):
            return context
    run = Run(plan, context, unit, dispatcher)
    try:
        failure = await complete(_DRIVER, run, failure)
        if failure is not None:
            raise failure
    except GeneratorExit:  # closed: nothing can be awaited here
        close(run)
        raise
    finally:
        del failure  # its traceback holds this frame
    return context


async def _call_plain(rows: tuple[Row, ...], context: ChainResult) -> BaseException | None:
    get, ended, now = context.get, context._ends.append, clock.perf_counter
    try:
        for info, key, function, out in rows:
            if info is None:
                break
            set_step(info)
            result = await (function(context) if key is None else function(get(key)))
            if out is not None:
                context[out] = result
            ended(now())
    except BaseException as exc:
        return exc
    return None


class AsyncDriver(Driver):
    """Awaits on the event loop, runs sync functions in threads, and branches in tasks."""

    async def before_step(self, run: Run, step: Step | Parallel) -> None: ...

    async def call_plain(self, rows: tuple[Row, ...], context: ChainResult) -> BaseException | None:
        return await _call_plain(rows, context)

    async def call(self, run: Run, step: Step) -> Outcome:
        call = None
        try:
            if step.kind is COROUTINE:
                key, context = step.key, run.context
                work = step.call(context) if key is None else step.target(context.get(key))
                return await (work if step.timeout is None else _bounded(run, step, work)), None
            if step.plan is not None:
                return await _bounded(run, step, run_nested(self, run, step, step.plan)), None
            if step.kind is GENERATOR:
                return step.call(run.context), None
            call = ThreadCall(step.call, run.context)
            return cast("Outcome", await _bounded(run, step, settled(call)))
        except Exception as exc:
            return None, exc
        finally:
            if call is not None and not call.is_taken and not call.withdraw():
                LateCall(run, step, call)

    async def decide(self, run: Run, what: str, function: Callable[..., Any], *args: Any) -> Any:
        answer = function(*args)
        if answer is None or type(answer) in _PLAIN or not is_awaitable(answer):
            return answer
        return await answer

    async def notify(
        self, run: Run, what: str, function: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> None:
        answer = function(*args, **kwargs)
        if is_awaitable(answer):
            await answer

    async def undo(self, run: Run, step: Step, result: Any) -> None:
        undo: Any = step.undo
        if kind_of(undo) is COROUTINE:
            await undo(result)
            return
        # In a pool of its own: calls that never return may occupy all threads of the event loop's.
        pool = ThreadPoolExecutor(1, thread_name_prefix="headrace-undo")
        try:
            _, failure = await settled(ThreadCall(undo, result, pool=pool))
        finally:
            pool.shutdown(wait=False)
        try:
            if failure is not None:
                raise failure
        finally:
            del failure  # its traceback holds this frame

    async def settle(self, run: Run, waiting: str, steps: Collection[Step] | None = None) -> None:
        await settle(run, waiting, steps)

    async def sleep(self, run: Run, seconds: float) -> None:
        await clock.sleep_async(seconds)

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        # The task survives the cancellation of the run, which waits for it.
        task = create_unregistered_task(asyncio.get_running_loop(), work)
        cancelled = await until_done([task])
        try:
            result = task.result()
            if cancelled is not None:
                raise cancelled
        finally:
            del cancelled  # its traceback holds this frame
        return result

    async def run_branches(self, run: Run, step: Parallel, branches: list[Run]) -> list[Ended]:
        loop = asyncio.get_running_loop()
        tasks = {loop.create_task(walk(self, branch)): branch for branch in branches}
        pending = set(tasks)
        ended: list[Ended] = []
        cancelled: asyncio.CancelledError | None = None
        stopped = False
        while pending:
            try:
                await asyncio.wait(pending, return_when="FIRST_COMPLETED")
            except asyncio.CancelledError as exc:
                if cancelled is None:
                    # Since 3.14 the frames of `wait` hold their task, which holds this frame.
                    cancelled = exc.with_traceback(None)
                    _cancel(pending)
            except GeneratorExit:  # closed: nothing can be awaited here
                _cancel(pending)
                raise
            # Not taken from wait(): an anyio cancel scope cancels each wait again.
            done = {task for task in pending if task.done()}
            pending -= done
            raised = [(tasks[task], _raised_by(task, stopped)) for task in done]
            ended += raised
            if not stopped and any(exc is not None for _, exc in raised):
                stopped = True
                _cancel(pending)
        try:
            if cancelled is not None:
                raise cancelled
        finally:
            del cancelled  # its traceback holds this frame
        return ended


_DRIVER = AsyncDriver()


def _raised_by(task: asyncio.Task[BaseException | None], stopped: bool) -> BaseException | None:
    # A task that is cancelled before it starts has no result.
    exc = asyncio.CancelledError() if task.cancelled() else task.result()
    return Stopped() if stopped and isinstance(exc, asyncio.CancelledError) else exc


def _cancel(tasks: Iterable[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()


# --- one attempt ----------------------------------------------------------------------------------


async def _bounded(run: Run, step: Step, work: Awaitable[Any]) -> Any:
    """Await `work` for as long as the step's timeout and the deadline allow."""
    timeout = step.timeout
    if timeout is None:
        return await work
    if run.limit is not None:
        timeout = min(timeout, max(0.0, run.limit - clock.monotonic()))
    raised: Exception | None = None
    try:
        async with asyncio.timeout(timeout):
            try:
                return await work
            except Exception as exc:
                raised = exc
                raise
    except TimeoutError as exc:
        if exc is raised:  # raised by the step itself
            raise
    finally:
        raised = None
    reason = f"no result within {timeout:.3g} s"
    raise own(run, DeadlineExceededError(step.name, reason))
