"""The steps that a body reaches, directly or through calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from headrace_inspect._evaluate._contexts import ENQUEUE, Context, Event


class Reach:
    """The steps that each body reaches, as bit masks.

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
        self._masks = dict.fromkeys(contexts, 0)
        self._spread(stops=stops)

    def _spread(self, *, stops: bool) -> None:
        """Propagate masks from callees to callers, up to a fixed point."""
        bodies = []
        for context in reversed(self._masks):
            mask = self.own(context)
            keys: dict[Context, None] = {}
            for event in [] if stops and mask else context.events:
                if self.follows(event):
                    keys.update(dict.fromkeys([one for one in event.targets if one in self._masks]))
                else:
                    mask |= self._published(event)
            self._masks[context] = mask
            bodies += [(context, [*keys])] if keys else []
        has_changed = True
        while has_changed:
            has_changed = False
            for key, targets in bodies:
                mask = self._masks[key]
                for target in targets:
                    mask |= self._masks[target]
                if mask != self._masks[key]:
                    self._masks[key], has_changed = mask, True

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

    def follows(self, event: Event) -> bool:
        """Tell whether the calls of the targets of `event` count."""
        return self._in_queues or event.kind != ENQUEUE


def bits_in(mask: int) -> Iterable[int]:
    """Yield each set bit as a separate mask."""
    while mask:
        low = mask & -mask
        yield low
        mask ^= low
