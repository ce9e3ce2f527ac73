"""From definitions to a plan: each step gets its name, its place in the flow, and is compiled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .plan import Parallel, Plan, Settings
from .spec import Names, Spec, free_name
from .step import ChainStep, Step, make_info

Tails = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """A chain as it was built.

    Attributes:
        items: its steps; a tuple of drafts stands for branches that run at once.
        settings: what holds for all of them.
        values: what `Chain.put` has put into the context.
    """

    items: Sequence[Spec | tuple[Draft, ...]]
    settings: Settings
    values: Mapping[str, Any]

    def within(self, outer: Settings) -> Draft:
        """Return the draft as a branch of a chain with the settings `outer`."""
        return Draft(self.items, self.settings.within(outer), self.values)


class Placing:
    """Where steps are placed.

    Args:
        flow: the name of the flow, or ``""``.
        awaits: whether coroutines are awaited there.
        names: the names that are taken; those of the placed steps are added.
    """

    def __init__(self, flow: str, awaits: bool, names: Names) -> None:
        self._flow = flow
        self._awaits = awaits
        self._names = names

    def plan(self, draft: Draft, after: Tails = (), *, numbers: bool = False) -> tuple[Plan, Tails]:
        """Return the plan of `draft`, and the names of its last steps.

        Args:
            draft: the chain.
            after: the names of the steps before.
            numbers: whether an explicit name that is already taken gets a number.
        """
        steps: list[Step | Parallel] = []
        settings = draft.settings
        for item in draft.items:
            step: Step | Parallel
            if not isinstance(item, Spec):
                # Inline, not in a function: deeply nested branches would exhaust the stack.
                plans: list[Plan] = []
                tails: list[str] = []
                for branch in item:
                    plan, last = self.plan(branch.within(settings), after, numbers=numbers)
                    plans.append(plan)
                    tails += last
                step, after = Parallel(plans), tuple(tails)
            elif item.chain is None:
                step = self._step(item, settings, after, numbers)
                after = (step.name,)
            else:
                step, after = self.chain(item, item.chain, settings, after)
            steps.append(step)
        return Plan(steps, draft.settings, draft.values, awaits=self._awaits), after

    def chain(
        self, spec: Spec, draft: Draft, settings: Settings, after: Tails
    ) -> tuple[ChainStep, Tails]:
        """Return a chain compiled as a step after the steps `after`, and its last steps."""
        # A chain may be a step more than once, so explicit names inside it may get numbers.
        plan, tails = self.plan(draft.within(settings), after, numbers=True)
        name = free_name(spec, self._names)
        self._names.taken.add(name)
        info = plan.first.info._replace(name=name)
        return ChainStep(spec, info, plan, strict=settings.strict), tails

    def names(self, draft: Draft, after: Tails = (), *, numbers: bool = False) -> Tails:
        """Name the steps of `draft` as `plan` does, and return the names of its last steps."""
        for item in draft.items:
            if not isinstance(item, Spec):
                tails: list[str] = []
                for branch in item:
                    tails += self.names(branch, after, numbers=numbers)
                after = tuple(tails)
                continue
            if item.chain is not None:
                after = self.names(item.chain, after, numbers=True)
            name = free_name(item, self._names, numbers=numbers and item.chain is None)
            self._names.taken.add(name)
            after = after if item.chain is not None else (name,)
        return after

    def _step(self, spec: Spec, settings: Settings, after: Tails, numbers: bool) -> Step:
        name = free_name(spec, self._names, numbers=numbers)
        self._names.taken.add(name)
        return Step(spec, make_info(spec, name, self._flow, after), strict=settings.strict)
