"""Recorded chains: what all runs of a chain have in common if an engine records them."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import ndiff
from typing import TYPE_CHECKING, Any

from headrace._context.opening import make_id
from headrace._context.variables import get_unit
from headrace._process import clock
from headrace._propagation.metadata import propagated_metadata

from .engine import definition_of, flow_of, parts_of, plan_of, result_of, seconds_left
from .errors import ChainError
from .plan import Parallel
from .recorded_values import RUN, recorded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .chain import BaseChain
    from .engine import Part
    from .plan import Plan
    from .recorded_values import Serializer
    from .result import ChainResult

    Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RecordedStep:
    """A recorded attempt, predicate, wait or undo.

    Attributes:
        name: such as ``charge``, ``charge#2``, ``when charge``, ``undo charge``.
        seconds: how long it took, in seconds.
    """

    name: str
    seconds: float


class RecordedChain:
    """A chain whose runs are recorded.

    Args:
        chain: the chain, which can no longer be changed.
        name: the name of its runs; by default the chain's name.

    Attributes:
        name: the name of its runs.
        plan: the plan of the chain.
        parts: the chain itself, its branches and its nested chains, by plan.
        definition: what the records of a run depend on; see `definition_of`.

    Raises:
        ValueError: there is no name, two steps have the same name, or a nested chain has a
            `timeout`, whose expiry could not be repeated.
    """

    def __init__(self, chain: BaseChain, name: str | None = None) -> None:
        self.name: str = name or chain.name or flow_of(chain)
        if not self.name:
            raise ValueError("a durable chain needs a name, as in name='orders'")
        self.plan: Plan = plan_of(chain)
        parts = list(parts_of(self.plan))
        self.parts: dict[Plan, Part] = {part.plan: part for part in parts}
        self.definition: list[str] = definition_of(self.plan)
        names: set[str] = set()
        for step in (step for part in parts for step in part.plan.steps):
            if not isinstance(step, Parallel):
                if step.name in names:
                    raise ValueError(f"two steps of {self.name!r} are named {step.name!r}")
                if step.plan is not None and step.timeout is not None:
                    raise ValueError(f"the nested chain {step.name!r} has a timeout")
                names.add(step.name)

    def check_secrets(self, serializer: Serializer) -> None:
        """Check that no output is redacted, unless `serializer` encrypts.

        Raises:
            ValueError: an output is redacted, and would be recorded in clear text.
        """
        hidden = self.plan.settings.redaction.names & {*self.plan.outs}
        if hidden and not getattr(serializer, "encrypts", False):
            raise ValueError(
                f"{self.name!r} redacts its output {min(hidden)!r}, which would be recorded in "
                f"clear text; use a serializer that encrypts"
            )

    def begin(self, inputs: Mapping[str, Any], serializer: Serializer) -> Record:
        """Return the first record of a run that begins now, from which any process can execute it.

        Args:
            inputs: the initial values of the context.
            serializer: how values are recorded.

        Returns:
            A mapping with ``inputs``, in their recorded form, ``context`` (the correlation ID, the
            causation ID and the metadata that `configure(propagate_metadata=...)` names),
            ``until`` (the time of the deadline, in seconds since the epoch, or None) and
            ``definition``.

        Raises:
            ValueNotRecordedError: an input cannot be recorded.
        """
        unit, left = get_unit(), seconds_left(self.plan)
        context = {
            "correlation_id": make_id() if unit is None else unit.correlation_id,
            "causation_id": None if unit is None else unit.unit_id,
            "metadata": {} if unit is None else propagated_metadata(unit),
        }
        secrets = self.plan.settings.redaction.names
        kept: Record = {}
        for key, value in inputs.items():
            kept |= recorded(serializer, f"input {key!r}", {key: value}, secrets)
        return {
            "definition": self.definition,
            "inputs": kept,
            "context": recorded(serializer, "metadata", context),
            "until": None if left is None else clock.wall() + left,
        }

    def difference(self, record: Record) -> list[str]:
        """Return how the chain has changed since a run began, for `ChangedChainError`.

        Args:
            record: what `begin` returned for the run.

        Returns:
            The lines of the definition that are gone, marked ``-``, and new, marked ``+``.
        """
        if record["definition"] == self.definition:
            return []
        return [line for line in ndiff(record["definition"], self.definition) if line[0] in "-+"]

    def result(self, end: Record) -> ChainResult:
        """Return the result of a run, from the record that `RecordedRun.execute` returned."""
        return result_of(self.plan, **end)

    def error(self, exc: Exception) -> Exception:
        """Return the error of a run that failed, with its result, as `Chain.run` raises it.

        Args:
            exc: the error that `RecordedRun.execute` raised, as read from its record.
        """
        end = vars(exc).pop(RUN, None)
        if isinstance(exc, ChainError) and exc.result is None and end is not None:
            exc.result = self.result(end)
        return exc
