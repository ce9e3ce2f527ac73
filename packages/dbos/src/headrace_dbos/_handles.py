"""Handles of runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace import ChainError
from headrace.integration.chains import result_of

from ._driver import PARKED
from ._errors import ChangedChainError, RunCancelledError
from ._state import aside, dbos
from ._values import RUN

if TYPE_CHECKING:
    from headrace import ChainResult

    from ._chain import BaseDurable

_STATUS = {"PENDING": "running", "ENQUEUED": "queued", "DELAYED": "queued", "SUCCESS": "done"}
_STATUS |= {"ERROR": "failed", "CANCELLED": "cancelled"}
_POLL = 0.2


@dataclass(frozen=True, slots=True)
class RecordedStep:
    """A recorded attempt, predicate, wait or undo.

    Attributes:
        name: its name: ``charge``, ``charge#2``, ``when charge``, ``undo charge``.
        seconds: how long it took.
    """

    name: str
    seconds: float


class Handle:
    """A run of a `DurableChain`.

    Attributes:
        run_id: the ID of the run.
        chain: the name of its durable chain.
    """

    def __init__(self, run_id: str, durable: BaseDurable, handle: Any = None) -> None:
        self.run_id = run_id
        self.chain: str = durable.name
        self._durable = durable
        self._handle: Any = handle or aside(dbos().retrieve_workflow, run_id)

    def result(self) -> ChainResult:
        """Wait for the run, and return its result; see `DurableChain.run` for errors."""
        try:
            return self.ended(aside(self._handle.get_result, polling_interval_sec=_POLL))
        except Exception as exc:
            raise self.error(exc) from exc.__cause__

    def status(self) -> str:
        """Return ``queued``, ``running``, ``done``, ``failed``, ``cancelled`` or ``parked``."""
        found = self._found()
        is_parked = found.status == "CANCELLED" and PARKED in (found.attributes or {})
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

    def _found(self) -> Any:
        return aside(dbos().get_workflow_status, self.run_id)

    def ended(self, ended: dict[str, Any]) -> ChainResult:
        """Return the result of what is recorded of the run."""
        return result_of(self._durable.plan, **ended)

    def error(self, exc: Exception) -> Exception:
        """Return the error of the run for what DBOS raised."""
        from dbos import error as dbos_error

        if isinstance(exc, dbos_error.DBOSAwaitedWorkflowCancelledError):
            difference = (self._found().attributes or {}).get(PARKED)
            if difference is not None:
                return ChangedChainError(self.run_id, difference)
            return RunCancelledError(f"run {self.run_id!r} was cancelled; resume() continues it")
        ended = vars(exc).pop(RUN, None)
        if isinstance(exc, ChainError) and exc.result is None and ended is not None:
            exc.result = self.ended(ended)
        return exc


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
            return self._handle.ended(await self._task.get_result(polling_interval_sec=_POLL))
        except Exception as exc:
            raise await asyncio.to_thread(self._handle.error, exc) from exc.__cause__

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
