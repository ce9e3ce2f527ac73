"""`durable`: chains whose runs outlive their process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import Context
from typing import TYPE_CHECKING, Any, overload

from headrace import AsyncChain, Chain, get_flow_context
from headrace.integration import clock
from headrace.integration.chains import (
    Parallel,
    Plan,
    Step,
    complete,
    definition_of,
    drive,
    flow_of,
    parts_of,
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
from ._values import recorded

if TYPE_CHECKING:
    from headrace import ChainResult

    Record = dict[str, Any]


@overload
def durable(chain: Chain, *, name: str | None = None, queue: str | None = None) -> DurableChain: ...
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
        self.queue: str | None = queue
        self.plan: Plan = plan_of(chain)
        self.definition: list[str] = definition_of(self.plan)
        self.visible: dict[Plan, Mapping[str, Any]] = {}
        self.workflows: dict[Plan, Any] = {}
        self._paths: dict[Plan, str] = {}
        self._new: set[str] = set()
        names: set[str] = set()
        for part in parts_of(self.plan):
            self.visible[part.plan] = part.values
            if part.is_branch or not part.path:
                self._paths[part.plan] = part.path
            for step in part.plan.steps:
                if not isinstance(step, Parallel):
                    self._check(step, names)
                    names.add(step.name)

    def _check(self, step: Step, names: set[str]) -> None:
        if step.name in names:
            raise ValueError(f"two steps of {self.name!r} are named {step.name!r}")
        if step.plan is not None and step.timeout is not None:
            raise ValueError(f"the nested chain {step.name!r} has a timeout")

    def register(self) -> None:
        """Register the workflows of the chain and of its branches with DBOS."""
        from dbos import DBOS

        for plan, path in () if self.workflows else self._paths.items():
            decorate = DBOS.workflow(name=PREFIX + self.name + path, max_recovery_attempts=None)
            self.workflows[plan] = decorate(self._workflow(plan, walk if path else complete))

    def is_new(self, run_id: str) -> bool:
        """Return whether `run_id` was generated here, and this is its first execution."""
        is_new = run_id in self._new
        self._new.discard(run_id)
        return is_new

    def _workflow(self, plan: Plan, follow: Any) -> Any:
        raise NotImplementedError

    # --- starting ---------------------------------------------------------------------------------

    def _begin(self, run_id: str | None, inputs: Record) -> tuple[str, Record]:
        """Return the ID and the recorded input of a run."""
        unit, serializer = get_flow_context(), engine().serializer
        left = seconds_left(self.plan)
        secrets = self.plan.settings.redaction.names
        kept: Record = {}
        for key, value in inputs.items():
            kept |= recorded(serializer, f"input {key!r}", {key: value}, secrets)
        metadata = {} if unit is None else propagated_metadata(unit)
        record = {
            "definition": self.definition,
            "inputs": kept,
            "context": {
                "correlation_id": make_id() if unit is None else unit.correlation_id,
                "causation_id": None if unit is None else unit.unit_id,
                "metadata": recorded(serializer, "metadata", metadata),
            },
            "until": None if left is None else clock.wall() + left,
        }
        if run_id is None:
            run_id = make_id()
            self._new.add(run_id)
        return run_id, record

    def _target(self, form: str) -> tuple[Any, tuple[Any, ...]]:
        """Return what starts a run, as ``""`` or ``"_async"``, and its first arguments."""
        from dbos import DBOS

        workflow = self.workflows[self.plan]
        if self.queue is not None:
            return getattr(DBOS, f"enqueue_workflow{form}"), (self.queue, workflow)
        return getattr(DBOS, f"start_workflow{form}"), (workflow,)

    def _started(self, chosen: str | None, run_id: str, record: Record, handle: Any) -> Handle:
        """Return the handle, unless the chosen ID belongs to another run.

        Raises:
            RunConflictError: it does; DBOS would return the result of that run.
        """
        from dbos import DBOS

        if chosen is not None:
            status = aside(DBOS.get_workflow_status, run_id)
            found: Any = status and status.input
            if not isinstance(found, dict) or found["args"][0]["inputs"] != record["inputs"]:
                raise RunConflictError(f"run {run_id!r} was started with other inputs")
        return Handle(run_id, self, handle)


@contextmanager
def _named(run_id: str) -> Iterator[None]:
    """Give the next workflow its ID; raise if a run of another chain has it."""
    from dbos import SetWorkflowID
    from dbos import error as dbos_error

    try:
        with SetWorkflowID(run_id):
            yield
    except dbos_error.DBOSConflictingWorkflowError:
        raise RunConflictError(f"run {run_id!r} is one of another chain") from None


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
        run, record = self._begin(run_id, inputs)
        return self._started(run_id, run, record, aside(self._start, run, record))

    def _start(self, run_id: str, record: Record) -> Any:
        start, target = self._target("")
        with _named(run_id):
            return start(*target, record)

    def _workflow(self, plan: Plan, follow: Any) -> Any:
        def workflow(record: Record) -> Record:
            execution = Execution(self, plan, record)
            aside(execution.prepare)
            with execution.unit():
                driver, run = execution.begin(SyncDurable)
                return execution.end(driver, run, drive(follow(driver, run)))

        return workflow


class AsyncDurableChain(BaseDurable):
    """An `AsyncChain` whose runs are recorded."""

    async def run(self, run_id: str | None = None, /, **inputs: Any) -> ChainResult:
        """Run the chain; see `DurableChain.run`. Cancelling the caller does not cancel the run."""
        return await (await self.start(run_id, **inputs)).result()

    async def start(self, run_id: str | None = None, /, **inputs: Any) -> AsyncHandle:
        """Start the chain in the background, on this event loop; see `DurableChain.run`."""
        run, record = self._begin(run_id, inputs)
        loop = asyncio.get_running_loop()
        task = await loop.create_task(self._start(run, record), context=Context())
        handle = await asyncio.to_thread(self._started, run_id, run, record, task)
        return AsyncHandle(handle, task)

    async def _start(self, run_id: str, record: Record) -> Any:
        start, target = self._target("_async")
        with _named(run_id):
            return await start(*target, record)

    def _workflow(self, plan: Plan, follow: Any) -> Any:
        async def workflow(record: Record) -> Record:
            execution = Execution(self, plan, record)
            await asyncio.to_thread(aside, execution.prepare)
            with execution.unit():
                driver, run = execution.begin(AsyncDurable)
                return execution.end(driver, run, await follow(driver, run))

        return workflow
