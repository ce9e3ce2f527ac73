"""The drivers of chains in tasks: what happens between two steps, and the time for undos."""

from __future__ import annotations

import asyncio
import math
import threading
from dataclasses import asdict
from typing import Any

from celery.contrib.abortable import ABORTED, AbortableTask
from celery.exceptions import Ignore

from headrace import AsyncChain, Chain, get_flow_context
from headrace.integration import chains, clock, is_control_flow

from ._deadlines import hard_limit_of
from ._log import warn_once
from ._progress import Progress


class AbortedError(Ignore):
    """`AbortableAsyncResult.abort` was called."""


class _InTask:
    """What the drivers of both kinds of chains do differently in a task."""

    def __init__(self, task: Any, chain: Chain | AsyncChain, progress: bool) -> None:
        # Taken here: in the thread of a branch, a task has no request and another backend.
        self._request, self._backend, self._name = task.request, task.backend, task.name
        self._lock = threading.Lock()  # few backends can be used by several threads
        self._is_abortable = isinstance(task, AbortableTask)
        self._steps: list[Any] = [*chains.plan_of(chain).all_steps()] if progress else []
        self._began, limit = clock.monotonic(), hard_limit_of(task, task.request)
        self._killed_at = None if limit is None else self._began + limit
        self.stepwise = progress or self._is_abortable

    async def before_step(self, run: chains.Run, step: chains.Step | chains.Parallel) -> None:
        with self._lock:
            if self._is_abortable and self._ask(self._backend.get_state) == ABORTED:
                raise AbortedError(f"aborted before step {step.name!r}")
            if step in self._steps:
                number, seconds = self._steps.index(step) + 1, clock.monotonic() - self._began
                found = Progress(step.name, number, len(self._steps), round(seconds, 3))
                store = self._backend.store_result
                self._ask(store, asdict(found), "PROGRESS", request=self._request)

    def _ask(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return function(self._request.id, *args, **kwargs)
        except Exception as exc:  # the backend can neither fail a step nor prevent an undo
            if is_control_flow(exc):  # the soft time limit
                raise
            lost = "task %s: progress and abort() are lost, since the result backend raised %s"
            warn_once(f"backend of {self._name}", lost, self._name, type(exc).__name__)

    async def undo(self, run: chains.Run, step: chains.Step, result: Any) -> None:
        driver: Any = super()
        # The deadline of the message may have passed, and be the reason for the undo.
        before, run.unit.deadline = run.unit.deadline, self._killed_at
        try:
            await driver.undo(run, step, result)
        finally:
            run.unit.deadline = before


class _SyncDriver(_InTask, chains.SyncDriver): ...


class _AsyncDriver(_InTask, chains.AsyncDriver):
    async def settle(self, run: chains.Run, waiting: str, steps: Any = None) -> None:
        before = run.limit
        if self._killed_at is not None:  # share what is left between a thread and the undos
            run.limit = min((clock.monotonic() + self._killed_at) / 2, before or math.inf)
        await super().settle(run, waiting, steps)
        run.limit = before


def run_chain(task: Any, chain: Chain | AsyncChain, inputs: dict[str, Any], progress: bool) -> Any:
    """Run the chain of a task, an `AsyncChain` in an event loop of its own; return its result."""
    unit, request = get_flow_context(), task.request
    is_limited = hard_limit_of(task, request) or (unit is not None and unit.deadline is not None)
    is_plain = not (is_limited or progress or isinstance(task, AbortableTask))
    if is_plain or request.called_directly or request.is_eager:
        run: Any = chain.run(**inputs)
        return run if isinstance(chain, Chain) else asyncio.run(run)
    if isinstance(chain, Chain):
        return chains.run_with(_SyncDriver(task, chain, progress), chain, inputs)
    return asyncio.run(chains.run_async_with(_AsyncDriver(task, chain, progress), chain, inputs))
