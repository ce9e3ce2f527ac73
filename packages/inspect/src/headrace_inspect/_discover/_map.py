"""The map: its nodes, its edges, and the calls behind each edge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from headrace_inspect._evaluate._contexts import CALL, Context
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._report import Link
from headrace_inspect._shown._paths import CallPath, CallPaths, Reach, bits_in
from headrace_inspect._symbols._entities import Function

from ._nodes import Node, Nodes


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge of the map."""

    source: Node
    target: Node
    kind: str  # how the target is reached: the first boundary crossed
    evidence: tuple[Link, ...]  # the calls from source to target
    caller: Function | None = None  # the function of the source that makes the first call


@dataclass(frozen=True, slots=True)
class Map:
    """The entry points of a program, and how they reach each other."""

    nodes: Collection[Node]
    edges: Collection[Edge]

    @property
    def linked(self) -> set[Node]:
        """The nodes that have an edge."""
        return {node for edge in self.edges for node in (edge.source, edge.target)}


def map_of(engine: Engine) -> Map:
    """Return the map of an evaluated program.

    A function that publishes a task, sends a signal or makes a request is a node if no other node
    reaches it.
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
    # A body that several classes inherit identifies none of them to its callers.
    shared = Counter(one for mine in bodies.values() for one in mine)
    numbered = [(one, 1 << number) for number, mine in enumerate(bodies.values()) for one in mine]
    own = {one: bit for one, bit in numbered if shared[one] == 1}
    return Reach(contexts, own, stops=True)


def _reached(bodies: _Bodies) -> set[Function | None]:
    """Return the functions that the nodes reach."""
    waiting = [context for mine in bodies.values() for context in mine]
    seen = set(waiting)
    while waiting:
        targets = {target for event in waiting.pop().events for target in event.targets}
        waiting += targets - seen
        seen |= targets
    return {context.function for context in seen}


def _edges(engine: Engine, bodies: _Bodies, reach: Reach) -> Iterator[Edge]:
    paths, nodes = CallPaths(reach), list(bodies)
    for number, (source, mine) in enumerate(bodies.items()):
        best: dict[int, tuple[CallPath, Function | None]] = {}
        for context in mine:
            masks = [reach.of_event(event) for event in context.events]
            for bit in sorted({bit for mask in masks for bit in bits_in(mask)}):
                path = paths.inside(context, bit)
                is_own = bit == 1 << number and path is not None and path.kind == CALL
                if path and not is_own and (bit not in best or path.length < best[bit][0].length):
                    best[bit] = path, source.function or context.function
        for bit, (path, caller) in best.items():
            target = nodes[bit.bit_length() - 1]
            yield Edge(source, target, path.kind, tuple(path.links()), caller)
