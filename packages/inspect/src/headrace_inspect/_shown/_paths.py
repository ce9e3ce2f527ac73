"""What a body reaches, and the shortest paths of calls to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from headrace_inspect._evaluate._contexts import CALL, ENQUEUE, SIGNAL, Context, Event
from headrace_inspect._report import Link, Place
from headrace_inspect._sources import shown
from headrace_inspect._symbols._syntax import name_of

_MAX_LENGTH = 60


class Reach:
    """The steps that each body reaches, directly or through calls, as bit masks.

    Args:
        contexts: all bodies, mostly callers before callees.
        own: the steps that each body is, as a bit mask.
        in_queues: whether to follow published tasks. If not, publishing reaches only the task
            itself: the publisher continues before the task's own calls run.
        stops: whether to stop at steps: callers of a step do not reach what it runs.
    """

    def __init__(
        self,
        contexts: Sequence[Context],
        own: dict[Context, int],
        *,
        in_queues: bool = True,
        stops: bool = False,
    ) -> None:
        self._in_queues = in_queues
        self._own = own
        self._of_events: dict[Event, int] = {}
        self._events: dict[Context, list[tuple[Event, int]]] = {}
        self._masks = dict.fromkeys(contexts, 0)
        self._spread(stops=stops)

    def _spread(self, *, stops: bool) -> None:
        """Propagate masks from callees to callers, up to a fixed point."""
        masks = self._masks
        callers: dict[Context, list[Context]] = {}
        for context in masks:
            mask = self._own.get(context, 0)
            for event in () if stops and mask else context.events:
                if self.follows(event):
                    for target in event.targets:
                        callers.setdefault(target, []).append(context)
                else:
                    mask |= self._published(event)
            masks[context] = mask
        waiting = {context: None for context, mask in masks.items() if mask}
        while waiting:
            context, _ = waiting.popitem()
            mask = masks[context]
            for caller in callers.get(context, ()):
                if mask & ~masks[caller]:
                    masks[caller] |= mask
                    waiting[caller] = None

    def _published(self, event: Event) -> int:
        """Return the steps that an event publishes, which run later."""
        mask = 0
        for target in event.targets:
            inner = [one for named in target.events for one in named.targets]
            for one in [target] if target.function is not None else inner:  # a task by its name
                mask |= self.own(one)
        return mask

    def of(self, context: Context) -> int:
        """Return the steps that `context` is or reaches."""
        return self._masks.get(context, 0)

    def own(self, context: Context) -> int:
        """Return the steps that `context` is."""
        return self._own.get(context, 0)

    def of_event(self, event: Event) -> int:
        """Return the steps that an event reaches."""
        found = self._of_events.get(event)
        if found is None:
            found = 0 if self.follows(event) else self._published(event)
            for target in event.targets if self.follows(event) else ():
                found |= self._masks.get(target, 0)
            self._of_events[event] = found
        return found

    def events_of(self, context: Context) -> list[tuple[Event, int]]:
        """Return the events of a body, each with the steps that it reaches."""
        found = self._events.get(context)
        if found is None:
            found = self._events[context] = [(one, self.of_event(one)) for one in context.events]
        return found

    def follows(self, event: Event) -> bool:
        """Tell whether the calls of the targets of `event` count."""
        return self._in_queues or event.kind != ENQUEUE


def bits_in(mask: int) -> Iterator[int]:
    """Yield each set bit as a separate mask."""
    while mask:
        low = mask & -mask
        yield low
        mask ^= low


# --- paths ----------------------------------------------------------------------------------------


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

    def links(self) -> tuple[Link, ...]:
        """Return the calls as links of evidence."""
        found: list[Link] = []
        target = self.target
        for context, event in reversed(self.events):
            if event.line:
                name = target.function.qualname if target.function is not None else ""
                found.append(link_to(context, event, name))
            if context.function is not None:
                target = context
        return tuple(found[::-1])


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
        waiting: deque[_Calls] = deque([(None, context, event)])
        seen: set[Context] = set()
        while waiting:
            path = waiting.popleft()
            follows = self._reach.follows(path[2])
            for target in path[2].targets:
                if self._reach.own(target) & bit:
                    return CallPath(_calls_of(path), target)
                if target not in seen and (follows or target.function is None):
                    seen.add(target)
                    leading = self._reach.events_of(target) if self._reach.of(target) & bit else ()
                    waiting += [(path, target, one) for one, mask in leading if mask & bit]
        return None


_Calls = tuple[Any, Context, Event]
"""A path of calls as a linked list: the earlier calls or None, the last body, and its call."""


def _calls_of(path: _Calls | None) -> tuple[tuple[Context, Event], ...]:
    """Return the calls of a path in order."""
    found: list[tuple[Context, Event]] = []
    while path is not None:
        found.append(path[1:])
        path = path[0]
    return tuple(found[::-1])


def link_to(context: Context, event: Event, target: str = "") -> Link:
    """Return a call in the body of `context` as a link of evidence.

    Args:
        context: the body.
        event: the call.
        target: the dotted name of the called function.
    """
    module, function = context.module, context.function
    place = Place(shown(module.path) if module is not None else "", event.line)
    text = text_of_call(event.node) or target.rpartition(".")[2]
    return Link(place, text, event.kind, function.qualname if function is not None else "", target)


def text_of_call(node: Any) -> str:
    """Return the text of a call without its arguments, empty if it has no name."""
    text = _text(node)
    return text if len(text) <= _MAX_LENGTH else f"...{text[3 - _MAX_LENGTH :]}"


def _text(node: Any) -> str:
    match node:
        case str() | ("v", _, _):
            return name_of(node)
        case ("k", value):
            return repr(value)
        case ("a", owner, name, *_):
            return f"{_text(owner)}.{name}"
        case ("c", _, _, called, given, named, _):
            return f"{_text(called)}(...)" if given or named else f"{_text(called)}()"
        case ("s", owner, _):
            return f"{_text(owner)}[...]"
        case ("w", inner):
            return _text(inner)
    return ""
