"""One execution of a durable run, or of a branch, which is a workflow of its own."""

from __future__ import annotations

import hashlib
import math
from contextlib import AbstractContextManager
from difflib import ndiff
from typing import TYPE_CHECKING, Any

from headrace import ChainError, FlowContext, RemoteContext
from headrace.integration import (
    Unit,
    add_facts,
    as_current,
    clock,
    transport_context,
    units_are_watched,
)
from headrace.integration.chains import (
    Dispatcher,
    Plan,
    Run,
    active_dispatcher,
    fields_of,
    leave_branch,
    new_run,
)

from ._driver import AsyncDurable, Interrupted, SyncDurable
from ._errors import ChangedChainError
from ._state import PREFIX, aside, engine, log
from ._values import error_to_json

if TYPE_CHECKING:
    from headrace import StepInfo

    from ._chain import BaseDurable
    from ._driver import Record

PARKED, ACCEPTED = "headrace.parked", "headrace.accepted"


class Execution:
    """One execution.

    Args:
        durable: the chain.
        plan: its plan, or that of the branch.
        record: the recorded input.

    Attributes:
        root: the ID of the run; that of a branch is the ID of the whole run.
        recorded: the names of the recorded steps, in order.
        spans: the spans of the steps.
    """

    def __init__(self, durable: BaseDurable, plan: Plan, record: Record) -> None:
        from dbos import DBOS

        self._durable, self._plan, self._record = durable, plan, record
        self._run_id: str = DBOS.workflow_id or ""
        self.root: str = record.get("root") or self._run_id
        self.recorded: list[str] = []

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
            self.recorded = [step["function_name"] for step in steps]

    def _park(self) -> None:
        from dbos import DBOS
        from dbos._error import DBOSWorkflowCancelledError

        status = DBOS.get_workflow_status(self._run_id)
        accepted = status and (status.attributes or {}).get(ACCEPTED)
        if accepted == digest(self._durable.definition):
            return
        difference = differences(self._record["definition"], self._durable.definition)
        DBOS.update_workflow_attributes(self._run_id, {PARKED: difference}, merge=True)
        DBOS.cancel_workflow(self._run_id)
        error = ChangedChainError(self._run_id, difference)
        if self.root == self._run_id:
            with as_current(self._context()):
                log.warning("%s", error)
        raise DBOSWorkflowCancelledError(str(error))

    # --- the run ----------------------------------------------------------------------------------

    def unit(self) -> AbstractContextManager[Any]:
        """Return the unit of work of the run; a branch continues that of the run."""
        self.context = context = self._context()
        if self.root != self._run_id:
            return as_current(context)
        if self.recorded:
            context.set_value("resumed", True)
            if units_are_watched():
                add_facts(context, resumed=True)
        return Unit(context)

    def _context(self) -> FlowContext:
        given, until = self._record["context"], self._record["until"]
        deadline = None if until is None else clock.monotonic() + until - clock.wall()
        remote = RemoteContext(
            given["correlation_id"], given["causation_id"], deadline, given["metadata"]
        )
        return transport_context("flow", self._durable.name, remote)

    def begin(self, driver: SyncDurable | AsyncDurable) -> Run:
        """Return the state of the run, and say so if another execution has begun it."""
        self.spans = Spans(active_dispatcher(), driver)
        has_own = self._plan.settings.has_deadline
        if self.recorded and self.root == self._run_id:
            log.info("run %r resumed after %d records", self._run_id, len(self.recorded))
        return new_run(
            self._plan,
            self.context,
            {**self._durable.visible[self._plan], **self._record["inputs"]},
            dispatcher=self.spans if self.spans.is_on else None,
            until=(self.context.deadline or math.inf) if has_own else None,
        )

    def end(
        self, run: Run, failure: BaseException | None, driver: SyncDurable | AsyncDurable
    ) -> Record:
        """Return what is recorded of the run, or of the branch.

        Raises:
            BaseException: the error of the run, or what interrupted the execution.
        """
        if driver.cause is not None:
            raise driver.cause
        if isinstance(failure, Interrupted):
            raise failure
        if self.root != self._run_id:
            is_own = isinstance(failure, ChainError) and failure.result is run.context
            blot = run.plan.blotter(run.context)
            error = None if failure is None else error_to_json(failure, blot)
            return {**leave_branch(run), "error": error, "is_own": is_own}
        ended: Record = {
            "values": self._own_values(run),
            "steps": [fields_of(report) for report in run.context.steps],
            "correlation_id": run.context.correlation_id,
        }
        if failure is not None:
            vars(failure)["_run"] = ended
            raise failure
        return ended

    def _own_values(self, run: Run) -> Record:
        """Return the context without the values that every run of the chain has."""
        shared = self._durable.visible[run.plan]
        return {k: v for k, v in run.context.items() if k not in shared or shared[k] is not v}

    def kept(self, what: str, out: str | None, value: Any) -> Any:
        """Return `value` as it is recorded under `out`; see `Values.recorded`."""
        secrets = self._plan.settings.redaction.names
        kept: Record = engine().values.recorded(what, {out or "": value}, secrets)
        return kept[out or ""]

    # --- branches ---------------------------------------------------------------------------------

    def child(self, run: Run, branch: Run) -> tuple[Any, Record]:
        """Return the workflow of a branch and its input."""
        deadlines = (branch.until, run.until, run.unit.deadline)
        until = min((each for each in deadlines if each is not None), default=math.inf)
        return self._durable.workflows[branch.plan], {
            "definition": self._durable.definition,
            "root": self.root,
            "inputs": self._own_values(branch),
            "context": self._record["context"],
            "until": None if until == math.inf else clock.wall() + until - clock.monotonic(),
        }

    def waiting(self) -> AbstractContextManager[None]:
        """Return a block in which the run waits for its branches."""
        return engine().waiting()


class Spans:
    """Begins the span of a step with the first attempt that is not replayed.

    Args:
        dispatcher: the dispatcher, or None.
        driver: the driver of the run.
    """

    def __init__(self, dispatcher: Dispatcher | None, driver: SyncDurable | AsyncDurable) -> None:
        self._dispatcher = dispatcher
        self._driver = driver
        self._step: tuple[StepInfo, FlowContext] | None = None
        self._state: list[Any] = []
        self.is_on = dispatcher is not None

    def begin(self, step: StepInfo, context: FlowContext) -> Any:
        """Begin the span, unless the next step is recorded."""
        self._step, self._state = (step, context), []
        if not self._driver.is_replaying:
            self.open()
        return self._state

    def open(self) -> None:
        """Begin the span of the current step, unless it has begun."""
        if self._dispatcher is not None and self._step is not None and not self._state:
            self._state.append(self._dispatcher.begin(*self._step))

    def end(self, state: Any, exc: BaseException | None) -> None:
        """End the span, if it has begun."""
        self._step = None
        if self._dispatcher is not None and state:
            self._dispatcher.end(state[0], exc)

    def enabled(self) -> bool:
        """Return whether a backend is listening."""
        return self.is_on


def digest(definition: list[str]) -> str:
    """Return a short name of a definition."""
    return hashlib.sha256("\n".join(definition).encode()).hexdigest()[:16]


def differences(old: list[str], new: list[str]) -> list[str]:
    """Return the lines that are gone, marked ``-``, and new, marked ``+``."""
    return [line for line in ndiff(old, new) if line[0] in "-+"]
