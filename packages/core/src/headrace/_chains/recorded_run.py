"""Recorded runs: what an engine records of the beginning and the end, and the run itself."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from headrace._context.attachments import add_facts
from headrace._context.opening import make_id, transport_context
from headrace._context.remote import RemoteContext
from headrace._context.units import Unit, as_current
from headrace._context.variables import get_unit
from headrace._logger import GuardedLogger
from headrace._process import clock
from headrace._propagation.metadata import propagated_metadata
from headrace._state import units_are_watched

from .engine import active_dispatcher, fields_of, leave_branch, new_run, seconds_left
from .recording import Recording
from .walk import complete, walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from headrace._context.model import FlowContext

    from .engine import Part
    from .plan import Plan
    from .run import Run

    Record = dict[str, Any]

_logger = GuardedLogger("headrace.chain")


def beginning(plan: Plan, inputs: Mapping[str, Any]) -> Record:
    """Return the record from which `RecordedRun` executes a run that begins now, in any process.

    Args:
        plan: the plan of the chain.
        inputs: the initial values of the context, in their recorded form.

    Returns:
        A mapping of ``inputs``, ``context`` (the correlation ID, the causation ID and the metadata
        that `configure(propagate_metadata=...)` names) and ``until`` (the time of the deadline, in
        seconds since the epoch, or None).
    """
    unit, left = get_unit(), seconds_left(plan)
    context = {
        "correlation_id": make_id() if unit is None else unit.correlation_id,
        "causation_id": None if unit is None else unit.unit_id,
        "metadata": {} if unit is None else propagated_metadata(unit),
    }
    until = None if left is None else clock.wall() + left
    return {"inputs": dict(inputs), "context": context, "until": until}


class RecordedRun(Recording):
    """A `Recording` that runs a chain, or a branch of one, in its unit of work.

    A mixin like `Recording`; a subclass defines the same methods.

    Args:
        part: the chain, or the branch that runs on its own; see `parts_of`.
        record: what `beginning` or `branch_record` returned.
        run_id: the ID of the run, the same for its branches.
        names: the names of the existing records, in order.
        name: the name of the unit of work.

    Attributes:
        part: as above.
        run_id: as above.
        context: the context of the unit of work.
    """

    def __init__(
        self, part: Part, record: Record, run_id: str, names: Sequence[str], *, name: str
    ) -> None:
        super().__init__(run_id, names, active_dispatcher())
        self.part: Part = part
        self.run_id: str = run_id
        self._beginning = record
        given, until = record["context"], record["until"]
        deadline = None if until is None else clock.monotonic() + until - clock.wall()
        remote = RemoteContext(given["correlation_id"], given["causation_id"], deadline)
        self.context: FlowContext = transport_context("flow", name, remote, {**given["metadata"]})

    async def execute(self) -> Record:
        """Run the chain, or continue it after its last record.

        Returns:
            The record of the end: the arguments of `result_of`, or the outcome of a branch.

        Raises:
            BaseException: the chain failed, or something stopped the execution.
        """
        with self._opened() as run:
            follow: Any = walk if self.part.is_branch else complete
            return self.end(run, await follow(self, run))

    @contextmanager
    def _opened(self) -> Iterator[Run]:
        """Open the unit of work, and return the run to complete; a branch continues that unit."""
        count, context, plan = len(self._names), self.context, self.part.plan
        if count:
            context.set_value("resumed", True)
        if units_are_watched():
            add_facts(context, run_id=self.run_id, resumed=count > 0)
        with as_current(context) if self.part.is_branch else Unit(context):
            if count and not self.part.is_branch:
                _logger.info("run %r resumed after %d records", self.run_id, count)
            inputs = {**self.part.values, **self._beginning["inputs"]}
            until = (context.deadline or math.inf) if plan.settings.has_deadline else None
            yield new_run(plan, context, inputs, dispatcher=self.dispatcher, until=until)

    def end(self, run: Run, failure: BaseException | None) -> Record:
        """Return the record of the end, or raise; see `execute`."""
        if self.cause is not None:
            raise self.cause
        if self.part.is_branch:
            return leave_branch(run, failure)
        if failure is not None:
            raise failure
        return self.ending(run)

    def ending(self, run: Run) -> Record:
        """Return the arguments of `result_of` for a run that has ended."""
        return {
            "values": _own_values(run, self.part),
            "steps": [fields_of(report) for report in run.context.steps],
            "correlation_id": run.context.correlation_id,
        }

    def branch_record(self, run: Run, branch: Run, part: Part) -> Record:
        """Return the record of a branch that will run on its own.

        Args:
            run: the run that it is part of.
            branch: the branch.
            part: its part of the chain.
        """
        deadlines = (branch.until, run.until, self.context.deadline)
        until = min((each for each in deadlines if each is not None), default=math.inf)
        return {
            **self._beginning,
            "inputs": _own_values(branch, part),
            "until": None if until == math.inf else clock.wall() + until - clock.monotonic(),
        }


def _own_values(run: Run, part: Part) -> Record:
    """Return the context without the values that every run has."""
    shared = part.values
    return {k: v for k, v in run.context.items() if k not in shared or shared[k] is not v}
