"""`durable`: chains whose runs outlive their process."""

from __future__ import annotations

import asyncio
from contextvars import Context
from functools import partial
from typing import Any, overload

from headrace import AsyncChain, Chain, ChainResult
from headrace.integration.chains import Part, Plan, drive
from headrace.integration.messages import make_id
from headrace.integration.recording import RecordedChain, RunConflictError

from ._driver import AsyncDurable, Durable, SyncDurable
from ._handles import AsyncHandle, Handle
from ._state import PREFIX, aside, chains, dbos, engine

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


class BaseDurable(RecordedChain):
    """A durable chain; `workflows` has its own workflow and those of its branches, by plan."""

    _driver: type[Durable]

    def __init__(self, chain: Any, name: str | None, queue: str | None) -> None:
        super().__init__(chain, name)
        self.queue = queue
        self.workflows: dict[Plan, Any] = {}
        self.new: set[str] = set()  # generated IDs of runs that have no records yet

    def register(self) -> None:
        """Register the workflows with DBOS."""
        for part in () if self.workflows else self.parts.values():
            if part.is_branch or not part.path:
                name = PREFIX + self.name + part.path
                decorate = dbos().workflow(name=name, max_recovery_attempts=None)
                self.workflows[part.plan] = decorate(self._workflow(part))

    def _workflow(self, part: Part) -> Any:
        kind = self._driver

        async def workflow(record: Record) -> Record:
            make = partial(aside, kind, self, part, record, dbos().workflow_id)
            driver: Durable = await asyncio.to_thread(make) if kind.form else make()
            return await driver.execute()

        return workflow if kind.form else lambda record: drive(workflow(record))

    def _begin(self, run_id: str | None, inputs: Record) -> tuple[str, Record]:
        """Return the ID and the recorded input of a run."""
        record = self.begin(inputs, engine().serializer)
        if run_id is None:
            run_id = make_id()
            self.new.add(run_id)
        return run_id, record

    async def _start(self, run_id: str, record: Record) -> Any:
        from dbos import SetWorkflowID
        from dbos import error as dbos_error

        name, target = "start_workflow", [self.workflows[self.plan], record]
        if self.queue is not None:
            name, target = "enqueue_workflow", [self.queue, *target]
        try:
            with SetWorkflowID(run_id):
                handle = getattr(dbos(), name + self._driver.form)(*target)
                return await handle if self._driver.form else handle
        except dbos_error.DBOSConflictingWorkflowError:
            raise RunConflictError(f"run {run_id!r} belongs to another chain") from None

    def _started(self, chosen: str | None, run_id: str, record: Record, handle: Any) -> Handle:
        """Return the handle, or raise if DBOS would return the result of another run."""
        if chosen is not None:
            status = aside(dbos().get_workflow_status, run_id)
            found: Any = status and status.input
            if not isinstance(found, dict) or found["args"][0]["inputs"] != record["inputs"]:
                raise RunConflictError(f"run {run_id!r} was started with other inputs")
        return Handle(run_id, self, handle)


class DurableChain(BaseDurable):
    """A `Chain` whose runs are recorded."""

    _driver = SyncDurable

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
        handle = aside(drive, self._start(run, record))
        return self._started(run_id, run, record, handle)


class AsyncDurableChain(BaseDurable):
    """An `AsyncChain` whose runs are recorded."""

    _driver = AsyncDurable

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
