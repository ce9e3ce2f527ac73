"""One execution of a durable run, or of a branch, which is a workflow of its own."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from difflib import ndiff
from typing import TYPE_CHECKING, Any

from headrace import RemoteContext
from headrace.integration import (
    Unit,
    add_facts,
    as_current,
    clock,
    transport_context,
    units_are_watched,
)
from headrace.integration.chains import (
    Plan,
    Run,
    Step,
    active_dispatcher,
    fields_of,
    leave_branch,
    new_run,
)

from ._driver import AsyncDurable, SyncDurable
from ._errors import ChangedChainError
from ._state import engine, log
from ._values import RUN, recorded

if TYPE_CHECKING:
    from ._chain import BaseDurable

    Record = dict[str, Any]

PARKED, ACCEPTED = "headrace.parked", "headrace.accepted"
"""Attributes of a run: how its chain has changed, and which definition it may go on with."""


class Execution:
    """One execution.

    Args:
        durable: the chain.
        plan: its plan, or that of the branch.
        record: the recorded input.
    """

    def __init__(self, durable: BaseDurable, plan: Plan, record: Record) -> None:
        from dbos import DBOS

        self._durable, self._plan, self._record = durable, plan, record
        self._run_id: str = DBOS.workflow_id or ""
        self._root: str = record.get("root") or self._run_id
        self._is_branch = self._root != self._run_id
        self._names: list[str] = []
        given, until = record["context"], record["until"]
        deadline = None if until is None else clock.monotonic() + until - clock.wall()
        remote = RemoteContext(given["correlation_id"], given["causation_id"], deadline)
        name, metadata = durable.name, {**given["metadata"]}
        self._context = transport_context("flow", name, remote, metadata)

    def prepare(self) -> None:
        """Park the run if its chain has changed, and read the names of its records.

        Raises:
            DBOSWorkflowCancelledError: the run is parked.
        """
        from dbos import DBOS

        if self._record["definition"] != self._durable.definition:
            self._park()
        if not self._durable.is_new(self._run_id):
            steps = DBOS.list_workflow_steps(self._run_id, load_output=False)
            self._names = [step["function_name"] for step in steps]

    def _park(self) -> None:
        from dbos import DBOS
        from dbos import error as dbos_error

        status = DBOS.get_workflow_status(self._run_id)
        accepted = status and (status.attributes or {}).get(ACCEPTED)
        if accepted == self._durable.definition:
            return
        lines = ndiff(self._record["definition"], self._durable.definition)
        difference = [line for line in lines if line[0] in "-+"]
        DBOS.update_workflow_attributes(self._run_id, {PARKED: difference}, merge=True)
        DBOS.cancel_workflow(self._run_id)
        error = ChangedChainError(self._run_id, difference)
        if not self._is_branch:
            with as_current(self._context):
                log.warning("%s", error)
        raise dbos_error.DBOSWorkflowCancelledError(str(error))

    # --- the run ----------------------------------------------------------------------------------

    def unit(self) -> AbstractContextManager[Any]:
        """Return the unit of work of the run; a branch continues that of the run."""
        resumed = len(self._names) > 0
        if resumed:
            self._context.set_value("resumed", True)
        if units_are_watched():
            add_facts(self._context, run_id=self._root, resumed=resumed)
        return as_current(self._context) if self._is_branch else Unit(self._context)

    def begin(self, make: Any) -> tuple[Any, Run]:
        """Return the driver that `make` makes and the state of the run; say if it is resumed."""
        if self._names and not self._is_branch:
            log.info("run %r resumed after %d records", self._run_id, len(self._names))
        driver = make(self, self._root, self._names, active_dispatcher())
        has_own = self._plan.settings.has_deadline
        return driver, new_run(
            self._plan,
            self._context,
            {**self._durable.visible[self._plan], **self._record["inputs"]},
            dispatcher=driver.dispatcher,
            until=(self._context.deadline or math.inf) if has_own else None,
        )

    def end(
        self, driver: SyncDurable | AsyncDurable, run: Run, failure: BaseException | None
    ) -> Record:
        """Return what is recorded of the run, or of the branch.

        Raises:
            BaseException: the error of the run, or what stopped the execution.
        """
        if driver.cause is not None:
            raise driver.cause
        if self._is_branch:
            return leave_branch(run, failure)
        ended: Record = {
            "values": self._own_values(run),
            "steps": [fields_of(report) for report in run.context.steps],
            "correlation_id": run.context.correlation_id,
        }
        if failure is not None:
            vars(failure)[RUN] = ended
            raise failure
        return ended

    def _own_values(self, run: Run) -> Record:
        """Return the context without the values that every run of the chain has."""
        shared = self._durable.visible[run.plan]
        return {k: v for k, v in run.context.items() if k not in shared or shared[k] is not v}

    def keep(self, step: Step, value: Any) -> Any:
        """Return the result of a step as it is recorded; see `recorded`."""
        secrets, key = self._plan.settings.redaction.names, step.out or ""
        named = {key: value}
        kept: Record = recorded(engine().serializer, f"step {step.name!r}", named, secrets)
        return kept[key]

    # --- branches ---------------------------------------------------------------------------------

    def child(self, run: Run, branch: Run) -> tuple[Any, Record]:
        """Return the workflow of a branch and its input."""
        deadlines = (branch.until, run.until, self._context.deadline)
        until = min((each for each in deadlines if each is not None), default=math.inf)
        record = {
            **self._record,
            "definition": self._durable.definition,
            "root": self._root,
            "inputs": self._own_values(branch),
            "until": None if until == math.inf else clock.wall() + until - clock.monotonic(),
        }
        return self._durable.workflows[branch.plan], record
