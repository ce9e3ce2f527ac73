"""Handles of runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace import ChainError
from headrace.integration.chains import result_of

from ._errors import ChangedChainError, RunCancelledError
from ._execution import PARKED
from ._state import aside

if TYPE_CHECKING:
    from headrace import ChainResult

    from ._chain import BaseDurable

_STATUS = {
    "PENDING": "running",
    "ENQUEUED": "queued",
    "DELAYED": "queued",
    "SUCCESS": "done",
    "ERROR": "failed",
    "CANCELLED": "cancelled",
}
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


class _BaseHandle:
    def __init__(self, run_id: str, durable: BaseDurable, handle: Any = None) -> None:
        from dbos import DBOS

        self.run_id = run_id
        self._durable = durable
        self._handle = aside(DBOS.retrieve_workflow, run_id) if handle is None else handle

    @property
    def chain(self) -> str:
        """The name of the durable chain."""
        return self._durable.name

    def _found(self) -> Any:
        from dbos import DBOS

        return DBOS.get_workflow_status(self.run_id)

    def _status(self) -> str:
        status = self._found()
        if status.status == "CANCELLED" and PARKED in (status.attributes or {}):
            return "parked"
        return _STATUS.get(status.status, "failed")

    def _cancel(self) -> None:
        from dbos import DBOS

        DBOS.cancel_workflow(self.run_id, cancel_children=True)

    def _cancelled(self) -> Exception:
        difference = (self._found().attributes or {}).get(PARKED)
        if difference is not None:
            return ChangedChainError(self.run_id, difference)
        return RunCancelledError(f"run {self.run_id!r} was cancelled; resume() continues it")

    def _ended(self, ended: dict[str, Any]) -> ChainResult:
        return result_of(
            self._durable.plan, ended["values"], ended["steps"], ended["correlation_id"]
        )

    def _complete(self, error: ChainError) -> None:
        ended = vars(error).pop("_run", None)
        if ended is not None and error.result is None:
            error.result = self._ended(ended)

    def _steps(self, seen: int) -> tuple[list[RecordedStep], int, bool]:
        """Return the steps recorded since, how many there are, and whether the run has ended."""
        from dbos import DBOS

        has_ended = self._status() not in {"running", "queued"}
        steps = DBOS.list_workflow_steps(self.run_id, load_output=False)
        fresh = [
            RecordedStep(step["function_name"], _seconds(step))
            for step in steps[seen:]
            if step["child_workflow_id"] is None
        ]
        return fresh, len(steps), has_ended


def _seconds(step: Any) -> float:
    begun, ended = step["started_at_epoch_ms"], step["completed_at_epoch_ms"]
    return 0.0 if begun is None or ended is None else (ended - begun) / 1000


class Handle(_BaseHandle):
    """A run of a `DurableChain`.

    Attributes:
        run_id: the ID of the run.
    """

    def result(self) -> ChainResult:
        """Wait for the run, and return its result; see `DurableChain.run` for errors."""
        from dbos._error import DBOSAwaitedWorkflowCancelledError

        try:
            return self._ended(aside(self._handle.get_result, polling_interval_sec=_POLL))
        except DBOSAwaitedWorkflowCancelledError:
            raise aside(self._cancelled) from None
        except ChainError as error:
            self._complete(error)
            raise

    def status(self) -> str:
        """Return ``queued``, ``running``, ``done``, ``failed``, ``cancelled`` or ``parked``."""
        return aside(self._status)

    def cancel(self) -> None:
        """Stop the run and its branches before their next step; nothing is undone."""
        aside(self._cancel)

    def watch(self) -> Iterator[RecordedStep]:
        """Yield each step as it is recorded, until the run ends; polls the database."""
        seen, has_ended = 0, False
        while not has_ended:
            steps, seen, has_ended = aside(self._steps, seen)
            yield from steps
            if not has_ended:
                time.sleep(_POLL)


class AsyncHandle(_BaseHandle):
    """A run of an `AsyncDurableChain`; its methods are those of `Handle`.

    Attributes:
        run_id: the ID of the run.
    """

    async def result(self) -> ChainResult:
        """Wait for the run, and return its result."""
        from dbos._error import DBOSAwaitedWorkflowCancelledError

        try:
            return self._ended(await self._handle.get_result(polling_interval_sec=_POLL))
        except DBOSAwaitedWorkflowCancelledError:
            raise await asyncio.to_thread(aside, self._cancelled) from None
        except ChainError as error:
            self._complete(error)
            raise

    async def status(self) -> str:
        """Return ``queued``, ``running``, ``done``, ``failed``, ``cancelled`` or ``parked``."""
        return await asyncio.to_thread(aside, self._status)

    async def cancel(self) -> None:
        """Stop the run and its branches before their next step; nothing is undone."""
        await asyncio.to_thread(aside, self._cancel)

    async def watch(self) -> AsyncIterator[RecordedStep]:
        """Yield each step as it is recorded, until the run ends; polls the database."""
        seen, has_ended = 0, False
        while not has_ended:
            steps, seen, has_ended = await asyncio.to_thread(aside, self._steps, seen)
            for step in steps:
                yield step
            if not has_ended:
                await asyncio.sleep(_POLL)
