"""Calls of sync functions in the threads of an event loop.

A thread cannot be interrupted. A call that is still running after its timeout, or after its run was
cancelled, is *late*: it must not overlap with the next attempt, and must be undone if it succeeds.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
from contextvars import copy_context
from inspect import CO_ITERABLE_COROUTINE
from types import CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any, TypeVar

from headrace._context.deadlines import min_deadline
from headrace._process import clock
from headrace._process.locks import new_lock

from .messages import log
from .run import Undo
from .sync_driver import drive
from .undo import undo_step

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable
    from concurrent.futures import Executor

    from .run import Run
    from .step import Step

    Outcome = tuple[Any, BaseException | None]

T = TypeVar("T")

_MISSING = object()


class ThreadCall:
    """A call of a function in a thread, in a copy of the context.

    Args:
        function: the function to call.
        args: its arguments.
        pool: the thread pool; None for that of the event loop.

    Attributes:
        over: a future without a result, done when the call has ended; `take` returns the outcome.
        is_taken: whether `take` was called.
    """

    __slots__ = (
        "_after",
        "_before",
        "_context",
        "_has_begun",
        "_is_over",
        "_is_withdrawn",
        "_lock",
        "_outcome",
        "is_taken",
        "over",
    )

    def __init__(
        self, function: Callable[..., Any], *args: Any, pool: Executor | None = None
    ) -> None:
        self._before = copy_context()
        self._context = self._before.copy()
        self._outcome: Outcome = None, None
        self._after: Callable[[], None] | None = None
        self._has_begun = self._is_over = self._is_withdrawn = False
        self._lock = new_lock()
        self.is_taken = False
        self.over = asyncio.get_running_loop().run_in_executor(pool, self._call, function, args)

    def _call(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        with self._lock:
            if self._is_withdrawn:
                return
            self._has_begun = True
        # Stored, not returned: a future cannot hold a StopIteration, and the frames of the thread
        # would keep an exception that propagates through them.
        try:
            self._outcome = self._context.run(function, *args), None
        except BaseException as exc:
            self._outcome = None, exc
        with self._lock:
            self._is_over = True
        if self._after is not None:
            self._context.run(self._after)

    def withdraw(self) -> bool:
        """Cancel the call and return True, if it has not begun."""
        with self._lock:
            self._is_withdrawn = not self._has_begun
            return self._is_withdrawn

    def take(self) -> Outcome:
        """Return the result and the exception, and drop both."""
        self.is_taken = True
        outcome, self._outcome = self._outcome, (None, None)
        return outcome

    def carry_back(self) -> None:
        """Copy the context variables that the call has set into the current context."""
        before = self._before
        for var, value in self._context.items():
            if before.get(var, _MISSING) is not value:
                var.set(value)

    def then(self, function: Callable[[], None]) -> bool:
        """Call `function` in the thread when the call ends; return False if it has ended."""
        with self._lock:
            if not self._is_over:
                self._after = function
            return not self._is_over


async def settled(call: ThreadCall) -> Outcome:
    """Return the outcome of a call; if the result is awaitable, await it."""
    # Shielded: cancelling the future would not stop the thread.
    await asyncio.shield(call.over)
    call.carry_back()
    result, failure = call.take()
    try:
        return (await result if is_awaitable(result) else result), failure
    finally:
        del failure  # its traceback holds this frame


class LateCall:
    """A timed-out or cancelled call of a step that is still running in its thread.

    Args:
        run: the run, or the branch.
        step: the step.
        call: the call.
    """

    __slots__ = ("_call", "_loop", "run", "step")

    def __init__(self, run: Run, step: Step, call: ThreadCall) -> None:
        self.run = run
        self.step = step
        self._call = call
        self._loop = call.over.get_loop()
        run.undos.late.append(self)
        if not self._loop.is_closed():
            # At once, which keeps the undos in the order in which late calls end.
            call.over.add_done_callback(lambda _: self.arrive())

    @property
    def over(self) -> asyncio.Future[None]:
        """A future that is done when the call has ended."""
        return self._call.over

    def arrive(self) -> None:
        """Take the outcome of the call, which has ended; a success must be undone."""
        undos = self.run.undos
        if self in undos.late:
            undos.late.remove(self)
            results = self._successes()
            if self.step.undo is not None:
                undos.waiting += [Undo((self.step, result)) for result in results]

    def abandon(self) -> None:
        """Stop waiting for the call; if it succeeds later, it is undone in its thread."""
        if not self._call.then(self._finish_alone):
            self.arrive()
            return
        self.run.undos.late.remove(self)
        log(
            self.run,
            logging.WARNING,
            f"step {self.step.name!r}: the outcome of its last attempt is unknown: it is still "
            f"running in its thread, which cannot be interrupted",
        )

    def _finish_alone(self) -> None:
        """Log the outcome of the call and undo it, in its thread."""
        run, step = self.run, self.step
        outcome = "failed"
        for result in self._successes():
            outcome = "succeeded"
            if step.undo is not None:
                drive(undo_step(self._undo, run, step, result))
                outcome += f"; {run.undos.done[step]}"
        log(run, logging.WARNING, f"step {step.name!r}: the abandoned attempt {outcome}")

    def _successes(self) -> list[Any]:
        """Return the result of the call in a list, which is empty if the call failed."""
        result, failure = self._call.take()
        succeeded = failure is None and not is_awaitable(result)
        del failure  # its traceback refers back to this frame
        close_coroutine(result)
        return [result] if succeeded else []

    async def _undo(self, run: Run, step: Step, result: Any) -> None:
        undo: Any = step.undo
        answer = undo(result)
        if is_awaitable(answer):
            _await_on(self._loop, answer)


def _await_on(loop: asyncio.AbstractEventLoop, work: Awaitable[Any]) -> None:
    """Await `work` on `loop`, from another thread, for as long as the loop runs."""
    ended: concurrent.futures.Future[None] = concurrent.futures.Future()

    async def await_it() -> None:
        await work

    def copy_outcome(task: asyncio.Task[None]) -> None:
        failure = concurrent.futures.CancelledError() if task.cancelled() else task.exception()
        if failure is None:
            ended.set_result(None)
        else:
            ended.set_exception(failure)

    def begin() -> None:
        if ended.set_running_or_notify_cancel():
            create_unregistered_task(loop, await_it()).add_done_callback(copy_outcome)

    try:
        loop.call_soon_threadsafe(begin)
        was_running = True
        while not ended.done():
            concurrent.futures.wait([ended], 1)
            # Checked twice: `asyncio.run` runs its loop several times, with short gaps.
            is_running = loop.is_running()
            if not is_running and not was_running and not ended.done():
                raise RuntimeError("the event loop that has to await the undo is no longer running")
            was_running = is_running
        ended.result()
    finally:
        if ended.cancel():  # the task was never created
            close_coroutine(work)


def create_unregistered_task(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]
) -> asyncio.Task[T]:
    """Return a task for `work` that outlives the cancellation of all tasks by `asyncio.run`.

    The caller makes sure that something waits for it: the run, or a thread of the loop's executor.
    """
    task = loop.create_task(work)
    # A loop that shuts down cancels all registered tasks.
    asyncio.tasks._unregister_task(task)
    return task


async def settle(run: Run, waiting: str, steps: Collection[Step] | None) -> None:
    """Wait for late calls up to the deadline, then abandon those still running.

    Args:
        run: the run.
        waiting: the part of the run that waits, for the log line.
        steps: the steps to wait for, or None for all of the run.

    Raises:
        CancelledError: the run was cancelled meanwhile.
    """
    late = [each for each in run.undos.late if steps is None or each.step in steps]
    until = run.limit
    for each in late:
        until = min_deadline(until, each.run.limit)
    if late and until is None:
        names = ", ".join(repr(each.step.name) for each in late)
        log(
            run,
            logging.WARNING,
            f"{waiting} of the run is waiting for {names}, still running in its thread; a "
            f"deadline would limit the wait",
        )
    left = None if until is None else until - clock.monotonic()
    cancelled = await until_done([each.over for each in late], left)
    for each in late:
        each.abandon()
    try:
        if cancelled is not None:
            raise cancelled
    finally:
        del cancelled  # its traceback holds this frame


async def until_done(
    futures: Iterable[asyncio.Future[Any]], seconds: float | None = None
) -> asyncio.CancelledError | None:
    """Wait for `futures` even if cancelled; return a cancellation that arrived meanwhile.

    Args:
        futures: the futures.
        seconds: the maximum wait, or None.
    """
    now = asyncio.get_running_loop().time
    end = None if seconds is None else now() + seconds
    cancelled = None
    while True:
        pending = [future for future in futures if not future.done()]
        left = None if end is None else end - now()
        if not pending or (left is not None and left <= 0):
            break
        try:
            await asyncio.wait(pending, timeout=left)
        except asyncio.CancelledError as exc:
            cancelled = exc.with_traceback(None)  # since 3.14 frames of `wait` hold their task
    try:
        return cancelled
    finally:
        del cancelled  # its traceback holds this frame


def is_awaitable(value: Any) -> bool:
    """Return whether `value` can be awaited, by its real type, not its ``__class__``."""
    kind = type(value)
    return hasattr(kind, "__await__") or (
        kind is GeneratorType and bool(value.gi_code.co_flags & CO_ITERABLE_COROUTINE)
    )


def close_coroutine(value: Any) -> None:
    """Close `value` if it is a coroutine, so that Python does not warn about it."""
    if type(value) is CoroutineType:
        value.close()
