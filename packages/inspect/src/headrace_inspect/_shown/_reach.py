"""Which steps a body leads to, directly or through others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from headrace_inspect._evaluate._contexts import ENQUEUE, TAIL, WHOLE, Context, Event


class Reach:
    """The steps that bodies lead to, as bits.

    Args:
        contexts: all bodies, those that call before those that are called as a rule.
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
        self._own = own
        self._of_events: dict[Event, int] = {}
        self._masks = dict.fromkeys([(context, WHOLE) for context in contexts], 0)
        for context in contexts:
            for event in context.events:
                if event.part != WHOLE:
                    self._masks.update([((target, event.part), 0) for target in event.targets])
        self._spread(stops=stops)

    def _spread(self, *, stops: bool) -> None:
        """Go from what is called to what calls it, until nothing changes."""
        bodies = []
        for context, part in reversed(self._masks):
            own = 0 if part == TAIL else self.own(context)
            events = [] if stops and own else part_of(context, part)
            if own or events:
                bodies.append(((context, part), own, events))
        has_changed = True
        while has_changed:
            has_changed = False
            for key, mask, events in bodies:
                for event in events:
                    mask |= self._reached(event)  # noqa: PLW2901 - collects
                if mask != self._masks[key]:
                    self._masks[key], has_changed = mask, True

    def _reached(self, event: Event) -> int:
        mask = 0
        for target in event.targets:
            if self.follows(event):
                mask |= self._masks.get((target, event.part), 0)
            elif target.function is not None:
                mask |= self.own(target)
            else:  # a task by its name
                for one in [inner for named in target.events for inner in named.targets]:
                    mask |= self.own(one)
        return mask

    def of(self, context: Context) -> int:
        """Return the steps that `context` is or leads to."""
        return self._masks.get((context, WHOLE), 0)

    def own(self, context: Context) -> int:
        """Return the steps that `context` is."""
        return self._own.get(context, 0)

    def of_event(self, event: Event) -> int:
        """Return the steps that an event leads to."""
        found = self._of_events.get(event)
        if found is None:
            found = self._of_events[event] = self._reached(event)
        return found

    def follows(self, event: Event) -> bool:
        """Tell whether what the targets of `event` run counts."""
        return self._in_queues or event.kind != ENQUEUE


def bits_in(mask: int) -> Iterable[int]:
    """Yield the bits that are set, each as a number of its own."""
    while mask:
        low = mask & -mask
        yield low
        mask ^= low


def part_of(context: Context, part: str) -> list[Event]:
    """Return the events of a generator up to its first ``yield``, or behind it."""
    if part == WHOLE:
        return context.events
    return [
        event
        for number, event in enumerate(context.events)
        if bool(context.tail >> number & 1) is (part == TAIL)
    ]
