"""`durable`: chains whose runs outlive their process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextvars import Context
from typing import TYPE_CHECKING, Any, overload

from headrace import AsyncChain, Chain, get_flow_context
from headrace.integration import clock
from headrace.integration.chains import (
    Parallel,
    Plan,
    complete,
    definition_of,
    drive,
    flow_of,
    plan_of,
    seconds_left,
    walk,
)
from headrace.integration.messages import make_id, propagated_metadata

from ._driver import AsyncDurable, SyncDurable
from ._errors import RunConflictError
from ._execution import Execution
from ._handles import AsyncHandle, Handle
from ._state import PREFIX, aside, chains, engine

if TYPE_CHECKING:
    from headrace import ChainResult

    from ._driver import Record


@overload
def durable(
    chain: Chain, *, name: str | None = None, queue: str | None = None
) -> DurableChain: ...
@overload
def durable(
    chain: AsyncChain, *, name: str | None = None, queue: str | None = None
) -> AsyncDurableChain: ...
def durable(
    chain: Chain | AsyncChain, *, name: str | None = None, queue: str | None = None
) -> DurableChain | AsyncDurableChain:
    """Return `chain` as one whose runs survive the death of their process.

    Call it where the chain is defined, before `launch`. The chain itself can still run in the
    process.

    Args:
        chain: the chain, which can no longer be changed.
        name: the name of its runs in the database; by default the chain's name.
        queue: the DBOS queue through which runs start; by default they start at once.

    Raises:
        ValueError: there is no name, another durable chain has it, two steps have the same name,
            or a nested chain has a `timeout`, whose expiry could not be repeated.
    """
    make: Any = AsyncDurableChain if isinstance(chain, AsyncChain) else DurableChain
    made: DurableChain | AsyncDurableChain = make(chain, name, queue)
    if chains.setdefault(made.name, made) is not made:
        raise ValueError(f"there is another durable chain named {made.name!r}")
    return made


class BaseDurable:
    """A durable chain.

    Attributes:
        name: the name of its runs.
        queue: the queue through which they start, or None.
        plan: the plan of the chain.
        definition: what the records of a run depend on.
        visible: the values set by `put` that each plan of the chain begins with.
        workflows: the workflows of the chain and of its branches, by plan.
    """

    def __init__(self, chain: Any, name: str | None, queue: str | None) -> None:
        self.name: str = name or chain.name or flow_of(chain)
        if not self.name:
            raise ValueError("a durable chain needs a name: durable(chain, name='orders')")
        self.queue = queue
        self.plan = plan_of(chain)
        self.definition = definition_of(self.plan)
        self.visible: dict[Plan, Mapping[str, Any]] = {}
        self.workflows: dict[Plan, Any] = {}
        self._names: set[str] = set()
        self._new: set[str] = set()
        self._add(self.plan, {})

    def _add(self, plan: Plan, outer: Mapping[str, Any], path: str = "", *, inner: bool = False) -> None:
        """Prepare `plan`, and those of its branches and nested chains."""
        self.visible[plan] = visible = {**outer, **plan.values}
        if not inner:
            self.workflows[plan] = self._workflow(plan, is_branch=bool(path))
            self.workflows[plan].__qualname__ = f"{PREFIX}{self.name}{path}"
        for place, step in enumerate(plan.steps):
            here = f"{path}/{place}"
            if isinstance(step, Parallel):
                for number, branch in enumerate(step.branches):
                    self._add(branch, visible, f"{here}.{number}")
                continue
            if step.name in self._names:
                raise ValueError(f"two steps of {self.name!r} are named {step.name!r}")
            self._names.add(step.name)
            if step.plan is not None:
                if step.timeout is not None:
                    raise ValueError(f"the nested chain {step.name!r} has a timeout")
                self._add(step.plan, {} if step.has_inputs else visible, here, inner=True)

    def register(self) -> None:
        """Register the workflows with DBOS."""
        from dbos import DBOS

        for plan, function in self.workflows.items():
            name = function.__qualname__
            self.workflows[plan] = DBOS.workflow(name=name, max_recovery_attempts=None)(function)

    def _workflow(self, plan: Plan, *, is_branch: bool) -> Any:
        raise NotImplementedError

    def is_new(self, run_id: str) -> bool:
        """Return whether `run_id` was generated here, and this is its first execution."""
        try:
            self._new.remove(run_id)
        except KeyError:
            return False
        return True

    # --- starting ---------------------------------------------------------------------------------

    def _begin(self, run_id: str | None, inputs: Record) -> tuple[str, Record]:
        """Return the ID and the recorded input of a run."""
        unit, values = get_flow_context(), engine().values
        left = seconds_left(self.plan)
        secrets = self.plan.settings.redaction.names
        record = {
            "definition": self.definition,
            "inputs": {
                key: values.recorded(f"input {key!r}", {key: value}, secrets)[key]
                for key, value in inputs.items()
            },
            "context": {
                "correlation_id": make_id() if unit is None else unit.correlation_id,
                "causation_id": None if unit is None else unit.unit_id,
                "metadata": {} if unit is None else values.recorded(
                    "metadata", propagated_metadata(unit)
                ),
            },
            "until": None if left is None else clock.wall() + left,
        }
        if run_id is None:
            run_id = make_id()
            self._new.add(run_id)
        return run_id, record

    def _compare(self, run_id: str, record: Record) -> None:
        """Raise if `run_id` belongs to another run.

        Raises:
            RunConflictError: it does; DBOS would return the result of that run.
        """
        from dbos import DBOS

        status = DBOS.get_workflow_status(run_id)
        recorded: Any = status and status.input
        if not isinstance(recorded, dict) or recorded["args"][0]["inputs"] != record["inputs"]:
            raise RunConflictError(f"run {run_id!r} was started with other inputs")


class DurableChain(BaseDurable):
    """A `Chain` whose runs are recorded."""

    def run(self, run_id: str | None = None, /, **inputs: Any) -> ChainResult:
        """Run the chain, or wait for the run that has this ID, and return its result.

        Args:
            run_id: the ID of the run; generated by default. A run ID with the same inputs is the
                same run, however often it is started.
            inputs: initial values of the context.

        Raises:
            RunConflictError: the ID belongs to another chain, or to a run with other inputs.
            ValueNotRecordedError: an input cannot be recorded.
            ChangedChainError: the run is parked.
            RunCancelledError: the run was cancelled.
            ChainError: as for `Chain.run`.
        """
        return self.start(run_id, **inputs).result()

    def start(self, run_id: str | None = None, /, **inputs: Any) -> Handle:
        """Start the chain in the background; see `run`."""
        chosen, record = self._begin(run_id, inputs)
        handle = aside(self._start, chosen, record)
        if run_id is not None:
            aside(self._compare, chosen, record)
        return Handle(chosen, self, handle)

    def _start(self, run_id: str, record: Record) -> Any:
        from dbos import DBOS, SetWorkflowID
        from dbos._error import DBOSConflictingWorkflowError

        workflow = self.workflows[self.plan]
        try:
            with SetWorkflowID(run_id):
                if self.queue is not None:
                    return DBOS.enqueue_workflow(self.queue, workflow, record)
                return DBOS.start_workflow(workflow, record)
        except DBOSConflictingWorkflowError:
            raise RunConflictError(f"run {run_id!r} is one of another chain") from None

    def _workflow(self, plan: Plan, *, is_branch: bool) -> Any:
        def workflow(record: Record) -> Record:
            execution = Execution(self, plan, record)
            aside(execution.prepare)
            driver = SyncDurable(execution)
            with execution.unit():
                run = execution.begin(driver)
                failure = drive((walk if is_branch else complete)(driver, run))
                return execution.end(run, failure, driver)

        return workflow


class AsyncDurableChain(BaseDurable):
    """An `AsyncChain` whose runs are recorded."""

    async def run(self, run_id: str | None = None, /, **inputs: Any) -> ChainResult:
        """Run the chain; see `DurableChain.run`. Cancelling the caller does not cancel the run."""
        return await (await self.start(run_id, **inputs)).result()

    async def start(self, run_id: str | None = None, /, **inputs: Any) -> AsyncHandle:
        """Start the chain in the background, on this event loop; see `DurableChain.run`."""
        chosen, record = self._begin(run_id, inputs)
        loop = asyncio.get_running_loop()
        handle = await loop.create_task(self._start(chosen, record), context=Context())
        if run_id is not None:
            await asyncio.to_thread(aside, self._compare, chosen, record)
        return AsyncHandle(chosen, self, handle)

    async def _start(self, run_id: str, record: Record) -> Any:
        from dbos import DBOS, SetWorkflowID
        from dbos._error import DBOSConflictingWorkflowError

        workflow = self.workflows[self.plan]
        try:
            with SetWorkflowID(run_id):
                if self.queue is not None:
                    return await DBOS.enqueue_workflow_async(self.queue, workflow, record)
                return await DBOS.start_workflow_async(workflow, record)
        except DBOSConflictingWorkflowError:
            raise RunConflictError(f"run {run_id!r} is one of another chain") from None

    def _workflow(self, plan: Plan, *, is_branch: bool) -> Any:
        async def workflow(record: Record) -> Record:
            execution = Execution(self, plan, record)
            await asyncio.to_thread(aside, execution.prepare)
            driver = AsyncDurable(execution)
            with execution.unit():
                run = execution.begin(driver)
                failure = await (walk if is_branch else complete)(driver, run)
                return execution.end(run, failure, driver)

        return workflow
