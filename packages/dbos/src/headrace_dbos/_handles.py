"""Handles of runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from headrace.integration.recording import ChangedChainError, RecordedStep, RunCancelledError

from ._driver import PARKED
from ._state import aside, dbos

if TYPE_CHECKING:
    from headrace import ChainResult

    from ._chain import BaseDurable

_STATUS = {"PENDING": "running", "ENQUEUED": "queued", "DELAYED": "queued", "SUCCESS": "done"}
_STATUS |= {"ERROR": "failed", "CANCELLED": "cancelled"}
_POLL = 0.2


class Handle:
    """A run of a `DurableChain`.

    Attributes:
        run_id: the ID of the run.
        chain: the name of its durable chain.
    """

    def __init__(self, run_id: str, durable: BaseDurable, handle: Any = None) -> None:
        self.run_id = run_id
        self.chain: str = durable.name
        self.durable = durable
        self._handle: Any = handle or aside(dbos().retrieve_workflow, run_id)

    def result(self) -> ChainResult:
        """Wait for the run, and return its result; see `DurableChain.run` for errors."""
        try:
            end = aside(self._handle.get_result, polling_interval_sec=_POLL)
        except Exception as exc:
            raise self.error(exc) from exc.__cause__
        return self.durable.result(end)

    def status(self) -> str:
        """Return ``queued``, ``running``, ``done``, ``failed``, ``cancelled`` or ``parked``."""
        found: Any = aside(dbos().get_workflow_status, self.run_id)
        is_parked = found.status == "CANCELLED" and bool((found.attributes or {}).get(PARKED))
        return "parked" if is_parked else _STATUS.get(found.status, "failed")

    def cancel(self) -> None:
        """Stop the run and its branches before their next step; nothing is undone."""
        aside(dbos().cancel_workflow, self.run_id, cancel_children=True)

    def watch(self) -> Iterator[RecordedStep]:
        """Yield each step as it is recorded, until the run ends; polls the database."""
        seen = 0
        while True:
            has_ended = self.status() not in {"running", "queued"}
            steps: list[Any] = aside(dbos().list_workflow_steps, self.run_id, load_output=False)
            for step in steps[seen:]:
                if step["child_workflow_id"] is None:
                    took = step["completed_at_epoch_ms"] - step["started_at_epoch_ms"]
                    yield RecordedStep(step["function_name"], took / 1000)
            if has_ended:
                return
            seen = len(steps)
            time.sleep(_POLL)

    def error(self, exc: Exception) -> Exception:
        """Return the error of the run for what DBOS raised."""
        from dbos import error as dbos_error

        if isinstance(exc, dbos_error.DBOSAwaitedWorkflowCancelledError):
            found: Any = aside(dbos().get_workflow_status, self.run_id)
            difference = (found.attributes or {}).get(PARKED)
            if difference:
                return ChangedChainError(self.run_id, difference)
            return RunCancelledError(f"run {self.run_id!r} was cancelled; resume() continues it")
        return self.durable.error(exc)


class AsyncHandle:
    """A run of an `AsyncDurableChain`, with the methods of `Handle`, awaited.

    Attributes:
        run_id: the ID of the run.
    """

    def __init__(self, handle: Handle, task: Any) -> None:
        self.run_id: str = handle.run_id
        self._handle = handle
        self._task = task

    async def result(self) -> ChainResult:
        """Wait for the run, and return its result."""
        try:
            end = await self._task.get_result(polling_interval_sec=_POLL)
        except Exception as exc:
            raise await asyncio.to_thread(self._handle.error, exc) from exc.__cause__
        return self._handle.durable.result(end)

    async def status(self) -> str:
        """Return the status."""
        return await asyncio.to_thread(self._handle.status)

    async def cancel(self) -> None:
        """Stop the run and its branches before their next step; nothing is undone."""
        await asyncio.to_thread(self._handle.cancel)

    async def watch(self) -> AsyncIterator[RecordedStep]:
        """Yield each step as it is recorded, until the run ends; polls the database."""
        steps = self._handle.watch()
        while (step := await asyncio.to_thread(next, steps, None)) is not None:
            yield step
