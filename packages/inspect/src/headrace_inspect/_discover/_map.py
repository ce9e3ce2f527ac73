"""The map: which nodes reach which, by what, and the calls in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from headrace_inspect._evaluate._contexts import CALL, Context
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._report import Link
from headrace_inspect._shown._evidence import Way, Ways
from headrace_inspect._shown._reach import Reach, bits_in
from headrace_inspect._symbols._entities import Function

from ._nodes import Node, Nodes


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge of the map.

    Attributes:
        kind: how the target is reached: the first boundary on the way.
        evidence: the calls on the way, the first in the source.
        begins: the function of the source in which the way begins.
    """

    source: Node
    target: Node
    kind: str
    evidence: tuple[Link, ...]
    begins: Function | None = None


@dataclass(frozen=True, slots=True)
class Map:
    """What begins where in a program, and what reaches what."""

    nodes: Collection[Node]
    edges: Collection[Edge]

    @property
    def linked(self) -> set[Node]:
        """The nodes that have an edge."""
        return {node for edge in self.edges for node in (edge.source, edge.target)}


def map_of(engine: Engine) -> Map:
    """Return the map of a program that was analysed.

    A function that publishes, sends or requests is a node where no other node leads to it.
    """
    nodes = Nodes(engine)
    contexts = [one for one in engine.all_contexts() if not one.is_test]
    bodies = nodes.grouped(contexts)
    reach = _reach(contexts, bodies)
    reached = _reached(bodies)
    for context in contexts:
        crosses = any(event.kind != CALL and reach.of_event(event) for event in context.events)
        if crosses and context.function not in reached:
            nodes.add("function", context.function)
    bodies = nodes.grouped(contexts)
    return Map(bodies, list(_edges(engine, bodies, _reach(contexts, bodies))))


_Bodies = Mapping[Node, list[Context]]


def _reach(contexts: list[Context], bodies: _Bodies) -> Reach:
    # A body that several classes inherit is none of them for what calls it.
    shared = Counter(one for mine in bodies.values() for one in mine)
    numbered = [(one, 1 << number) for number, mine in enumerate(bodies.values()) for one in mine]
    own = {one: bit for one, bit in numbered if shared[one] == 1}
    return Reach(contexts, own, stops=True)


def _reached(bodies: _Bodies) -> set[Function | None]:
    """Return the functions that the nodes lead to."""
    waiting = [context for mine in bodies.values() for context in mine]
    seen = set(waiting)
    while waiting:
        targets = {target for event in waiting.pop().events for target in event.targets}
        waiting += targets - seen
        seen |= targets
    return {context.function for context in seen}


def _edges(engine: Engine, bodies: _Bodies, reach: Reach) -> Iterator[Edge]:
    ways, nodes = Ways(reach), list(bodies)
    for number, (source, mine) in enumerate(bodies.items()):
        best: dict[int, tuple[Way, Function | None]] = {}
        for context in mine:
            masks = [reach.of_event(event) for event in context.events]
            for bit in sorted({bit for mask in masks for bit in bits_in(mask)}):
                way = ways.inside(context, bit)
                is_own = bit == 1 << number and way is not None and way.kind == CALL
                if way and not is_own and (bit not in best or way.length < best[bit][0].length):
                    best[bit] = way, source.function or context.function
        for bit, (way, begins) in best.items():
            target = nodes[bit.bit_length() - 1]
            yield Edge(source, target, way.kind, tuple(way.links()), begins)
