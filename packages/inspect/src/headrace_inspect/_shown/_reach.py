"""Which steps a body leads to, directly or through others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from headrace_inspect._evaluate._contexts import ENQUEUE, HEAD, TAIL, WHOLE, Context, Event


class Reach:
    """The steps that bodies lead to, as bits.

    Args:
        contexts: all bodies.
        own: the steps that running a body means, as bits.
        in_queues: whether what a task runs counts, too. Where it does not, the task alone is
            reached by publishing it: what it runs is not over when the publisher goes on.
        stops: whether what a step itself runs does not count for those that lead to the step.
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
        self._stops = stops
        self._own = own
        self._all: dict[Context, int] = {}
        self._parts: dict[tuple[Context, str], int] = {}
        for context in contexts:
            if context not in self._all:
                self._spread(context)

    def of(self, context: Context) -> int:
        """Return the steps that `context` is or leads to."""
        return self._all.get(context, 0)

    def own(self, context: Context) -> int:
        """Return the steps that `context` is."""
        return self._own.get(context, 0)

    def within(self, context: Context) -> int:
        """Return the steps that the events of `context` lead to."""
        return self._of_events(context.events)

    def of_event(self, event: Event) -> int:
        """Return the steps that an event leads to."""
        mask = 0
        for target in event.targets:
            if not self.follows(event):
                mask |= self._handed(target)
            elif event.part == WHOLE:
                mask |= self.of(target)
            else:
                mask |= self._of_part(target, event.part)
        return mask

    def follows(self, event: Event) -> bool:
        """Tell whether what the targets of `event` run counts."""
        return self._in_queues or event.kind != ENQUEUE

    def _handed(self, target: Context) -> int:
        mask = self.own(target)
        if target.function is None:  # a task by its name
            for event in target.events:
                for one in event.targets:
                    mask |= self.own(one)
        return mask

    def _events(self, context: Context) -> Sequence[Event]:
        return () if self._stops and self._own.get(context) else context.events

    def _targets(self, context: Context) -> Iterator[Context]:
        for event in self._events(context):
            if self.follows(event):
                yield from event.targets

    def _of_part(self, context: Context, part: str) -> int:
        key = (context, part)
        if key not in self._parts:
            self._parts[key] = 0  # of a generator that enters itself
            mask = self._of_events(part_of(context, part))
            self._parts[key] = mask | (self.own(context) if part == HEAD else 0)
        return self._parts[key]

    def _of_events(self, events: Sequence[Event]) -> int:
        mask = 0
        for event in events:
            mask |= self.of_event(event)
        return mask

    def _spread(self, start: Context) -> None:
        """Find what `start` and all that it leads to reach, by Tarjan's algorithm."""
        index: dict[Context, int] = {start: 0}
        low = {start: 0}
        stack, on_stack = [start], {start}
        work: list[tuple[Context, Iterator[Context]]] = [(start, self._targets(start))]
        while work:
            node, rest = work[-1]
            following = next(rest, None)
            if following is None:
                work.pop()
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[node])
                if low[node] == index[node]:
                    self._close(node, stack, on_stack)
            elif following in self._all:
                continue
            elif following not in index:
                index[following] = low[following] = len(index)
                stack.append(following)
                on_stack.add(following)
                work.append((following, self._targets(following)))
            elif following in on_stack:
                low[node] = min(low[node], index[following])

    def _close(self, node: Context, stack: list[Context], on_stack: set[Context]) -> None:
        members = []
        while True:
            member = stack.pop()
            on_stack.discard(member)
            members.append(member)
            if member is node:
                break
        mask = 0
        for member in members:
            mask |= self._own.get(member, 0)
            for event in self._events(member):
                for target in event.targets:
                    is_whole = self.follows(event)
                    mask |= self._all.get(target, 0) if is_whole else self._handed(target)
        for member in members:
            self._all[member] = mask


def part_of(context: Context, part: str) -> list[Event]:
    """Return the events of a generator up to its first ``yield``, or behind it."""
    if part == WHOLE:
        return context.events
    is_tail = part == TAIL
    return [
        event
        for number, event in enumerate(context.events)
        if bool(context.tail >> number & 1) is is_tail
    ]
