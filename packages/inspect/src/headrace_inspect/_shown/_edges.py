"""Finds the verdict on each declared edge: shown, with evidence, or not shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
        self._targets: dict[int, list[tuple[int, Pair]]] = {}
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
            source, target = self._bits[pair[0]], self._bits[pair[1]]
            self._sources.setdefault(source, []).append(pair)
            self._targets.setdefault(target, []).append((source, pair))
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
        leading = [(1 << i, self._finished.of_event(one)) for i, one in enumerate(context.events)]
        sources = _joined(leading) & self._all_sources
        following = [one for one in context.events if one.before] if sources else []
        reaching = [(event, self._reach.of_event(event)) for event in following]
        targets = _joined(reaching) & self._all_targets
        for target in bits_in(targets):
            for source, pair in [one for one in self._targets[target] if one[0] & sources]:
                first = sum(bit for bit, mask in leading if mask & source)
                kinds: set[str] = set()
                for event, mask in reaching:
                    is_in_order = mask & target and event.before & first
                    if not is_in_order or event.kind in kinds:
                        continue
                    paths = self._paths_to_both(context, first, event, pair)
                    if paths is not None:
                        kinds.add(event.kind)
                        yield pair, *paths

    def _paths_to_both(
        self, context: Context, leading: int, event: Event, pair: Pair
    ) -> tuple[CallPath, CallPath] | None:
        source = self._bits[pair[0]]
        second = self._paths.through(context, event, self._bits[pair[1]])
        if second is None:
            return None
        # A function that leads to both steps orders them by itself.
        ordering = {one.function for one in second.bodies if self._finished.of(one) & source}
        for bit in bits_in(leading & event.before):
            before = context.events[bit.bit_length() - 1]
            first = self._finished_paths.through(context, before, source)
            if first and not any(one.function in ordering for one in first.bodies):
                return first, second
        return None

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


def _joined(masks: Sequence[tuple[object, int]]) -> int:
    """Return the union of the masks."""
    joined = 0
    for _, mask in masks:
        joined |= mask
    return joined
