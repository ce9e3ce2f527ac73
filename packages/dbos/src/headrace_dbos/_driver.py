"""The drivers of durable runs: each record is a step, a sleep or a child workflow of DBOS."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from headrace.integration import as_current, clock
from headrace.integration.chains import AsyncDriver, Part, Run, SyncDriver, drive
from headrace.integration.recording import ChangedChainError, RecordedRun

from ._state import dbos, engine, log

if TYPE_CHECKING:
    from ._chain import BaseDurable

PARKED, ACCEPTED = "headrace.parked", "headrace.accepted"
"""Attributes of a run: how its chain has changed, and which definition it may continue with."""


class Durable(RecordedRun):
    """One execution of a durable run, or of a branch, which is a workflow of its own."""

    form: str  # the suffix of the DBOS methods to call

    def __init__(self, durable: BaseDurable, part: Part, record: Any, workflow_id: str) -> None:
        is_new = workflow_id in durable.new
        durable.new.discard(workflow_id)
        steps = [] if is_new else dbos().list_workflow_steps(workflow_id, load_output=False)
        names = [step["function_name"] for step in steps]
        super().__init__(durable, part, record, workflow_id, names, engine().serializer)
        self._workflows = durable.workflows
        difference = durable.difference(record)
        if difference:
            self._park(workflow_id, difference)

    def _park(self, workflow_id: str, difference: list[str]) -> None:
        from dbos import error as dbos_error

        status = dbos().get_workflow_status(workflow_id)
        if status is not None and (status.attributes or {}).get(ACCEPTED) == self.chain.definition:
            return
        dbos().update_workflow_attributes(workflow_id, {PARKED: difference}, merge=True)
        dbos().cancel_workflow(workflow_id)
        error = ChangedChainError(workflow_id, difference)
        if not self.part.is_branch:
            with as_current(self.context):
                log.warning("%s", error)
        raise dbos_error.DBOSWorkflowCancelledError(str(error))

    async def _call(self, function: Any, *args: Any) -> Any:
        result = function(*args)
        return await result if self.form else result

    async def _ask(self, name: str, *args: Any) -> Any:
        return await self._call(getattr(dbos(), name + self.form), *args)

    async def record_step(self, name: str, body: Any) -> Any:
        return await self._ask("run_step", {"name": name}, body)

    async def record_sleep(self, seconds: float) -> None:
        # DBOS knows nothing of headrace.testing.fake_clock.
        is_real = clock.sleep is time.sleep
        await self._ask("sleep", seconds if is_real else 0.001)
        if not is_real:
            clock.sleep(seconds)

    async def record_branches(self, run: Run, branches: list[Run]) -> tuple[list[Any], int]:
        handles = []
        for branch in branches:
            record = self.branch_record(run, branch, self.chain.parts[branch.plan])
            workflow = self._workflows[branch.plan]
            handles.append(await self._ask("start_workflow", workflow, record))
        with engine().waiting():
            lefts = [await self._call(handle.get_result) for handle in handles]
        return lefts, 2 * len(handles)


class SyncDurable(Durable, SyncDriver):
    """Runs a `Chain` in the thread of its workflow."""

    form = ""

    async def record_step(self, name: str, body: Any) -> Any:
        return await super().record_step(name, lambda: drive(body()))


class AsyncDurable(Durable, AsyncDriver):
    """Runs an `AsyncChain` in the task of its workflow."""

    form = "_async"
