"""HR201: a task is published inside an open transaction.

A worker may take the task before the data is there, or though it never will be.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from headrace_inspect._evaluate._contexts import ENQUEUE, Context, Event
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._frame import line_of
from headrace_inspect._evaluate._values import FunctionValue, Value, options_of
from headrace_inspect._models._tasks import Publishing
from headrace_inspect._report import Finding, Link
from headrace_inspect._shown._links import calls_at, link_to
from headrace_inspect._shown._reach import Reach, part_of
from headrace_inspect._symbols._entities import Module

from ._arguments import name_of, published
from ._guards import Flags, lines_outside
from ._opening import Openings

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


def published_inside(engine: Engine) -> Collection[Finding]:
    """Find the calls that publish a task inside a transaction, each with the shortest way there."""
    return _Search(engine).run()


class _Search:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        contexts = [one for one in engine.all_contexts() if not one.is_test]
        own = {one: int(any(event.kind in _PUBLISHING for event in one.events)) for one in contexts}
        self._leading = Reach(contexts, own, in_queues=False)
        self._waiting: deque[_Part] = deque()
        self._seen: set[tuple[Context, str]] = set()
        self._published = {
            (one.context.module, line_of(one.node)): one for one in published(engine)
        }
        self._found: dict[tuple[Module | None, int], Finding] = {}
        openings = Openings(engine)
        for context in contexts:
            for line, first, last in openings.in_body(context) if self._leading.of(context) else ():
                way = (link_to(context, line, "call"),)
                self._waiting.append(_Part(context, context.events[first:last], way, {}, False))

    def run(self) -> Collection[Finding]:
        """Go through all that runs inside, nearest first."""
        while self._waiting:
            part = self._waiting.popleft()
            function = part.context.function
            outside = set() if function is None else lines_outside(function.node, part.flags)
            inside = [event for event in part.events if event.line not in outside]
            for event in inside if len(part.way) <= _FARTHEST else ():
                if event.kind in _PUBLISHING:
                    self._publish(part, event)
                elif event.kind != "on_commit":
                    self._follow(part, event)
        return self._found.values()

    def _publish(self, part: _Part, event: Event) -> None:
        place = part.context.module, event.line
        one = self._published.get(place)
        if place not in self._found and (one is None or _is_queued(one)):
            way = self._way(part, event)
            self._found[place] = _finding("a task" if one is None else name_of(one), way)

    def _follow(self, part: _Part, event: Event) -> None:
        module = part.context.module
        calls = [] if module is None else calls_at(module, event.line)
        is_new = part.is_new or any(_name_of(one) in _CREATING for one in calls)
        given = _given_by_saving(calls, is_new=is_new) if event.kind == "signal" else part.flags
        for target in event.targets:
            if self._leading.of(target) and (target, event.part) not in self._seen:
                self._seen.add((target, event.part))
                # What a signal's receiver is called with is known of saving alone.
                is_called = part.context.function is not None and target.function is not None
                flags = target.flags if is_called else given
                way, events = self._way(part, event), part_of(target, event.part)
                self._waiting.append(_Part(target, events, way, flags, is_new))

    def _way(self, part: _Part, event: Event) -> tuple[Link, ...]:
        if not event.line:
            return part.way
        return (*part.way, link_to(part.context, event.line, event.kind))


def _name_of(call: ast.Call) -> str:
    return str(getattr(call.func, "attr", "") or getattr(call.func, "id", ""))


def _given_by_saving(calls: Sequence[ast.Call], *, is_new: bool) -> Flags:
    """Return what the receivers get that saving a model calls, as far as that is certain."""
    if is_new:
        return {"created": True, "update_fields": None}
    names = {one.arg for call in calls for one in call.keywords}
    return {"created": False} if "update_fields" in names else {}


def _is_queued(one: Publishing) -> bool:
    """Tell whether a task goes to a broker: a queue in the database waits for the commit, too."""
    is_method = isinstance(one.node, ast.Call) and getattr(one.node.func, "attr", "") in _METHODS
    return not is_method or any(_is_known(task) for task in options_of(one.task))


def _is_known(task: Value) -> bool:
    if not isinstance(task, FunctionValue):
        return True
    named = [one.func if isinstance(one, ast.Call) else one for one in task.function.decorators]
    return any(isinstance(one, ast.Attribute) and one.attr in {"task", "actor"} for one in named)


def _finding(name: str, way: tuple[Link, ...]) -> Finding:
    opened, here = way[0].place, way[-1].place
    file = "" if opened.file == here.file else f"{opened.file}:"
    message = (
        f"{name} is published inside the transaction opened at {file}{opened.line}; "
        f"publish it on commit, by `transaction.on_commit`"
    )
    return Finding("HR201", None, None, None, here, message, way)
