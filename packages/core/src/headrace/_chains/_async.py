"""`AsyncChain`: how it calls and waits. Everything else is in `_engine`."""

from __future__ import annotations

import asyncio
import functools
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar, cast

from headrace import _deadlines
from headrace._context import step_var

from . import _clock
from ._branches import Stopped
from ._engine import fail, perform
from ._errors import DeadlineExceededError
from ._kinds import COROUTINE, GENERATOR, close, is_awaitable, kind_of
from ._run import Run, begin, rows_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable

    from headrace._context import FlowContext

    from ._plan import Plan, Row
    from ._result import ChainResult
    from ._steps import Step

    Outcome = tuple[Any, Exception | None]

T = TypeVar("T")

_set_step = step_var.set


async def run(plan: Plan, unit: FlowContext, inputs: dict[str, Any]) -> ChainResult:
    """Run `plan` in `unit`, and return its context."""
    context = begin(plan, unit, inputs)
    watch = context._run
    try:
        if watch is None:
            rows = rows_of(plan) if plan.has_templates else plan.rows
            await _walk(plan, rows, context, unit)
        else:
            with watch.budget():
                await _walk(plan, watch.rows, context, unit)
    except BaseException as exc:
        if context._run is None:
            raise
        failure = exc
    else:
        return context
    # Out here what the undos raise does not drag the traceback of the failure along.
    try:
        return await fail(_IO, context._run, failure)
    finally:
        del failure


async def _walk(plan: Plan, rows: Iterable[Row], context: ChainResult, unit: FlowContext) -> None:
    """Do the steps, by the quick way those that are nothing but a call."""
    get, ends, clock = context.get, context._ends, _clock.perf_counter
    ended = ends.append
    waiting = iter(rows)
    while True:
        failure: BaseException | None = None
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
                return
        except BaseException as exc:
            failure = exc
        done = len(ends)
        if failure is not None and done == len(plan.steps):
            raise failure  # an interrupt behind the last step
        kept = context._run or Run(plan, context, unit)
        await perform(_IO, kept, plan.steps[done], failure)


class _AsyncIO:
    """Awaits on the loop, sends sync functions to a thread, and runs branches in tasks."""

    async def call(self, run: Run, step: Step) -> Outcome:
        thread = None
        try:
            if step.spec.kind is COROUTINE:
                return await _bounded(run, step, step.call(run.context)), None
            if step.spec.kind is GENERATOR:
                return step.call(run.context), None
            thread = _in_thread(step.call, run.context)
            return cast("Outcome", await _bounded(run, step, _settled(thread)))
        except asyncio.CancelledError:
            if thread is not None and step.spec.undo is not None:
                await _finish_late(run, step, step.spec.undo, thread)
            raise
        except Exception as exc:
            return None, exc

    async def ask(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        answer = function(*args, **kwargs)
        return await answer if is_awaitable(answer) else answer

    async def undo(self, function: Callable[[Any], Any], result: Any) -> None:
        if kind_of(function) is COROUTINE:
            await function(result)
            return
        _, failure = await _settled(_in_thread(function, result))
        if failure is not None:
            raise failure

    async def sleep(self, seconds: float) -> None:
        await _clock.sleep_async(seconds)

    async def see_through(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.get_running_loop().create_task(work)
        # A loop that shuts down cancels every task that it knows of. This one it shall not know: it
        # cancels the run, which waits for it.
        asyncio.tasks._unregister_task(task)
        cancelled = await _until_done(task)
        result = task.result()
        if cancelled is not None:
            raise cancelled
        return result

    async def run_branches(self, runs: list[Run]) -> list[tuple[Run, BaseException | None]]:
        loop = asyncio.get_running_loop()
        branches = {loop.create_task(_outcome(run)): run for run in runs}
        pending = set(branches)
        ended: list[tuple[Run, BaseException | None]] = []
        cancelled: asyncio.CancelledError | None = None
        stopped = False
        while pending:
            try:
                await asyncio.wait(pending, return_when="FIRST_COMPLETED")
            except asyncio.CancelledError as exc:
                if cancelled is None:
                    cancelled = exc
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
        if cancelled is not None:
            raise cancelled
        return ended


_IO = _AsyncIO()


async def _outcome(run: Run) -> BaseException | None:
    try:
        with run.budget():
            await _walk(run.plan, run.rows, run.context, run.unit)
    except BaseException as exc:  # it is raised where the branches come together
        return exc
    return None


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
    timeout = step.spec.timeout
    if timeout is None:
        return await work
    if run.limit is not None:
        timeout = min(timeout, max(0.0, run.limit - _deadlines.monotonic()))
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


def _in_thread(function: Callable[..., Any], *args: Any) -> asyncio.Future[Outcome]:
    """Call `function` in a thread, in a copy of the context."""
    call = functools.partial(copy_context().run, _captured, function, *args)
    return asyncio.get_running_loop().run_in_executor(None, call)


def _captured(function: Callable[..., Any], *args: Any) -> Outcome:
    # An event loop cannot hand on a StopIteration.
    try:
        return function(*args), None
    except Exception as exc:
        return None, exc


async def _settled(thread: asyncio.Future[Outcome]) -> Outcome:
    """Wait for what a thread returns, and await it where it can be awaited."""
    # A thread cannot be interrupted; its future must not look as if it had been.
    result, failure = await asyncio.shield(thread)
    return (await result if is_awaitable(result) else result), failure


async def _finish_late(
    run: Run, step: Step, undo: Callable[[Any], Any], thread: asyncio.Future[Outcome]
) -> None:
    """Wait for a step that goes on in its thread although the run is cancelled: it has an undo."""
    await _until_done(thread)
    result, failure = thread.result()
    if is_awaitable(result):
        close(result)
    elif failure is None:
        run.undos.waiting.append((step, undo, result))


async def _until_done(future: asyncio.Future[Any]) -> asyncio.CancelledError | None:
    """Wait for `future`, whatever happens; return the cancellation that came meanwhile."""
    cancelled = None
    while not future.done():
        try:
            await asyncio.wait({future})
        except asyncio.CancelledError as exc:
            cancelled = exc
    return cancelled
