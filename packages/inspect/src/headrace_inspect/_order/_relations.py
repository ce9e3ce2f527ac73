"""The relations between steps that verdicts rest on."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from headrace_inspect._running._nodes import Node
from headrace_inspect._running._trees import Where

from ._evaluator import Evaluator, State
from ._sets import RunSets, Steps, bits_in


class Sighting(NamedTuple):
    """A call at which steps run after others.

    Attributes:
        node: in which node the call stands.
        called: what it calls.
        steps: the steps that it runs.
        before: the steps that have run before.
        where: the call's place.
    """

    node: Node
    called: Node
    steps: Steps
    before: int
    where: Where


class Relations:
    """Which step comes before which.

    Attributes:
        before: per step, the steps that come before it.
        queued: those that come before it with a queue on the way to it.
        plain: those that come before it without a queue that is not declared.
        sightings: where that was seen.
    """

    def __init__(self, sets: RunSets, count: int) -> None:
        self.before = [0] * count
        self.queued = [0] * count
        self.plain = [0] * count
        self.sightings: list[Sighting] = []
        self._sums: tuple[dict[int, int], ...] = ({}, {}, {})
        self._node: Node | None = None
        evaluator = Evaluator(sets, self._note)
        for component in sets.order:
            if not self._is_known(component):
                for node in component:
                    self._node = node
                    self._enter(node)
                    evaluator.node(node)
                    self._leave(node)
        for sums, before in zip(self._sums, (self.before, self.queued, self.plain), strict=True):
            for mask, earlier in sums.items():
                for bit in bits_in(mask):
                    before[bit] |= earlier

    def _is_known(self, component: list[Node]) -> bool:
        """Tell whether it is known without a look in which order the nodes of a circle run."""
        return False

    def _enter(self, node: Node) -> None:
        """Begin with `node`."""

    def _leave(self, node: Node) -> None:
        """End with `node`."""

    def _note(self, called: Node, steps: Steps, state: State, where: Where) -> None:
        if not state.before or self._node is None:
            return
        self._add(steps, state.before)
        self.sightings.append(Sighting(self._node, called, steps, state.before, where))

    def _add(self, steps: Steps, before: int) -> None:
        if before:
            for sums, mask in zip(self._sums, (steps.all, steps.queued, steps.plain), strict=True):
                if mask:
                    sums[mask] = sums.get(mask, 0) | before


class PossibleRelations(Relations):
    """Which step may come before which, if all that is dynamic does what it can.

    Args:
        sets: what each node possibly runs.
        count: how many steps there are.
        begun: gives the steps of the flows that have begun with one of these steps.

    Attributes:
        sets: what each node possibly runs.
        free: per node, the steps that it may run outside their flow: where no entrypoint of it
            has run before.
    """

    def __init__(self, sets: RunSets, count: int, begun: Callable[[int], int]) -> None:
        self.free: dict[Node, int] = {}
        self._begun = begun
        self.sets = sets
        self._free = 0
        super().__init__(sets, count)

    def _is_known(self, component: list[Node]) -> bool:
        # Where a circle is closed by something dynamic, its steps run in any order.
        if len(component) == 1 or not any(node.hub for node in component):
            return False
        every = self.sets.of(component[0])
        self._add(every, every.all)
        self.free.update(dict.fromkeys(component, every.all))
        return True

    def _enter(self, node: Node) -> None:
        self._free = self.sets.bits(node)

    def _leave(self, node: Node) -> None:
        self.free[node] = self._free

    def _note(self, called: Node, steps: Steps, state: State, where: Where) -> None:
        self._add(steps, state.before)
        # What was handed over before may also run after what is called here.
        handed, ways = state.handed, self.sets.anywhere
        self._add(Steps(handed, handed & ways.queued, handed & ways.plain), steps.all)
        free = self.free.get(called, steps.all) & steps.all
        self._free |= free & ~self._begun(state.before)
