"""HR201: a task is published inside an open transaction.

A worker may run the task before the data is committed, or although it is rolled back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from headrace_inspect._evaluate._contexts import CALL, ENQUEUE, Context, Event, line_of
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._values import FunctionValue, Value, options_of
from headrace_inspect._models._routing import decorated_by
from headrace_inspect._models._tasks import Publishing
from headrace_inspect._report import Finding, Link
from headrace_inspect._shown._paths import Reach, link_to
from headrace_inspect._symbols._entities import Module

from ._arguments import name_of, published
from ._opening import Flags, Transactions, runs

_PUBLISHING = frozenset([ENQUEUE, "canvas"])
_METHODS = frozenset(["delay", "apply_async", "send", "s", "si", "signature"])
_CREATING = frozenset(["create", "acreate"])
_MAX_CALLS = 8
"""The maximum number of calls; over longer paths, unseen conditions make a finding doubtful."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a body that runs inside a transaction.

    Attributes:
        path: the line that opens the transaction, and the calls that lead here.
        flags: the known parameters.
        is_new: whether the calls create a model instance.
    """

    context: Context
    events: Sequence[Event]
    path: tuple[Link, ...]
    flags: Flags
    is_new: bool

    def path_to(self, event: Event) -> tuple[Link, ...]:
        """Return the calls that lead to an event; one without a line is no call."""
        return (*self.path, link_to(self.context, event)) if event.line else self.path


def published_in_transaction(engine: Engine) -> Collection[Finding]:
    """Find calls that publish a task in a transaction, each with the shortest call path."""
    return _Search(engine).run()


class _Search:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        contexts = [one for one in engine.all_contexts() if not one.is_test]
        own = {one: int(any(event.kind in _PUBLISHING for event in one.events)) for one in contexts}
        self._leading = Reach(contexts, own, in_queues=False)
        self._waiting: deque[_Part] = deque()
        self._seen: set[Context] = set()
        self._published = {
            (one.context.module, line_of(one.node)): one for one in published(engine)
        }
        self._found: dict[tuple[Module | None, int], Finding] = {}
        transactions = Transactions(engine)
        for context in contexts:
            for line, first, last in (
                transactions.in_body(context) if self._leading.of(context) else ()
            ):
                path = (link_to(context, Event(line, CALL, (), 0)),)
                self._waiting.append(_Part(context, context.events[first:last], path, {}, False))

    def run(self) -> Collection[Finding]:
        """Search breadth-first through everything that runs inside."""
        while self._waiting:
            part = self._waiting.popleft()
            inside = [event for event in part.events if runs(event, part.flags)]
            for event in inside if len(part.path) <= _MAX_CALLS else ():
                if event.kind in _PUBLISHING:
                    self._publish(part, event)
                elif event.kind != "on_commit":
                    self._follow(part, event)
        return self._found.values()

    def _publish(self, part: _Part, event: Event) -> None:
        place = part.context.module, event.line
        one = self._published.get(place)
        if place not in self._found and (one is None or _is_queued(one)):
            path = part.path_to(event)
            self._found[place] = _finding("a task" if one is None else name_of(one), path)

    def _follow(self, part: _Part, event: Event) -> None:
        is_new = part.is_new or _called(event.node) in _CREATING
        given = _save_arguments(event.node, is_new=is_new) if event.kind == "signal" else part.flags
        for target in event.targets:
            if self._leading.of(target) and target not in self._seen:
                self._seen.add(target)
                # The arguments of signal receivers are known only for saves.
                is_called = part.context.function is not None and target.function is not None
                flags = target.literals if is_called else given
                path = part.path_to(event)
                self._waiting.append(_Part(target, target.events, path, flags, is_new))


def _called(node: Any) -> str:
    match node:
        case ("c", _, _, (str(name) | ("a", _, str(name), _)), _, _):
            return name
    return ""


def _save_arguments(node: Any, *, is_new: bool) -> Flags:
    """Return the known arguments of the receivers that saving a model calls."""
    if is_new:
        return {"created": True, "update_fields": None}
    named = node[5] if isinstance(node, tuple) and node[0] == "c" else ()
    return {"created": False} if any(name == "update_fields" for name, _ in named) else {}


def _is_queued(one: Publishing) -> bool:
    """Tell whether a task goes to a broker; a queue in the database waits for the commit."""
    is_method = _called(one.node) in _METHODS
    return not is_method or any(_is_known(task) for task in options_of(one.task))


def _is_known(task: Value) -> bool:
    return not isinstance(task, FunctionValue) or decorated_by(task.function, "task", "actor")


def _finding(name: str, path: tuple[Link, ...]) -> Finding:
    opened, here = path[0].place, path[-1].place
    file = "" if opened.file == here.file else f"{opened.file}:"
    message = (
        f"{name} is published inside the transaction opened at {file}{opened.line}; "
        f"publish it on commit, by `transaction.on_commit`"
    )
    return Finding("HR201", None, None, None, here, message, path)
