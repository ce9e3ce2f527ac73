"""HR201: a task is published inside an open transaction.

A worker may take the task before the data is there, or though it never will be. Knows what opens a
transaction: ``atomic`` as a block, as a decorator, inside context managers of the program's own,
``ATOMIC_REQUESTS``, migrations, the admin's views, what Django does inside one by itself.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterator, Sequence

from headrace_inspect._evaluate._contexts import ENQUEUE, Context, Event
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._frame import line_of
from headrace_inspect._evaluate._values import FunctionValue, Value, options_of
from headrace_inspect._models._tasks import publishings_in
from headrace_inspect._shown._evidence import Link
from headrace_inspect._shown._reach import part_of
from headrace_inspect._source._discovery import shown

from ._finding import Hazard, is_test, link_to, name_of
from ._guards import Flags, lines_outside
from ._opening import openings_in

_PUBLISHING = frozenset([ENQUEUE, "canvas"])
_METHODS = frozenset(["delay", "apply_async", "send", "s", "si", "signature"])
_FARTHEST = 8
"""The most calls on the way: over more, conditions that are not seen make it doubtful."""


def published_inside(engine: Engine) -> Iterator[Hazard]:
    """Find the calls that publish a task inside a transaction, each with the shortest way there."""
    waiting: deque[tuple[Context, Sequence[Event], tuple[Link, ...], Flags]] = deque()
    leading = _publishers(engine)
    for one in openings_in(engine, leading):
        waiting.append((one.context, one.events, (one.link,), {}))
    names = dict(_named(engine))
    seen: set[tuple[Context, str]] = set()
    found: dict[tuple[str, int], Hazard] = {}
    while waiting:
        context, events, way, flags = waiting.popleft()
        function = context.function
        outside = set() if function is None else lines_outside(function.node, flags)
        for event in events:
            if event.kind == "on_commit" or event.line in outside or len(way) > _FARTHEST:
                continue
            links = (*way, link_to(context, event.line, event.kind)) if event.line else way
            if event.kind in _PUBLISHING:
                place = (links[-1].path, links[-1].line)
                name = names.get(place, "a task")
                if place not in found and name is not None:
                    found[place] = _hazard(name, links)
                continue
            for target in event.targets:
                if target in leading and (target, event.part) not in seen:
                    seen.add((target, event.part))
                    # What arguments a signal's receiver gets is not known.
                    given = {} if function is None else target.flags
                    waiting.append((target, part_of(target, event.part), links, given))
    yield from found.values()


def _publishers(engine: Engine) -> set[Context]:
    """Return the bodies outside tests that publish a task before they return."""
    callers: dict[Context, list[Context]] = {}
    waiting: list[Context] = []
    for context in engine.all_contexts():
        for event in context.events:
            if event.kind in _PUBLISHING:
                waiting.append(context)
            elif event.kind != "on_commit":
                for target in event.targets:
                    callers.setdefault(target, []).append(context)
    found: set[Context] = set()
    while waiting:
        context = waiting.pop()
        if context not in found and not is_test(context.module):
            found.add(context)
            waiting += callers.get(context, ())
    return found


def _named(engine: Engine) -> Iterator[tuple[tuple[str, int], str | None]]:
    """Return the tasks by the places that publish them; None for those of unknown queues."""
    for one in publishings_in(engine):
        here = link_to(one.context, line_of(one.node), ENQUEUE)
        is_known = any(_is_queued(option, one.node) for option in options_of(one.task))
        yield (here.path, here.line), name_of(one.node, one.task) if is_known else None


def _is_queued(task: Value, node: ast.AST) -> bool:
    """Tell whether a task goes to a broker: a queue in the database waits for the commit, too."""
    is_method = isinstance(node, ast.Call) and getattr(node.func, "attr", "") in _METHODS
    if not isinstance(task, FunctionValue) or not is_method:
        return True
    named = [one.func if isinstance(one, ast.Call) else one for one in task.function.decorators]
    return any(isinstance(one, ast.Attribute) and one.attr in {"task", "actor"} for one in named)


def _hazard(name: str, links: tuple[Link, ...]) -> Hazard:
    opened, here = links[0], links[-1]
    place = "" if opened.path == here.path else f"{shown(opened.path)}:"
    message = (
        f"{name} is published inside the transaction opened at {place}{opened.line}; "
        f"publish it on commit, by `transaction.on_commit`"
    )
    return Hazard("HR201", here.path, here.line, message, links)
