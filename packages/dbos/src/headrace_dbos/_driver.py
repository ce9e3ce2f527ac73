"""The drivers of durable runs: each record is a step, a sleep or a child workflow of DBOS."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from headrace.integration import clock
from headrace.integration.chains import AsyncDriver, Run, Step, SyncDriver, drive
from headrace.integration.recording import Recording

from ._state import engine

if TYPE_CHECKING:
    from ._execution import Execution


class _Durable(Recording):
    """What both drivers share.

    Args:
        execution: the execution of the run.
        *about: as for `Recording`.
    """

    def __init__(self, execution: Execution, *about: Any) -> None:
        super().__init__(*about)
        self.execution = execution

    def keep(self, step: Step, value: Any) -> Any:
        return self.execution.keep(step, value)


class SyncDurable(_Durable, SyncDriver):
    """Runs a `Chain` in the thread of its workflow."""

    async def record_step(self, name: str, body: Any) -> dict[str, Any]:
        from dbos import DBOS

        return DBOS.run_step({"name": name}, lambda: drive(body()))

    async def record_sleep(self, seconds: float) -> None:
        from dbos import DBOS

        DBOS.sleep(_real(seconds))
        if clock.sleep is not time.sleep:
            clock.sleep(seconds)

    async def record_branches(self, run: Run, branches: list[Run]) -> tuple[list[Any], int]:
        from dbos import DBOS

        children = [self.execution.child(run, branch) for branch in branches]
        handles = [DBOS.start_workflow(workflow, record) for workflow, record in children]
        with engine().waiting():
            return [handle.get_result() for handle in handles], 2 * len(handles)


class AsyncDurable(_Durable, AsyncDriver):
    """Runs an `AsyncChain` in the task of its workflow."""

    async def record_step(self, name: str, body: Any) -> dict[str, Any]:
        from dbos import DBOS

        result: dict[str, Any] = await DBOS.run_step_async({"name": name}, body)
        return result

    async def record_sleep(self, seconds: float) -> None:
        from dbos import DBOS

        await DBOS.sleep_async(_real(seconds))
        if clock.sleep is not time.sleep:
            await clock.sleep_async(seconds)

    async def record_branches(self, run: Run, branches: list[Run]) -> tuple[list[Any], int]:
        from dbos import DBOS

        children = [self.execution.child(run, branch) for branch in branches]
        start = DBOS.start_workflow_async
        handles = [await start(workflow, record) for workflow, record in children]
        with engine().waiting():
            return [await handle.get_result() for handle in handles], 2 * len(handles)


def _real(seconds: float) -> float:
    """Return how long DBOS sleeps, which knows nothing of `headrace.testing.fake_clock`."""
    return seconds if clock.sleep is time.sleep else 0.001
