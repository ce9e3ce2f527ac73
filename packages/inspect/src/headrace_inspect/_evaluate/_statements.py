"""Statements: what they assign, and the paths through them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from headrace_inspect._symbols._bindings import bindings_in
from headrace_inspect._symbols._entities import Function, Import

from ._contexts import HEAD, TAIL
from ._expressions import assign, await_, evaluate, operate
from ._frame import Frame, joined
from ._values import (
    UNKNOWN,
    Bound,
    ClassValue,
    Instance,
    Items,
    Pending,
    Value,
    options_of,
    union,
)

_UNROLLED = 8


def run(frame: Frame, body: Sequence[ast.stmt]) -> None:
    """Run statements, as far as a path leads."""
    for statement in body:
        if frame.ran is None:
            return
        handler = _HANDLERS.get(type(statement))
        if handler is not None:
            handler(frame, statement)


def _assign(frame: Frame, node: ast.Assign) -> None:
    value = evaluate(frame, node.value)
    for target in node.targets:
        assign(frame, target, value)


def _annotated(frame: Frame, node: ast.AnnAssign) -> None:
    declared = frame.engine.types.of(node.annotation, frame.scope, frame.receiver)
    value = UNKNOWN if node.value is None else evaluate(frame, node.value)
    if node.value is not None or declared is not UNKNOWN:
        is_known = value is not UNKNOWN and not isinstance(value, Items)
        assign(frame, node.target, value if is_known else union(value, declared))


def _augmented(frame: Frame, node: ast.AugAssign) -> None:
    left = evaluate(frame, node.target)
    value = operate(frame, node, node.op, left, evaluate(frame, node.value))
    assign(frame, node.target, value)


def _return(frame: Frame, node: ast.Return) -> None:
    if node.value is not None:
        frame.returned.append(evaluate(frame, node.value))
    frame.returns = True
    frame.ran = None


def _raise(frame: Frame, node: ast.Raise) -> None:
    if node.exc is not None:
        evaluate(frame, node.exc)
    frame.ran = None


# --- conditions -----------------------------------------------------------------------------------


def _if(frame: Frame, node: ast.If) -> None:
    evaluate(frame, node.test)
    truth = _truth(frame, node.test)
    branches: list[Callable[[], None]] = []
    if truth is None or truth:
        branches.append(lambda: _run_where(frame, node.test, node.body))
    if not truth:
        branches.append(lambda: run(frame, node.orelse))
    frame.branch(branches)


def _truth(frame: Frame, test: ast.expr) -> object:
    """Return what decides a condition, as far as literals do, or None."""
    match test:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return frame.literals.get(name)
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            truth = _truth(frame, inner)
            return None if truth is None else not truth
        case ast.BoolOp(op=operator, values=values):
            known = [_truth(frame, one) for one in values]
            deciding = isinstance(operator, ast.Or)
            return (
                deciding
                if any(one is not None and bool(one) is deciding for one in known)
                else None
            )
    return None


def _run_where(frame: Frame, test: ast.expr, body: Sequence[ast.stmt]) -> None:
    """Run statements where a condition holds, which may say of what class a variable is."""
    match test:
        case ast.Call(func=ast.Name(id="isinstance"), args=[ast.Name(id=name), types]):
            classes = evaluate(frame, types)
            listed = classes.values if isinstance(classes, Items) else options_of(classes)
            found = [Instance(one.cls) for one in listed if isinstance(one, ClassValue)]
            if found:
                frame.bind(name, union(*found))
        case _:
            pass
    run(frame, body)


def _match(frame: Frame, node: ast.Match) -> None:
    subject = evaluate(frame, node.subject)

    for case in node.cases:
        if case.guard is not None:
            _bind_pattern(frame, case.pattern, subject)
            evaluate(frame, case.guard)

    def run_case(case: ast.match_case) -> None:
        _bind_pattern(frame, case.pattern, subject)
        run(frame, case.body)

    branches: list[Callable[[], None]] = [partial(run_case, case) for case in node.cases]
    last = node.cases[-1]
    is_covered = isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None
    if not is_covered or last.guard is not None:
        branches.append(lambda: None)
    frame.branch(branches)


def _bind_pattern(frame: Frame, pattern: ast.pattern, subject: Value) -> None:
    for one in ast.walk(pattern):
        name = getattr(one, "name", None) or getattr(one, "rest", None)
        if name is not None:
            frame.bind(name, subject if one is pattern else UNKNOWN)


# --- loops ----------------------------------------------------------------------------------------


def _for(frame: Frame, node: ast.For | ast.AsyncFor) -> None:
    iterated = evaluate(frame, node.iter)
    contents = frame.engine.contents(iterated) if isinstance(iterated, Items) else ()
    if not 1 < len(contents) <= _UNROLLED:
        contents = (frame.engine.element(frame, iterated),)
    enter_generators(frame, iterated, node.iter, HEAD)
    _loop(frame, node, [partial(assign, frame, node.target, value) for value in contents])
    enter_generators(frame, iterated, node.iter, TAIL)


def _while(frame: Frame, node: ast.While) -> None:
    is_endless = isinstance(node.test, ast.Constant) and bool(node.test.value)
    _loop(frame, node, [partial(evaluate, frame, node.test)], is_endless=is_endless)


def _loop(
    frame: Frame,
    node: ast.For | ast.AsyncFor | ast.While,
    rounds: Sequence[Callable[[], object]],
    *,
    is_endless: bool = False,
) -> None:
    outer, frame.leaving = frame.leaving, []
    continued = frame.ran or 0
    for start in rounds:
        frame.ran = continued
        start()
        run(frame, node.body)
        for ran in (frame.ran or 0, *frame.leaving):
            continued |= ran
    broken, frame.leaving = frame.leaving, outer
    frame.ran = None if is_endless else continued
    run(frame, node.orelse)
    frame.ran = joined([frame.ran, *broken])


def _leave(frame: Frame, node: ast.Break | ast.Continue) -> None:
    frame.leaving.append(frame.ran or 0)
    frame.ran = None


def enter_generators(frame: Frame, value: Value, node: ast.AST, part: str) -> None:
    """Run a part of the generators that `value` may be, behind whatever ran if no path leads on."""
    at = frame.ran
    frame.ran = frame.since(0) if at is None else at
    for one in options_of(value):
        if isinstance(one, Pending) and one.is_generator:
            frame.emit(one.targets, node, part=part)
    if at is None:
        frame.ran = None


# --- blocks ---------------------------------------------------------------------------------------


def _try(frame: Frame, node: ast.Try | ast.TryStar) -> None:
    before, count = frame.ran or 0, len(frame.context.events)
    run(frame, node.body)
    failed = before | frame.since(count)
    run(frame, node.orelse)
    ends = [frame.ran]
    for handler in node.handlers:
        frame.ran = failed
        run(frame, handler.body)
        ends.append(frame.ran)
    end = joined(ends)
    frame.ran = before | frame.since(count)
    start = len(frame.context.events)
    run(frame, node.finalbody)
    if frame.ran is not None:
        frame.ran = None if end is None else end | frame.since(start)


def _with(frame: Frame, node: ast.With | ast.AsyncWith) -> None:
    entered: list[tuple[Value, ast.expr]] = []
    count = len(frame.context.events)
    for item in node.items:
        manager = evaluate(frame, item.context_expr)
        value = union(*[enter(frame, one, item.context_expr) for one in options_of(manager)])
        if item.optional_vars is not None:
            assign(frame, item.optional_vars, value)
        entered.append((manager, item.context_expr))
    start, first, had_yielded = frame.ran or 0, len(frame.context.events), frame.has_yielded
    run(frame, node.body)
    yields = frame.has_yielded and not had_yielded
    end, inside = frame.ran, start | frame.since(count)
    for manager, expression in entered:
        frame.enclose(manager, expression, first, yields=yields)
    for manager, expression in reversed(entered):
        for option in options_of(manager):
            if frame.ran is None:
                frame.ran = inside
            exit_(frame, option, expression, count)
            if getattr(option, "made_by", "") in frame.engine.registry.swallowing:
                end = inside  # an error in the block ends here
    if end is None:
        frame.ran = None


def enter(frame: Frame, manager: Value, node: ast.AST) -> Value:
    """Return what entering a context manager gives, and record what that runs."""
    match manager:
        case Pending(result=result, is_generator=True):
            enter_generators(frame, manager, node, HEAD)
            return frame.engine.element(frame, result)
        case Pending():
            return enter(frame, await_(frame, manager, node), node)
    made = _call_either(frame, manager, ("__enter__", "__aenter__"), node)
    return manager if made is UNKNOWN else made


def exit_(frame: Frame, manager: Value, node: ast.AST, count: int) -> None:
    """Record what leaving a context manager runs; the block began after `count` events."""
    special = frame.engine.registry.leaving.get(getattr(manager, "made_by", ""))
    if special is not None:
        special(frame, manager, node, count)
    elif isinstance(manager, Pending):
        enter_generators(frame, manager, node, TAIL)
    else:
        _call_either(frame, manager, ("__exit__", "__aexit__"), node)


def _call_either(frame: Frame, manager: Value, names: tuple[str, str], node: ast.AST) -> Value:
    for name in names if isinstance(manager, Instance) else ():
        method = frame.engine.attribute(frame, manager, name, node)
        if method is not UNKNOWN and not isinstance(method, Bound):
            return await_(frame, frame.call(method, node), node)
    return UNKNOWN


# --- definitions ----------------------------------------------------------------------------------


def _define(frame: Frame, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    value = frame.engine.define(frame, frame.engine.program.function(node, frame.scope))
    if isinstance(frame.scope, Function):
        frame.bind(node.name, value)


def _class(frame: Frame, node: ast.ClassDef) -> None:
    value = frame.engine.define_class(frame.engine.program.cls(node, frame.scope))
    if isinstance(frame.scope, Function):
        frame.bind(node.name, value)


def _import(frame: Frame, node: ast.Import | ast.ImportFrom) -> None:
    for name, binding in bindings_in([node]) if isinstance(frame.scope, Function) else ():
        if isinstance(binding, Import):
            frame.bind(name, frame.engine.names.imported(binding, frame.module))


_HANDLERS: dict[type[ast.stmt], Callable[[Frame, Any], object]] = {
    ast.Expr: lambda frame, node: evaluate(frame, node.value),
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Return: _return,
    ast.Raise: _raise,
    ast.Assert: lambda frame, node: evaluate(frame, node.test),
    ast.If: _if,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _while,
    ast.Break: _leave,
    ast.Continue: _leave,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Match: _match,
    ast.FunctionDef: _define,
    ast.AsyncFunctionDef: _define,
    ast.ClassDef: _class,
    ast.Import: _import,
    ast.ImportFrom: _import,
}
