"""The steps that chains declare in flows.

Chains come and go. When one that was built in a function or a test is garbage-collected, the next
chain of that name can take over its flow. Chains that exist at the same time cannot share a step
name.
"""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

from headrace._callables import own_name
from headrace._errors import DuplicateStepError
from headrace._flows.declare import Declaration
from headrace._flows.flow import Flow, flow

from .arguments import step_kind
from .references import spelled
from .step import Step, make_info

if TYPE_CHECKING:
    from headrace._step_info import StepInfo, StepNote

    from .step import Call


class FlowEntry:
    """A chain's step in the registry of its flow. Its properties are computed on demand."""

    __slots__ = ("_after", "_branch", "_flow", "_source", "chain", "name")

    owner = None

    def __init__(
        self,
        chain: weakref.ref[Any],
        name: str,
        step: Step | Call,
        flow: str,
        after: tuple[str, ...],
        branch: str,
    ) -> None:
        self.chain = chain
        self.name = name
        self._source = step
        self._flow = flow
        self._after = after
        self._branch = branch

    def copy(self, chain: weakref.ref[Any]) -> FlowEntry:
        """Return an entry for the same step in another chain."""
        return FlowEntry(chain, self.name, self._source, self._flow, self._after, self._branch)

    @property
    def _step(self) -> Step:
        if isinstance(self._source, tuple):  # a recorded call, known to be valid
            kind = step_kind(self._source[0], awaits=True, allow_sync=True)
            self._source = Step.of(self._source, kind, awaits=True)
        return self._source

    @property
    def notes(self) -> tuple[StepNote, ...]:
        """The step's options, as notes for pictures."""
        return notes_of(self._step, self._branch)

    @property
    def info(self) -> StepInfo:
        """The step's `StepInfo`."""
        return make_info(self._step, self.name, self._flow, self._after)

    @property
    def declaration(self) -> Declaration:
        """The step's declaration."""
        info = self.info
        return Declaration(
            self._step.function,
            info.name,
            info.after,
            info.description,
            info.is_entrypoint,
            kind="chain",
        )


class Membership:
    """The entries of a chain in its flow.

    Args:
        chain: a weak reference to the chain.
        flow_name: the name of the flow.
    """

    __slots__ = ("_chain", "_entries", "_flow")

    def __init__(self, chain: weakref.ref[Any], flow_name: str) -> None:
        self._chain = chain
        self._flow = flow(flow_name)
        self._entries = _forget_dead(self._flow)

    def copy(self, chain: object) -> Membership:
        """Return the membership of a copy of the chain, with entries for the same steps."""
        copied = Membership(weakref.ref(chain), self._flow.name)
        own = [entry for entry in self._entries if entry.chain is self._chain]
        # The flow keeps the original's entries; when that is deleted, those of the copy take over.
        self._entries += [entry.copy(copied._chain) for entry in own]
        return copied

    def declare(
        self, name: str, step: Step | Call, after: tuple[str, ...], branch: str = ""
    ) -> None:
        """Declare a step of the chain.

        Args:
            name: the step's name.
            step: the step, or the recorded call that defines it.
            after: the names of the steps that it follows.
            branch: its branch among concurrent ones, such as ``1 of 2``, or ``""``.

        Raises:
            DuplicateStepError: another function has this step name in the flow.
        """
        entry = FlowEntry(self._chain, name, step, self._flow.name, after, branch)
        try:
            self._flow._adopt(name, entry)
        except DuplicateStepError:
            gc.collect()  # a chain that only a reference cycle keeps alive counts as gone
            _forget_dead(self._flow)
            self._flow._adopt(name, entry)
        self._entries.append(entry)


_entries_of: dict[str, list[FlowEntry]] = {}


def _forget_dead(flow: Flow) -> list[FlowEntry]:
    """Drop the entries of chains that no longer exist, and return the list of all others."""
    entries = _entries_of.setdefault(flow.name, [])
    dead = [entry for entry in entries if entry.chain() is None]
    if dead:
        for entry in dead:
            flow._forget(entry.name, entry)
        entries[:] = [entry for entry in entries if entry.chain() is not None]
        for entry in entries:
            if entry.name not in flow._steps:
                flow._adopt(entry.name, entry)
    return entries


def notes_of(step: Step, branch: str = "") -> tuple[StepNote, ...]:
    """Return the options of a step as notes for pictures.

    Args:
        step: the step.
        branch: its branch among concurrent ones, such as ``1 of 2``, or ``""``.
    """
    from headrace._step_info import StepNote

    notes = [StepNote("parallel", branch)] if branch else []
    if step.when is not None:
        path = step.when
        notes.append(StepNote("when", spelled(path) if isinstance(path, tuple) else _name(path)))
    if step.retries.count:
        notes.append(StepNote("retries", str(step.retries.count)))
    if step.timeout is not None:
        notes.append(StepNote("timeout", f"{step.timeout:g} s"))
    if step.undo is not None:
        notes.append(StepNote("undo", _name(step.undo)))
    return tuple(notes)


def _name(function: Any) -> str:
    name = own_name(function)
    return "" if name == "<lambda>" else name
