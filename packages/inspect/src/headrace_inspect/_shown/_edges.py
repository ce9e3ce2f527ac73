"""Finds the verdict on each declared edge: shown, with evidence, or not shown."""

from __future__ import annotations

from collections.abc import Iterator

from headrace_inspect._declarations import Declarations, Name, Pair
from headrace_inspect._evaluate._contexts import Context, Event
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._values import ClassValue, Instance
from headrace_inspect._report import Edge

from ._paths import CallPath, CallPaths, Reach, bits_in

_PREFERRED = ("enqueue", "on_commit", "canvas", "http", "signal", "call")
_MAX_CALLS = 10
"""The maximum number of calls in evidence; over longer paths, almost any two steps connect."""
Found = tuple[CallPath | None, CallPath]
"""The calls that show an edge: those to its source, if any, and those to its target."""


class Judge:
    """Finds evidence for the declared edges.

    Args:
        engine: the evaluated program.
        declarations: its declared steps.
    """

    def __init__(self, engine: Engine, declarations: Declarations) -> None:
        self._declarations = declarations
        self._bits: dict[Name, int] = {name: 1 << i for i, name in enumerate(declarations.steps)}
        self._contexts = engine.all_contexts()
        own = {context: self._own(context) for context in self._contexts}
        self._reach = Reach(self._contexts, own)
        self._finished = Reach(self._contexts, own, in_queues=False)
        self._paths, self._finished_paths = CallPaths(self._reach), CallPaths(self._finished)
        self._sources: dict[int, list[Pair]] = {}
        self._targets: dict[int, list[Pair]] = {}
        self._all_sources = self._all_targets = 0

    def _own(self, context: Context) -> int:
        names = [*context.steps]
        if context.function is not None:
            receiver = context.receiver
            cls = receiver.cls if isinstance(receiver, Instance | ClassValue) else None
            names += self._declarations.steps_of(context.function, cls)
        mask = 0
        for name in names:
            mask |= self._bits.get(name, 0)
        return mask

    def judge(self) -> dict[Pair, Edge]:
        """Return the declared edges with their evidence."""
        found: dict[Pair, list[Found]] = {pair: [] for pair in self._declarations.pairs()}
        for pair in [pair for pair in found if pair[0] in self._bits]:
            self._sources.setdefault(self._bits[pair[0]], []).append(pair)
            self._targets.setdefault(self._bits[pair[1]], []).append(pair)
        self._all_sources, self._all_targets = sum(self._sources), sum(self._targets)
        for context in self._contexts:
            for pair, first, second in [*self._inside(context), *self._in_order(context)]:
                found[pair].append((first, second))
        return {pair: self._edge(pair, paths) for pair, paths in found.items()}

    def _inside(self, context: Context) -> Iterator[tuple[Pair, None, CallPath]]:
        """Yield the edges from a step to steps that it runs itself."""
        for bit in bits_in(self._reach.own(context)):
            for pair in self._sources.get(bit, ()):
                path = self._paths.inside(context, self._bits[pair[1]])
                if path is not None:
                    yield pair, None, path

    def _in_order(self, context: Context) -> Iterator[tuple[Pair, CallPath, CallPath]]:
        """Yield the edges whose source and target a body runs in order."""
        if not any(event.before for event in context.events):
            return
        leading: dict[int, int] = {}  # the events that lead to each step
        for number, event in enumerate(context.events):
            for bit in bits_in(self._finished.of_event(event) & self._all_sources):
                leading[bit] = leading.get(bit, 0) | 1 << number
        done: set[tuple[Pair, str]] = set()
        for event in context.events if leading else ():
            reached = self._reach.of_event(event) & self._all_targets if event.before else 0
            for pair in [pair for bit in bits_in(reached) for pair in self._targets[bit]]:
                earlier = leading.get(self._bits[pair[0]], 0) & event.before
                is_new = earlier and (pair, event.kind) not in done
                paths = self._paths_to_both(context, earlier, event, pair) if is_new else None
                if paths is not None:
                    done.add((pair, event.kind))
                    yield pair, *paths

    def _paths_to_both(
        self, context: Context, earlier: int, event: Event, pair: Pair
    ) -> tuple[CallPath, CallPath] | None:
        source = self._bits[pair[0]]
        second = self._paths.through(context, event, self._bits[pair[1]])
        for bit in bits_in(earlier) if second is not None else ():
            before = context.events[bit.bit_length() - 1]
            first = self._finished_paths.through(context, before, source)
            if first and second and not self._repeats(first, second, source):
                return first, second
        return None

    def _repeats(self, first: CallPath, second: CallPath, source: int) -> bool:
        """Tell whether both paths enter a function that leads to both steps and orders them."""
        again = {one.function for one in second.bodies if self._finished.of(one) & source}
        return any(one.function in again for one in first.bodies)

    def _edge(self, pair: Pair, found: list[Found]) -> Edge:
        """Return the edge with the shortest evidence; graphs draw boundaries, so these win."""
        source, (flow, target) = pair
        about = (flow, source[1] if source[0] == flow else ".".join(source), target)
        ranked = [
            (_PREFERRED.index(second.kind), length, number)
            for number, (first, second) in enumerate(found)
            if (length := second.length + (first.length if first else 0)) <= _MAX_CALLS
        ]
        if not ranked:
            declarator = self._declarations.steps[flow, target][0].declarator
            is_task = declarator is not None and declarator.task is not None
            return Edge(*about, "enqueue" if is_task else "call")
        first, second = found[min(ranked)[2]]
        before = first.links() if first else ()
        return Edge(*about, second.kind, ("code",), (*before, *second.links()), len(before))
