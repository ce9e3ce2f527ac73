"""Judges each declared edge: shown, with evidence, or not shown."""

from __future__ import annotations

from dataclasses import dataclass

from headrace_inspect._declarations._reading import steps_of
from headrace_inspect._declarations._steps import Declarations, Edge, Name, edges_of
from headrace_inspect._evaluate._contexts import Context, Event
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._values import ClassValue, Instance

from ._evidence import Evidence, Ways, kind_of
from ._reach import Reach

_PREFERRED = ("enqueue", "on_commit", "canvas", "http", "signal", "call")


_FARTHEST = 10
"""The most calls in evidence: over more, nearly any two steps of a program run in some order."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An edge, and the evidence that shows it, or None."""

    edge: Edge
    evidence: Evidence | None


class Judge:
    """Finds evidence for the declared edges.

    Args:
        engine: what the bodies run.
        declarations: what is declared.
    """

    def __init__(self, engine: Engine, declarations: Declarations) -> None:
        self._engine = engine
        self._declarations = declarations
        self._bits: dict[Name, int] = {name: 1 << i for i, name in enumerate(declarations.steps)}
        self._contexts = engine.all_contexts()
        own = {context: self._own(context) for context in self._contexts}
        self._reach = Reach(self._contexts, own)
        self._over = Reach(self._contexts, own, in_queues=False)
        self._ways = Ways(engine, self._reach)
        self._ways_over = Ways(engine, self._over)

    def judge(self) -> list[Judged]:
        """Return the declared edges with their evidence."""
        edges = edges_of(self._declarations)
        found: dict[Edge, list[Evidence]] = {}
        wanted: dict[int, list[Edge]] = {}
        following: dict[int, list[Edge]] = {}
        for edge in edges:
            if edge.source in self._bits and edge.target in self._bits:
                wanted.setdefault(self._bits[edge.target], []).append(edge)
                following.setdefault(self._bits[edge.source], []).append(edge)
        for context in self._contexts:
            self._judge_inside(context, following, found)
            self._judge_order(context, wanted, found)
        return [Judged(edge, _best(found.get(edge, []))) for edge in edges]

    def _own(self, context: Context) -> int:
        mask = 0
        for name in context.steps:
            mask |= self._bits.get(name, 0)
        if context.function is not None:
            receiver = context.receiver
            cls = receiver.cls if isinstance(receiver, Instance | ClassValue) else None
            for name in steps_of(self._engine, self._declarations, context.function, cls):
                mask |= self._bits.get(name, 0)
        return mask

    def _judge_inside(
        self, context: Context, following: dict[int, list[Edge]], found: dict[Edge, list[Evidence]]
    ) -> None:
        inside = self._reach.within(context) if self._reach.own(context) else 0
        for bit in _bits_in(self._reach.own(context)) if inside else ():
            for edge in following.get(bit, ()):
                links = None
                if self._bits[edge.target] & inside:
                    links = self._ways.inside(context, self._bits[edge.target])
                if links is not None:
                    evidence = Evidence(kind_of(links), tuple(links))
                    found.setdefault(edge, []).append(evidence)

    def _judge_order(
        self, context: Context, wanted: dict[int, list[Edge]], found: dict[Edge, list[Evidence]]
    ) -> None:
        if not any(event.before for event in context.events):
            return
        leading: dict[int, int] = {}  # the events that lead to each step
        for number, event in enumerate(context.events):
            for bit in _bits_in(self._over.of_event(event)):
                leading[bit] = leading.get(bit, 0) | 1 << number
        done: set[tuple[Edge, str]] = set()
        for event in context.events if leading else ():
            for bit in _bits_in(self._reach.of_event(event)):
                for edge in wanted.get(bit, ()):
                    earlier = leading.get(self._bits[edge.source], 0) & event.before
                    if earlier and (edge, event.kind) not in done:
                        evidence = self._in_order(context, earlier, event, edge)
                        if evidence is not None:
                            done.add((edge, event.kind))
                            found.setdefault(edge, []).append(evidence)

    def _in_order(
        self, context: Context, earlier: int, event: Event, edge: Edge
    ) -> Evidence | None:
        source, target = self._bits[edge.source], self._bits[edge.target]
        second = self._ways.through(context, event, target)
        for number in _numbers_in(earlier) if second is not None else ():
            first = self._ways_over.through(context, context.events[number], source)
            if first is not None and second is not None:
                return Evidence(kind_of(second), (*first, *second), len(first))
        return None


def _numbers_in(mask: int) -> list[int]:
    numbers = []
    while mask:
        low = mask & -mask
        numbers.append(low.bit_length() - 1)
        mask ^= low
    return numbers


def _bits_in(mask: int) -> list[int]:
    return [1 << number for number in _numbers_in(mask)]


def _best(found: list[Evidence]) -> Evidence | None:
    """Return the shortest evidence; a boundary wins over a call, since that is drawn."""
    near = [one for one in found if len(one.links) <= _FARTHEST]
    if not near:
        return None
    return min(near, key=lambda one: (_PREFERRED.index(one.kind), len(one.links)))
