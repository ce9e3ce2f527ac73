"""HR201: a task is published inside an open transaction.

A worker may take the task before the data is there, or though it never will be. Knows what opens a
transaction: ``atomic`` as a block, as a decorator, inside context managers of the program's own,
``ATOMIC_REQUESTS``, migrations, the admin's views, what Django does inside one by itself.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from headrace_inspect._evaluate._contexts import ENQUEUE, Context, Event
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._frame import line_of
from headrace_inspect._evaluate._values import FunctionValue, Value, options_of
from headrace_inspect._models._tasks import publishings_in
from headrace_inspect._report import Finding, Link, Place
from headrace_inspect._shown._links import calls_at, link_to
from headrace_inspect._shown._reach import part_of
from headrace_inspect._source._discovery import shown

from ._finding import is_test, name_of
from ._guards import Flags, call_name, flags_of_receiver, lines_outside
from ._opening import openings_in

_PUBLISHING = frozenset([ENQUEUE, "canvas"])
_METHODS = frozenset(["delay", "apply_async", "send", "s", "si", "signature"])
_CREATING = frozenset(["create", "acreate"])
_FARTHEST = 8
"""The most calls on the way: over more, conditions that are not seen make it doubtful."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a body that runs inside a transaction.

    Attributes:
        way: what opens the transaction, and the calls that lead here.
        flags: what is known of the parameters.
        is_new: whether the way leads through the creation of a model instance.
    """

    context: Context
    events: Sequence[Event]
    way: tuple[Link, ...]
    flags: Flags
    is_new: bool


def published_inside(engine: Engine) -> Iterator[Finding]:
    """Find the calls that publish a task inside a transaction, each with the shortest way there."""
    yield from _Search(engine).run()


class _Search:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._leading = _publishers(engine)
        starts = [one for one in engine.all_contexts() if one in self._leading]
        self._waiting = deque([
            _Part(one.context, one.events, (one.link,), {}, is_new=False)
            for one in openings_in(engine, starts)
        ])
        self._names = dict(_named(engine))
        self._seen: set[tuple[Context, str]] = set()
        self._found: dict[Place, Finding] = {}

    def run(self) -> Iterable[Finding]:
        """Go through all that runs inside, nearest first."""
        while self._waiting:
            part = self._waiting.popleft()
            function = part.context.function
            outside = set() if function is None else lines_outside(function.node, part.flags)
            for event in part.events if len(part.way) <= _FARTHEST else ():
                if event.kind != "on_commit" and event.line not in outside:
                    self._follow(part, event)
        return self._found.values()

    def _follow(self, part: _Part, event: Event) -> None:
        way = part.way
        if event.line:
            way = (*way, link_to(self._engine, part.context, event.line, event.kind))
        if event.kind in _PUBLISHING:
            place = way[-1].place
            name = self._names.get(place, "a task")
            if name is not None:
                self._found.setdefault(place, _hazard(name, way))
            return
        module = part.context.module
        calls = [] if module is None else calls_at(self._engine, module, event.line)
        is_new = part.is_new or any(call_name(one) in _CREATING for one in calls)
        given = flags_of_receiver(calls, is_new=is_new) if event.kind == "signal" else part.flags
        for target in event.targets:
            if target in self._leading and (target, event.part) not in self._seen:
                self._seen.add((target, event.part))
                # What a signal's receiver is called with is known of saving alone.
                is_called = part.context.function is not None and target.function is not None
                flags = target.flags if is_called else given
                events = part_of(target, event.part)
                self._waiting.append(_Part(target, events, way, flags, is_new))


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


def _named(engine: Engine) -> Iterator[tuple[Place, str | None]]:
    """Return the tasks by the places that publish them; None for those of unknown queues."""
    for one in publishings_in(engine):
        module = one.context.module
        here = Place(shown(module.path) if module is not None else "", line_of(one.node))
        is_known = any(_is_queued(option, one.node) for option in options_of(one.task))
        yield here, name_of(one.node, one.task) if is_known else None


def _is_queued(task: Value, node: ast.AST) -> bool:
    """Tell whether a task goes to a broker: a queue in the database waits for the commit, too."""
    is_method = isinstance(node, ast.Call) and getattr(node.func, "attr", "") in _METHODS
    if not isinstance(task, FunctionValue) or not is_method:
        return True
    named = [one.func if isinstance(one, ast.Call) else one for one in task.function.decorators]
    return any(isinstance(one, ast.Attribute) and one.attr in {"task", "actor"} for one in named)


def _hazard(name: str, links: tuple[Link, ...]) -> Finding:
    opened, here = links[0], links[-1]
    file = "" if opened.place.file == here.place.file else f"{opened.place.file}:"
    message = (
        f"{name} is published inside the transaction opened at {file}{opened.place.line}; "
        f"publish it on commit, by `transaction.on_commit`"
    )
    return Finding("HR201", None, None, None, here.place, message, links)
