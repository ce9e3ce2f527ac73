"""Where the source shows that one step comes before another, and how it gets there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from headrace_inspect._running._trees import (
    QUEUES,
    Cross,
    Kind,
    Possible,
    Run,
    Tree,
    Where,
    Within,
    parts_of,
)

from ._sets import bits_in

if TYPE_CHECKING:
    from headrace_inspect._analysis import Analysis
    from headrace_inspect._flows._steps import Name
    from headrace_inspect._running._nodes import Node

    from ._relations import Sighting


class Witness(NamedTuple):
    """What shows that a step comes before another.

    Attributes:
        kind: the first boundary on the way to the second.
        places: where the first runs, if in the same function, and the calls that lead to the
            second.
    """

    kind: Kind
    places: tuple[Where, ...]


class Hop(NamedTuple):
    """A call on the way."""

    node: Node
    where: Where
    kind: Kind


class Witnesses:
    """Finds evidence for the edges `wanted`."""

    def __init__(self, analysis: Analysis, wanted: list[tuple[Name, Name]]) -> None:
        self._analysis = analysis
        self._hops: dict[Node, list[Hop]] = {}
        self._seen: dict[tuple[int, int], tuple[int, Sighting]] = {}
        edges = {(analysis.bit(source), analysis.bit(target)) for source, target in wanted}
        edges |= {(target, source) for source, target in edges}
        self._collect(edges)

    def of(self, source: Name, target: Name) -> Witness:
        """Return what shows that `source` comes before `target`."""
        pair = (self._analysis.bit(source), self._analysis.bit(target))
        found = self._seen.get(pair)
        if found is None:
            return Witness("call", ())
        sighting = found[1]
        first = next(
            (
                hop
                for hop in self._hops_of(sighting.node)
                if hop.node is sighting.called and hop.where == sighting.where
            ),
            Hop(sighting.called, sighting.where, "call"),  # in a context manager's function
        )
        way = [first, *self._way(first.node, pair[1], first.kind in QUEUES, target)]
        crossings: list[Kind] = [hop.kind for hop in way if hop.kind != "call"]
        places = [hop.where for hop in way]
        if self._is_own(sighting.node, pair[0]):
            places = places[1:] or places  # the first is but the beginning of the step itself
        elif (start := self._start(sighting.node, pair[0])) is not None:
            places.insert(0, start)
        return Witness(crossings[0] if crossings else "call", tuple(dict.fromkeys(places)))

    def reverse(self, source: Name, target: Name) -> tuple[Where, ...]:
        """Return what shows that `target` comes before `source`."""
        return self.of(target, source).places

    def _collect(self, edges: set[tuple[int, int]]) -> None:
        sources: dict[int, list[int]] = {}
        for source, target in edges:
            sources.setdefault(target, []).append(source)
        wanted = 0
        for target in sources:
            wanted |= target
        for sighting in self._analysis.sure.sightings:
            for number in bits_in(sighting.steps.all & wanted):
                target = 1 << number
                for source in sources[target]:
                    if sighting.before & source:
                        self._offer(source, target, sighting)

    def _offer(self, source: int, target: int, sighting: Sighting) -> None:
        sets = self._analysis.sets
        is_task = self._analysis.is_task(target)
        fitting = sighting.steps.queued if is_task else sighting.steps.plain
        cost = (
            (0 if fitting & target else 4)
            + (0 if sets.bits(sighting.called) & target else 2)
            + (0 if self._is_own(sighting.node, source) else 1)
        )
        known = self._seen.get((source, target))
        if known is None or cost < known[0]:
            self._seen[source, target] = (cost, sighting)

    def _is_own(self, node: Node, source: int) -> bool:
        return bool(self._analysis.sets.bits(node) & source)

    def _start(self, node: Node, source: int) -> Where | None:
        for hop in self._hops_of(node):
            if self._analysis.sets.of(hop.node).all & source:
                return hop.where
        return None

    def _way(self, start: Node, target: int, is_queued: bool, name: Name) -> list[Hop]:
        """Return the shortest way from `start` to the step, over queues as it is declared."""
        sets = self._analysis.sets
        wants_queue = self._analysis.is_task(target)
        for is_strict in (True, False):
            came: dict[tuple[Node, bool], tuple[tuple[Node, bool], Hop] | None] = {
                (start, is_queued): None
            }
            waiting = [(start, is_queued)]
            for place in waiting:
                node, queued = place
                if sets.bits(node) & target and (queued or not (wants_queue and is_strict)):
                    return _back(came, place)
                for hop in self._hops_of(node):
                    if not sets.of(hop.node).all & target:
                        continue
                    crosses = hop.kind in QUEUES
                    if crosses and is_strict and not wants_queue and not sets.is_task(hop.node):
                        continue
                    following = (hop.node, queued or crosses)
                    if following not in came:
                        came[following] = (place, hop)
                        waiting.append(following)
        return []

    def _hops_of(self, node: Node) -> list[Hop]:
        if node not in self._hops:
            self._hops[node] = list(_hops_in(node.tree)) if node.tree is not None else []
        return self._hops[node]


def _back(
    came: dict[tuple[Node, bool], tuple[tuple[Node, bool], Hop] | None], place: tuple[Node, bool]
) -> list[Hop]:
    way: list[Hop] = []
    step = came[place]
    while step is not None:
        way.append(step[1])
        step = came[step[0]]
    return way[::-1]


def _hops_in(tree: Tree) -> Iterator[Hop]:
    waiting: list[tuple[Tree, Kind]] = [(tree, "call")]
    while waiting:
        current, kind = waiting.pop()
        match current:
            case Run(node=node, where=where) | Within(node=node, where=where):
                yield Hop(node, where, kind)
            case Possible():
                continue
            case Cross(kind=crossed):
                kind = crossed if kind == "call" else kind
        waiting.extend((part, kind) for part in reversed(parts_of(current)))
