"""Finds the calls that show an edge."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from headrace_inspect._evaluate._contexts import CALL, SIGNAL, Context, Event
from headrace_inspect._report import Link

from ._links import link_to
from ._reach import Reach


@dataclass(eq=False, slots=True)
class CallPath:
    """A path of calls to a step, each with its enclosing body; `target` is the step's body."""

    events: tuple[tuple[Context, Event], ...]
    target: Context

    @property
    def length(self) -> int:
        """Return the number of calls; events without a line are not calls."""
        return sum(event.line > 0 for _, event in self.events)

    @property
    def bodies(self) -> set[Context]:
        """Return the function bodies that the calls enter."""
        entered = [*[body for body, _ in self.events[1:]], self.target]
        return {body for body in entered if body.function is not None}

    @property
    def kind(self) -> str:
        """Return the first boundary; a signal counts only if there is no other."""
        kinds = [one.kind for _, one in self.events if one.line and one.kind != CALL]
        return next((kind for kind in kinds if kind != SIGNAL), kinds[0] if kinds else CALL)

    def links(self) -> list[Link]:
        """Return the calls as links of evidence."""
        found: list[Link] = []
        target = self.target
        for context, event in reversed(self.events):
            if event.line:
                name = target.function.qualname if target.function is not None else ""
                found.append(link_to(context, event, name))
            if context.function is not None:
                target = context
        return found[::-1]


class CallPaths:
    """Finds the shortest paths of calls to steps."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._known: dict[tuple[object, ...], CallPath | None] = {}

    def inside(self, context: Context, bit: int) -> CallPath | None:
        """Return the shortest path from the body of `context` to a step."""
        found = [self.through(context, event, bit) for event in context.events]
        paths = [path for path in found if path is not None]
        return min(paths, key=lambda path: len(path.events), default=None)

    def through(self, context: Context, event: Event, bit: int) -> CallPath | None:
        """Return the shortest path to a step that starts with `event` of `context`."""
        if not self._reach.of_event(event) & bit:
            return None
        key = (event.targets, self._reach.follows(event), bit)
        if key not in self._known:
            self._known[key] = self._search(context, event, bit)
        found = self._known[key]
        return found and CallPath(((context, event), *found.events[1:]), found.target)

    def _search(self, context: Context, event: Event, bit: int) -> CallPath | None:
        waiting: deque[tuple[tuple[tuple[Context, Event], ...], Event]]
        waiting = deque([(((context, event),), event)])
        seen: set[Context] = set()
        while waiting:
            path, last = waiting.popleft()
            for target in last.targets:
                if self._reach.own(target) & bit:
                    return CallPath(path, target)
                is_open = self._reach.follows(last) or target.function is None
                if is_open and target not in seen and self._reach.of(target) & bit:
                    seen.add(target)
                    for following in target.events:
                        if self._reach.of_event(following) & bit:
                            waiting.append(((*path, (target, following)), following))
        return None
