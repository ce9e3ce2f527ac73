"""Finds the verdict on each declared edge: shown, with evidence, or not shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from headrace_inspect._declarations._reading import steps_of
from headrace_inspect._declarations._steps import Declarations, Edge, Name, edges_of
from headrace_inspect._evaluate._contexts import Context, Event
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._values import ClassValue, Instance
from headrace_inspect._report import Link

from ._evidence import CallPath, CallPaths
from ._reach import Reach, bits_in

_PREFERRED = ("enqueue", "on_commit", "canvas", "http", "signal", "call")
_MAX_CALLS = 10
"""The maximum number of calls in evidence; over longer paths, almost any two steps connect."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The calls that show an edge: those to its source, then those to its target.

    Attributes:
        kind: the first boundary crossed on the path to the target.
        links: the calls.
        pivot: the number of calls that lead to the source.
    """

    kind: str
    links: tuple[Link, ...]
    pivot: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """An edge and its evidence; None if it is not shown."""

    edge: Edge
    evidence: Evidence | None


class Judge:
    """Finds evidence for the declared edges.

    Args:
        engine: the evaluated program.
        declarations: its declared steps.
    """

    def __init__(self, engine: Engine, declarations: Declarations) -> None:
        self._engine = engine
        self._declarations = declarations
        self._bits: dict[Name, int] = {name: 1 << i for i, name in enumerate(declarations.steps)}
        self._contexts = engine.all_contexts()
        own = {context: self._own(context) for context in self._contexts}
        self._reach = Reach(self._contexts, own)
        self._finished = Reach(self._contexts, own, in_queues=False)
        self._paths, self._finished_paths = CallPaths(self._reach), CallPaths(self._finished)

    def _own(self, context: Context) -> int:
        names = [*context.steps]
        if context.function is not None:
            receiver = context.receiver
            cls = receiver.cls if isinstance(receiver, Instance | ClassValue) else None
            names += steps_of(self._engine, self._declarations, context.function, cls)
        mask = 0
        for name in names:
            mask |= self._bits.get(name, 0)
        return mask

    def judge(self) -> list[Judged]:
        """Return the declared edges with their evidence."""
        edges = edges_of(self._declarations)
        found: dict[Edge, list[tuple[CallPath | None, CallPath]]] = {}
        known = [one for one in edges if one.source in self._bits and one.target in self._bits]
        self._sources: dict[int, list[Edge]] = {}
        self._targets: dict[int, list[Edge]] = {}
        for edge in known:
            self._sources.setdefault(self._bits[edge.source], []).append(edge)
            self._targets.setdefault(self._bits[edge.target], []).append(edge)
        self._all_sources, self._all_targets = sum(self._sources), sum(self._targets)
        for context in self._contexts:
            for edge, first, second in [*self._inside(context), *self._in_order(context)]:
                found.setdefault(edge, []).append((first, second))
        return [Judged(edge, self._best(found.get(edge, []))) for edge in edges]

    def _inside(self, context: Context) -> Iterator[tuple[Edge, None, CallPath]]:
        """Yield the edges from a step to steps that it runs itself."""
        for bit in bits_in(self._reach.own(context)):
            for edge in self._sources.get(bit, ()):
                path = self._paths.inside(context, self._bits[edge.target])
                if path is not None:
                    yield edge, None, path

    def _in_order(self, context: Context) -> Iterator[tuple[Edge, CallPath, CallPath]]:
        """Yield the edges whose source and target a body runs in order."""
        if not any(event.before for event in context.events):
            return
        leading: dict[int, int] = {}  # the events that lead to each step
        for number, event in enumerate(context.events):
            for bit in bits_in(self._finished.of_event(event) & self._all_sources):
                leading[bit] = leading.get(bit, 0) | 1 << number
        done: set[tuple[Edge, str]] = set()
        for event in context.events if leading else ():
            reached = self._reach.of_event(event) & self._all_targets if event.before else 0
            for edge in [edge for bit in bits_in(reached) for edge in self._targets[bit]]:
                earlier = leading.get(self._bits[edge.source], 0) & event.before
                is_new = earlier and (edge, event.kind) not in done
                paths = self._paths_to_both(context, earlier, event, edge) if is_new else None
                if paths is not None:
                    done.add((edge, event.kind))
                    yield edge, *paths

    def _paths_to_both(
        self, context: Context, earlier: int, event: Event, edge: Edge
    ) -> tuple[CallPath, CallPath] | None:
        second = self._paths.through(context, event, self._bits[edge.target])
        for bit in bits_in(earlier) if second is not None else ():
            before = context.events[bit.bit_length() - 1]
            first = self._finished_paths.through(context, before, self._bits[edge.source])
            if first and second and not self._repeats(first, second, self._bits[edge.source]):
                return first, second
        return None

    def _repeats(self, first: CallPath, second: CallPath, source: int) -> bool:
        """Tell whether both paths enter a function that leads to both steps and orders them."""
        again = {one.function for one in second.bodies if self._finished.of(one) & source}
        return any(one.function in again for one in first.bodies)

    def _best(self, found: list[tuple[CallPath | None, CallPath]]) -> Evidence | None:
        """Return the shortest evidence; a boundary wins over a call, since graphs draw it."""
        ranked = [
            (_PREFERRED.index(second.kind), length, number)
            for number, (first, second) in enumerate(found)
            if (length := second.length + (first.length if first else 0)) <= _MAX_CALLS
        ]
        if not ranked:
            return None
        first, second = found[min(ranked)[2]]
        before = first.links() if first else []
        return Evidence(second.kind, (*before, *second.links()), len(before))
