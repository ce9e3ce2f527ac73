"""HR201: a task is published inside an open transaction.

A worker may run the task before the data is committed, or although it is rolled back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence

from headrace_inspect._evaluate._contexts import CALL, ENQUEUE, ON_COMMIT, Context, Event, line_of
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._values import FunctionValue, options_of
from headrace_inspect._models._routing import decorated_by
from headrace_inspect._models._tasks import Publishing
from headrace_inspect._report import Finding, Link
from headrace_inspect._shown._paths import Reach, link_to
from headrace_inspect._symbols._entities import Module

from ._arguments import name_of, published
from ._opening import runs, transactions_in

_PUBLISHING = frozenset([ENQUEUE, "canvas"])
_METHODS = frozenset(["delay", "apply_async", "send", "s", "si", "signature"])
_MAX_CALLS = 8
"""The maximum number of calls; over longer paths, unseen conditions make a finding doubtful."""

_Part = tuple[Context, Sequence[Event], tuple[Link, ...]]
"""Calls of a body that run inside a transaction, and the path that leads there."""


def published_in_transaction(engine: Engine) -> Collection[Finding]:
    """Find calls that publish a task in a transaction, each with the shortest call path."""
    contexts = [one for one in engine.all_contexts() if not one.is_test]
    own = {one: int(any(event.kind in _PUBLISHING for event in one.events)) for one in contexts}
    leading = Reach(contexts, own, in_queues=False)
    calls = {(one.context.module, line_of(one.node)): one for one in published(engine)}
    waiting: deque[_Part] = deque()
    for context, line, events in transactions_in(engine, filter(leading.of, contexts)):
        waiting.append((context, events, (link_to(context, Event(line, CALL, (), 0)),)))
    seen: set[Context] = set()
    found: dict[tuple[Module | None, int], Finding] = {}
    while waiting:
        context, events, path = waiting.popleft()
        for event in events if len(path) <= _MAX_CALLS else ():
            # An event without a line is not a call.
            there = (*path, link_to(context, event)) if event.line else path
            place = context.module, event.line
            if event.kind == ON_COMMIT or not runs(event, context):
                continue
            if event.kind in _PUBLISHING and place not in found and _is_queued(calls.get(place)):
                found[place] = _finding(calls.get(place), there)
            for target in () if event.kind in _PUBLISHING else event.targets:
                if leading.of(target) and target not in seen:
                    seen.add(target)
                    waiting.append((target, target.events, there))
    return found.values()


def _is_queued(one: Publishing | None) -> bool:
    """Tell whether a task goes to a broker; a queue in the database waits for the commit."""
    match one:
        case Publishing(task=task, node=("c", _, _, ("a", _, name, *_), *_)) if name in _METHODS:
            values = options_of(task)
            functions = [one.function for one in values if isinstance(one, FunctionValue)]
            is_known = any(decorated_by(function, "task", "actor") for function in functions)
            return is_known or len(functions) < len(values)
    return True


def _finding(one: Publishing | None, path: tuple[Link, ...]) -> Finding:
    opened, here = path[0].place, path[-1].place
    file = "" if opened.file == here.file else f"{opened.file}:"
    message = (
        f"{name_of(one) if one else 'a task'} is published inside the transaction opened at "
        f"{file}{opened.line}; publish it on commit, with `transaction.on_commit`"
    )
    return Finding("HR201", None, None, None, here, message, path)
