"""Recorded runs: executions of a recorded chain, and the record of their end."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from headrace._context.attachments import add_facts
from headrace._context.opening import transport_context
from headrace._context.remote import RemoteContext
from headrace._context.units import Unit, as_current
from headrace._logger import GuardedLogger
from headrace._process import clock
from headrace._state import units_are_watched

from .engine import active_dispatcher, fields_of, leave_branch, new_run
from .recorded_values import RUN, recorded
from .recording import Recording
from .walk import complete, walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headrace._context.model import FlowContext

    from .engine import Part
    from .recorded_chain import RecordedChain
    from .recorded_values import Serializer
    from .run import Run
    from .step import Step

    Record = dict[str, Any]

_logger = GuardedLogger("headrace.chain")


class RecordedRun(Recording):
    """A `Recording` that runs a chain, or a branch of one, in its unit of work.

    A mixin like `Recording`; a subclass defines the same methods except `keep`.

    Args:
        chain: the recorded chain.
        part: the chain, or the branch that runs on its own: one of ``chain.parts``.
        record: what `RecordedChain.begin` or `branch_record` returned.
        run_id: the ID of the run; a branch takes the ID of the whole run from its record instead.
        names: the names of the existing records, in order.
        serializer: how values are recorded.

    Attributes:
        chain: as above.
        part: as above.
        run_id: the ID of the run, the same for its branches.
        context: the context of the unit of work, which has the name of the chain.
    """

    def __init__(
        self,
        chain: RecordedChain,
        part: Part,
        record: Record,
        run_id: str,
        names: Sequence[str],
        serializer: Serializer,
    ) -> None:
        self.run_id: str = record.get("run", run_id)
        super().__init__(self.run_id, names, active_dispatcher())
        self.chain: RecordedChain = chain
        self.part: Part = part
        self._beginning, self._serializer = record, serializer
        given, until = record["context"], record["until"]
        deadline = None if until is None else clock.monotonic() + until - clock.wall()
        remote = RemoteContext(given["correlation_id"], given["causation_id"], deadline)
        self.context: FlowContext = transport_context(
            "flow", chain.name, remote, {**given["metadata"]}
        )

    async def execute(self) -> Record:
        """Run the chain, or continue it after its last record.

        Returns:
            The record of the end, for `RecordedChain.result`, or the outcome of a branch.

        Raises:
            BaseException: the chain failed, or something stopped the execution; see
                `RecordedChain.error`.
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
        ended = {
            "values": _own_values(run, self.part),
            "steps": [fields_of(report) for report in run.context.steps],
            "correlation_id": run.context.correlation_id,
        }
        if failure is not None:
            vars(failure)[RUN] = ended
            raise failure
        return ended

    def keep(self, step: Step, value: Any) -> Any:
        """Return the result of a step in its recorded form.

        Raises:
            ValueNotRecordedError: it cannot be recorded, or holds a redacted key in clear text.
        """
        named, secrets = {step.out or "": value}, self.part.plan.settings.redaction.names
        kept: Record = recorded(self._serializer, f"step {step.name!r}", named, secrets)
        return kept[step.out or ""]

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
            "run": self.run_id,
            "definition": self.chain.definition,
            "inputs": _own_values(branch, part),
            "until": None if until == math.inf else clock.wall() + until - clock.monotonic(),
        }


def _own_values(run: Run, part: Part) -> Record:
    """Return the context without the values that every run has."""
    shared = part.values
    return {k: v for k, v in run.context.items() if k not in shared or shared[k] is not v}
