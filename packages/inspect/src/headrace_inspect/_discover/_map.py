"""The map: which nodes reach which, by what, and the calls in between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from headrace_inspect._evaluate._contexts import CALL, ENQUEUE, Context
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._report import Link
from headrace_inspect._shown._evidence import Way, Ways
from headrace_inspect._shown._links import link_to
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

    nodes: list[Node]
    edges: list[Edge]


def map_of(engine: Engine, *, functions: bool = False) -> Map:
    """Return the map of a program that was analysed.

    Args:
        engine: what the bodies run.
        functions: whether each function that publishes, sends or requests is a node of its own;
            otherwise only those are that no route, command, task or receiver leads to.
    """
    nodes = Nodes(engine)
    nodes.fill()
    contexts = [one for one in engine.all_contexts() if not one.is_test]
    reach = Reach(contexts, _own(nodes), stops=True)
    reached = set() if functions else _reached(nodes)
    for context in contexts:
        crosses = any(event.kind != CALL and reach.of_event(event) for event in context.events)
        if crosses and context.function is not None and context.function not in reached:
            nodes.add_function(context.function)
    nodes.fill()
    return Map(list(nodes.all.values()), list(_edges(nodes, contexts)))


def _own(nodes: Nodes) -> dict[Context, int]:
    return {
        context: 1 << number
        for number, node in enumerate(nodes.all.values())
        for context in node.contexts
    }


def _reached(nodes: Nodes) -> set[Function]:
    """Return the functions that the nodes lead to."""
    waiting = [context for node in nodes.all.values() for context in node.contexts]
    seen = set(waiting)
    while waiting:
        for event in waiting.pop().events:
            for target in event.targets:
                if target not in seen:
                    seen.add(target)
                    waiting.append(target)
    return {context.function for context in seen if context.function is not None}


def _edges(nodes: Nodes, contexts: list[Context]) -> Iterator[Edge]:
    reach = Reach(contexts, _own(nodes), stops=True)
    ways = Ways(reach)
    found = list(nodes.all.values())
    for number, source in enumerate(found):
        for function in source.tasks:
            target = nodes.of(function)
            if target is not None:
                place = Context(None, source.module)
                here = link_to(nodes.engine, place, source.line, ENQUEUE)
                yield Edge(source, target, "enqueue", (here,))
        best: dict[int, tuple[Way, Function | None]] = {}
        for context in source.contexts:
            masks = [reach.of_event(event) & ~(1 << number) for event in context.events]
            for bit in sorted({bit for mask in masks for bit in bits_in(mask)}):
                way = ways.inside(context, bit)
                if way and (bit not in best or way.length < best[bit][0].length):
                    best[bit] = way, source.function or context.function
        for bit, (way, begins) in best.items():
            target = found[bit.bit_length() - 1]
            yield Edge(source, target, way.kind, tuple(way.links(nodes.engine)), begins)
