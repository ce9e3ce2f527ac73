"""`AsyncChain`: how it calls and waits. Everything else is in `walk`."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar, cast

from headrace._context.variables import step_var
from headrace._process import clock as _clock

from .branches import Stopped, call_chain
from .errors import DeadlineExceededError
from .kinds import COROUTINE, GENERATOR, is_awaitable, kind_of
from .run import Run, begin, rows_of
from .threads import LateCall, ThreadCall, settle, settled, until_done
from .undoing import close, fail
from .walk import perform

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable

    from headrace._context.model import FlowContext

    from .plan import Plan, Row
    from .result import ChainResult
    from .run import Ended
    from .step import Step
    from .threads import Outcome

T = TypeVar("T")

_set_step = step_var.set


async def run(plan: Plan, unit: FlowContext, inputs: dict[str, Any]) -> ChainResult:
    """Run `plan` in `unit`, and return its context."""
    context, run = begin(plan, unit, inputs)
    if run is None:
        rows = rows_of(plan) if plan.has_templates else plan.rows
        ended = await _walk(plan, rows, context, unit, None)
    else:
        with run.budget():
            ended = await _walk(plan, run.rows, context, unit, run)
    if ended is None:
        return context
    try:
        raise await fail(_IO, *ended)
    finally:
        del ended  # its traceback holds this frame


async def _walk(
    plan: Plan, rows: Iterable[Row], context: ChainResult, unit: FlowContext, run: Run | None
) -> Ended | None:
    """Run the steps; those that only call a function take a fast path.

    Returns:
        None, or the run and its exception. The exception is no longer being handled, so that it
        does not become the context of errors that the undos raise.
    """
    get, ends, clock = context.get, context._ends, _clock.perf_counter
    ended = ends.append
    waiting = iter(rows)
    failure: BaseException | None = None
    try:
        while True:
            try:
                for info, key, function, out in waiting:
                    if info is None:
                        break
                    _set_step(info)
                    result = await (function(context) if key is None else function(get(key)))
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
            await perform(_IO, run, plan.steps[done], failure)
            failure = None
    except GeneratorExit:
        close(run or Run(plan, context, unit))
        raise
    except BaseException as exc:
        return run or Run(plan, context, unit), exc
    finally:
        failure = None  # its traceback holds this frame


class _AsyncIO:
    """Awaits on the loop, sends sync functions to a thread, and runs branches in tasks."""

    async def call(self, run: Run, step: Step) -> Outcome:
        call = None
        try:
            if step.kind is COROUTINE:
                return await _bounded(run, step, step.call(run.context)), None
            if step.plan is not None:
                return await _bounded(run, step, call_chain(self, run, step, step.plan)), None
            if step.kind is GENERATOR:
                return step.call(run.context), None
            call = ThreadCall(step.call, run.context)
            return cast("Outcome", await _bounded(run, step, settled(call)))
        except Exception as exc:
            return None, exc
        finally:
            if call is not None and not call.is_taken and not call.withdraw():
                LateCall(run, step, call)

    async def ask(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        answer = function(*args, **kwargs)
        return await answer if is_awaitable(answer) else answer

    async def undo(self, function: Callable[[Any], Any], result: Any) -> None:
        if kind_of(function) is COROUTINE:
            await function(result)
            return
        # A separate thread: calls that never return may occupy the whole pool of the event loop.
        pool = ThreadPoolExecutor(1, thread_name_prefix="headrace-undo")
        try:
            _, failure = await settled(ThreadCall(function, result, pool=pool))
        finally:
            pool.shutdown(wait=False)
        try:
            if failure is not None:
                raise failure
        finally:
            del failure  # its traceback holds this frame

    async def settle(self, run: Run, waiting: str, steps: Collection[Step] | None = None) -> None:
        await settle(run, waiting, steps)

    async def sleep(self, seconds: float) -> None:
        await _clock.sleep_async(seconds)

    async def see_through(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.get_running_loop().create_task(work)
        # A loop that shuts down cancels every task that it knows of. This one it shall not know: it
        # cancels the run, which waits for it.
        asyncio.tasks._unregister_task(task)
        cancelled = await until_done([task])
        try:
            result = task.result()
            if cancelled is not None:
                raise cancelled
        finally:
            del cancelled  # its traceback holds this frame
        return result

    async def run_inside(self, run: Run) -> BaseException | None:
        with run.budget():
            ended = await _walk(run.plan, run.rows, run.context, run.unit, run)
        try:
            return None if ended is None else ended[1]
        finally:
            del ended  # its traceback holds this frame

    async def run_branches(self, runs: list[Run]) -> list[tuple[Run, BaseException | None]]:
        loop = asyncio.get_running_loop()
        branches = {loop.create_task(self.run_inside(run)): run for run in runs}
        pending = set(branches)
        ended: list[tuple[Run, BaseException | None]] = []
        cancelled: asyncio.CancelledError | None = None
        stopped = False
        while pending:
            try:
                await asyncio.wait(pending, return_when="FIRST_COMPLETED")
            except asyncio.CancelledError as exc:
                if cancelled is None:
                    # Since 3.14 the frames of `wait` hold their task, which holds this.
                    cancelled = exc.with_traceback(None)
                    _cancel(pending)
            except GeneratorExit:  # closed, where nothing can be awaited
                _cancel(pending)
                raise
            # Looked up, not returned by wait(): a cancel scope of anyio cancels each wait anew.
            done = {task for task in pending if task.done()}
            pending -= done
            raised = [(branches[task], _raised_by(task, stopped)) for task in done]
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


_IO = _AsyncIO()


def _raised_by(task: asyncio.Task[BaseException | None], stopped: bool) -> BaseException | None:
    # A task that is cancelled before it has begun has no outcome of its own.
    exc = asyncio.CancelledError() if task.cancelled() else task.result()
    return Stopped() if stopped and isinstance(exc, asyncio.CancelledError) else exc


def _cancel(tasks: Iterable[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()


# --- one attempt ----------------------------------------------------------------------------------


async def _bounded(run: Run, step: Step, work: Awaitable[Any]) -> Any:
    """Await `work` for no longer than the step's timeout, and the deadline, allow."""
    timeout = step.timeout
    if timeout is None:
        return await work
    if run.limit is not None:
        timeout = min(timeout, max(0.0, run.limit - _clock.monotonic()))
    raised: Exception | None = None
    try:
        async with asyncio.timeout(timeout):
            try:
                return await work
            except Exception as exc:
                raised = exc
                raise
    except TimeoutError as exc:
        if exc is raised:  # the step's own, not ours
            raise
    finally:
        raised = None
    reason = f"no result within {timeout:.3g} s"
    raise run.own(DeadlineExceededError(step.name, reason))
