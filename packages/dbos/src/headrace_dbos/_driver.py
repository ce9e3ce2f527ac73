"""The drivers of durable runs: each record is a step, a sleep or a child workflow of DBOS."""

from __future__ import annotations

import time
from difflib import ndiff
from typing import TYPE_CHECKING, Any

from headrace.integration import as_current, clock
from headrace.integration.chains import (
    AsyncDriver,
    Part,
    Run,
    Step,
    SyncDriver,
    drive,
)
from headrace.integration.recording import RecordedRun

from ._errors import ChangedChainError
from ._state import dbos, engine, log
from ._values import RUN, recorded

if TYPE_CHECKING:
    from ._chain import BaseDurable

    Record = dict[str, Any]

PARKED, ACCEPTED = "headrace.parked", "headrace.accepted"
"""Attributes of a run: how its chain has changed, and which definition it may continue with."""


class Durable(RecordedRun):
    """One execution of a durable run, or of a branch, which is a workflow of its own.

    Args:
        durable: the chain.
        part: the chain, or the branch.
        record: the recorded input.
        workflow_id: the ID of the workflow.

    Raises:
        DBOSWorkflowCancelledError: the chain has changed, and the run is parked.
    """

    form: str
    """The suffix of the names of the DBOS methods to call."""

    def __init__(self, durable: BaseDurable, part: Part, record: Record, workflow_id: str) -> None:
        is_new = durable.is_new(workflow_id)
        steps = [] if is_new else dbos().list_workflow_steps(workflow_id, load_output=False)
        names = [step["function_name"] for step in steps]
        super().__init__(part, record, record.get("run", workflow_id), names, name=durable.name)
        self._durable = durable
        if record["definition"] != durable.definition:
            self._park(record["definition"], workflow_id)

    def _park(self, before: list[str], workflow_id: str) -> None:
        from dbos import error as dbos_error

        definition = self._durable.definition
        status = dbos().get_workflow_status(workflow_id)
        if status is not None and (status.attributes or {}).get(ACCEPTED) == definition:
            return
        difference = [line for line in ndiff(before, definition) if line[0] in "-+"]
        dbos().update_workflow_attributes(workflow_id, {PARKED: difference}, merge=True)
        dbos().cancel_workflow(workflow_id)
        error = ChangedChainError(workflow_id, difference)
        if not self.part.is_branch:
            with as_current(self.context):
                log.warning("%s", error)
        raise dbos_error.DBOSWorkflowCancelledError(str(error))

    def end(self, run: Run, failure: BaseException | None) -> Record:
        """Return what is recorded of the end, or raise the error with the record of the run."""
        if failure is not None:
            vars(failure)[RUN] = self.ending(run)
        return super().end(run, failure)

    # --- records ----------------------------------------------------------------------------------

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
        about = {"definition": self._durable.definition, "run": self.run_id}
        handles = []
        for branch in branches:
            part, workflow = self._durable.workflows[branch.plan]
            record = self.branch_record(run, branch, part) | about
            handles.append(await self._ask("start_workflow", workflow, record))
        with engine().waiting():
            lefts = [await self._call(handle.get_result) for handle in handles]
        return lefts, 2 * len(handles)

    def keep(self, step: Step, value: Any) -> Any:
        """Return the result of a step in its recorded form; see `recorded`."""
        named, secrets = {step.out or "": value}, self.part.plan.settings.redaction.names
        kept: Record = recorded(engine().serializer, f"step {step.name!r}", named, secrets)
        return kept[step.out or ""]


class SyncDurable(Durable, SyncDriver):
    """Runs a `Chain` in the thread of its workflow."""

    form = ""

    async def record_step(self, name: str, body: Any) -> Any:
        return await super().record_step(name, lambda: drive(body()))


class AsyncDurable(Durable, AsyncDriver):
    """Runs an `AsyncChain` in the task of its workflow."""

    form = "_async"
