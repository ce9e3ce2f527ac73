"""Finds the calls that show an edge."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from headrace_inspect._evaluate._contexts import CALL, HEAD, SIGNAL, WHOLE, Context, Event
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._report import Link

from ._links import link_to
from ._reach import Reach, part_of

_Way = tuple[tuple[Context, Event], ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The calls that show an edge: those that lead to its source, then those to its target.

    Attributes:
        kind: the first boundary on the way to the target.
        links: the calls.
        pivot: how many of them lead to the source.
    """

    kind: str
    links: tuple[Link, ...]
    pivot: int = 0


class Ways:
    """Finds the shortest ways through bodies to steps."""

    def __init__(self, engine: Engine, reach: Reach) -> None:
        self._engine = engine
        self._reach = reach

    def inside(self, context: Context, bit: int) -> list[Link] | None:
        """Return the calls that lead from the body of `context` to a step."""
        return self._search([(context, event) for event in context.events], bit)

    def through(self, context: Context, event: Event, bit: int) -> list[Link] | None:
        """Return the calls that lead to a step, beginning with `event` of `context`."""
        return self._search([(context, event)], bit)

    def _search(self, start: Sequence[tuple[Context, Event]], bit: int) -> list[Link] | None:
        waiting: deque[tuple[_Way, Context, Event]] = deque()
        seen: set[tuple[Context, str]] = set()
        waiting.extend(((), context, event) for context, event in start)
        while waiting:
            way, context, event = waiting.popleft()
            if not self._reach.of_event(event) & bit:
                continue
            way = (*way, (context, event))
            for target in event.targets:
                if self._reach.own(target) & bit and event.part in {WHOLE, HEAD}:
                    return self._links(way, target)
                key = (target, event.part)
                is_open = self._reach.follows(event) or target.function is None
                if is_open and key not in seen and self._reach.of(target) & bit:
                    seen.add(key)
                    for following in part_of(target, event.part):
                        waiting.append((way, target, following))
        return None

    def _links(self, way: _Way, target: Context) -> list[Link]:
        """Return the calls on a way to `target`; places where bodies hang together are none."""
        found: list[Link] = []
        for context, event in reversed(way):
            if event.line:
                name = target.function.qualname if target.function is not None else ""
                found.append(link_to(self._engine, context, event.line, event.kind, name))
            if context.function is not None:
                target = context
        return found[::-1]


def kind_of(links: Sequence[Link]) -> str:
    """Return the first boundary on a way; a signal is one only where there is no other."""
    kinds = [link.kind for link in links if link.kind != CALL]
    return next((kind for kind in kinds if kind != SIGNAL), kinds[0] if kinds else CALL)
