"""Statements: their assignments, and the paths through them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from headrace_inspect._symbols._entities import Function, Import
from headrace_inspect._symbols._syntax import Block, Expr

from ._conditions import implied_conditions, narrow, truth_of
from ._contexts import Frame, joined
from ._expressions import assign, await_, evaluate
from ._values import (
    Bound,
    Instance,
    Items,
    Pending,
    Value,
    options_of,
    union,
)

_MAX_UNROLLED = 8


def run(frame: Frame, body: Block) -> None:
    """Evaluate statements, up to the first unreachable one."""
    for statement in body:
        if frame.ran is None:
            return
        _HANDLERS[statement[0]](frame, statement)


def _expression(frame: Frame, node: Any) -> None:
    """Evaluate an expression statement: an unused coroutine or generator does not run."""
    if node[1][0] == "g" and node[1][3]:
        return
    value, events = evaluate(frame, node[1]), frame.context.events
    if type(value) is Pending and events and events[-1].node is node[1]:
        events.pop()
        frame.ran = (frame.ran or 0) & ~(1 << len(events))


def _assign(frame: Frame, node: Any) -> None:
    value = evaluate(frame, node[2])
    for target in node[1]:
        assign(frame, target, value)


def _annotated(frame: Frame, node: Any) -> None:
    _, target, annotation, given, is_set = node
    declared = frame.engine.types.of(annotation, frame.scope, frame.receiver)
    value = evaluate(frame, given)
    if is_set or declared is not None:
        is_vague = value is None or isinstance(value, Items)
        if isinstance(value, Instance) and isinstance(declared, Instance):
            sources = frame.engine.classes.sources
            is_vague = declared.cls not in sources(value.cls)  # created by something else
            value = None if is_vague else value
        assign(frame, target, union(value, declared) if is_vague else value)


def _return(frame: Frame, node: Any) -> None:
    frame.returned.append(evaluate(frame, node[1]))
    frame.returns = True
    frame.ran = None


def _raise(frame: Frame, node: Any) -> None:
    evaluate(frame, node[1])
    frame.ran = None


# --- conditions -----------------------------------------------------------------------------------


def _if(frame: Frame, node: Any) -> None:
    _, test, body, rest = node
    evaluate(frame, test)
    truth = truth_of(frame, test)
    outer = frame.conditions
    branches: list[Callable[[], None]] = []
    leaving: list[bool] = []

    def take(block: Block, *, holds: bool) -> None:
        frame.conditions = outer + implied_conditions(frame, test, holds=holds)
        if holds:
            narrow(frame, test)
        run(frame, block)
        frame.conditions = outer
        if frame.ran is None:
            leaving.append(holds)

    if truth is not False:
        branches.append(lambda: take(body, holds=True))
    if truth is not True:
        branches.append(lambda: take(rest, holds=False))
    frame.branch(branches)
    if len(leaving) == 1:  # one branch leaves: what follows runs only if the other was taken
        frame.conditions = outer + implied_conditions(frame, test, holds=not leaving[0])


def _match(frame: Frame, node: Any) -> None:
    _, value, cases = node
    subject = evaluate(frame, value)

    def run_case(names: Sequence[str], _: Expr, body: Block) -> None:
        for name in names:
            frame.bind(name, subject if len(names) == 1 else None)
        run(frame, body)

    for names, guard, _, _ in cases:
        if guard is not None:
            for name in names:
                frame.bind(name, None)
            evaluate(frame, guard)
    branches: list[Callable[[], None]] = [partial(run_case, *case[:3]) for case in cases]
    frame.branch(branches if cases and cases[-1][3] else [*branches, lambda: None])


# --- loops ----------------------------------------------------------------------------------------


def _for(frame: Frame, node: Any) -> None:
    _, _, target, iterated, body, rest = node
    value = evaluate(frame, iterated)
    contents = frame.engine.contents(frame, value) if isinstance(value, Items) else []
    if not 1 < len(contents) <= _MAX_UNROLLED:
        contents = [frame.engine.element(frame, value, node)]
    rounds = [partial(assign, frame, target, one) for one in contents]
    _begin_generator(frame, value)
    _loop(frame, rounds, body, rest)
    if frame.ran is not None:
        _end_generator(frame, value, node)


def _while(frame: Frame, node: Any) -> None:
    _, test, body, rest, is_endless = node
    _loop(frame, [partial(evaluate, frame, test)], body, rest, is_endless=is_endless)


def _loop(
    frame: Frame,
    rounds: Sequence[Callable[[], object]],
    body: Block,
    rest: Block,
    *,
    is_endless: bool = False,
) -> None:
    outer, frame.leaving = frame.leaving, []
    continued = frame.ran or 0
    for start in rounds:
        frame.ran = continued
        start()
        run(frame, body)
        for ran in (frame.ran or 0, *frame.leaving):
            continued |= ran
    broken, frame.leaving = frame.leaving, outer
    frame.ran = None if is_endless else continued
    run(frame, rest)
    frame.ran = joined([frame.ran, *broken])


def _leave(frame: Frame, node: Any) -> None:
    frame.leaving.append(frame.ran or 0)
    frame.ran = None


# --- blocks ---------------------------------------------------------------------------------------


def _try(frame: Frame, node: Any) -> None:
    _, body, handlers, rest, final = node
    before, count = frame.ran or 0, len(frame.context.events)
    run(frame, body)
    failed = before | frame.since(count)
    run(frame, rest)
    ends = [frame.ran]
    for name, block in handlers:
        frame.ran = failed
        if name is not None:
            frame.bind(name, None)
        run(frame, block)
        ends.append(frame.ran)
    end = joined(ends)
    frame.ran = before | frame.since(count)
    start = len(frame.context.events)
    run(frame, final)
    if frame.ran is not None:
        frame.ran = None if end is None else end | frame.since(start)


def _with(frame: Frame, node: Any) -> None:
    _, line, items, body = node
    entered: list[Value] = []
    count = len(frame.context.events)
    for expression, target in items:
        manager = evaluate(frame, expression)
        value = union(*[enter(frame, one, node) for one in options_of(manager)])
        if target is not None:
            assign(frame, target, value)
        entered.append(manager)
    start, first, had_yielded = frame.ran or 0, len(frame.context.events), frame.has_yielded
    run(frame, body)
    yields = frame.has_yielded and not had_yielded
    end, inside = frame.ran, start | frame.since(count)
    for manager in entered:
        frame.enclose(manager, line, first, yields=yields)
    for manager in reversed(entered):
        frame.ran = inside if frame.ran is None else frame.ran
        for option in options_of(manager):
            special = frame.engine.registry.exiting.get(getattr(option, "made_by", ""))
            if special is not None:
                special(frame, count)
            _end_generator(frame, option, node)
            _call_either(frame, option, ("__exit__", "__aexit__"), node)
    if end is None:
        frame.ran = None


def _begin_generator(frame: Frame, value: Value) -> None:
    """Limit the call of a generator to the part before its first ``yield``."""
    for one in options_of(value):
        if isinstance(one, Pending) and one.made_by is not None:
            head, _ = one.made_by.halves()
            for event in frame.context.events:
                if one.made_by in event.targets:
                    event.targets = (head,)


def _end_generator(frame: Frame, value: Value, node: Any) -> None:
    """Record that the rest of a generator runs."""
    for one in options_of(value):
        if isinstance(one, Pending) and one.made_by is not None:
            frame.emit(one.made_by.halves()[1:], node)


def enter(frame: Frame, manager: Value, node: Any) -> Value:
    """Enter a context manager: record its calls and return the value bound by ``as``."""
    _begin_generator(frame, manager)
    if isinstance(manager, Pending):
        return manager.result if manager.is_generator else enter(frame, manager.result, node)
    made = _call_either(frame, manager, ("__enter__", "__aenter__"), node)
    return manager if made is None else made


def _call_either(frame: Frame, manager: Value, names: tuple[str, str], node: Any) -> Value:
    for name in names if isinstance(manager, Instance) else ():
        method = frame.engine.attributes.get(frame, manager, name, node)
        if method is not None and not isinstance(method, Bound):
            return await_(frame.call(method, node))
    return None


# --- definitions ----------------------------------------------------------------------------------


def _define(frame: Frame, node: Any) -> None:
    value = frame.engine.define(frame, frame.module.function(node[1]))
    if isinstance(frame.scope, Function):
        frame.bind(frame.module.function(node[1]).name, value)


def _class(frame: Frame, node: Any) -> None:
    value = frame.engine.define_class(frame.module.cls(node[1]))
    if isinstance(frame.scope, Function):
        frame.bind(frame.module.cls(node[1]).name, value)


def _import(frame: Frame, node: Any) -> None:
    for bound in node[1] if isinstance(frame.scope, Function) else ():
        frame.bind(bound[0], frame.engine.names.imported(Import(*bound[1:]), frame.module))


_HANDLERS: dict[str, Callable[[Frame, Any], object]] = {
    "e": _expression,
    "=": _assign,
    ":": _annotated,
    "r": _return,
    "raise": _raise,
    "if": _if,
    "for": _for,
    "while": _while,
    "leave": _leave,
    "try": _try,
    "with": _with,
    "match": _match,
    "def": _define,
    "class": _class,
    "import": _import,
}
