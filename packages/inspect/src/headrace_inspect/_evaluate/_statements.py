"""Statements: what they assign, and the paths through them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from headrace_inspect._symbols._bindings import bindings_in
from headrace_inspect._symbols._entities import Function, Import

from ._assigning import assign, bind_pattern
from ._contexts import HEAD, TAIL
from ._expressions import await_, call_special, evaluate, operate
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


def _expression(frame: Frame, node: ast.Expr) -> None:
    if not isinstance(node.value, ast.Constant):
        evaluate(frame, node.value)


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
    known = _truth(node.test)
    evaluate(frame, node.test)
    branches = []
    if known is not False:
        branches.append(lambda: _run_if(frame, node.test, node.body))
    if known is not True:
        branches.append(lambda: _run_if(frame, ast.UnaryOp(ast.Not(), node.test), node.orelse))
    frame.branch(branches)


def _run_if(frame: Frame, test: ast.expr, body: Sequence[ast.stmt]) -> None:
    narrow(frame, test)
    run(frame, body)


def _truth(test: ast.expr) -> bool | None:
    match test:
        case ast.Constant(value=value):
            return bool(value)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = _truth(operand)
            return None if inner is None else not inner
    return None


def narrow(frame: Frame, test: ast.expr) -> None:
    """Apply what a condition that holds says about variables."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=ast.UnaryOp(op=ast.Not(), operand=inner)):
            narrow(frame, inner)
        case ast.BoolOp(op=ast.And(), values=values):
            for one in values:
                narrow(frame, one)
        case ast.Call(func=ast.Name(id="isinstance"), args=[ast.Name(id=name), types]):
            classes = evaluate(frame, types)
            listed = classes.values if isinstance(classes, Items) else options_of(classes)
            found = [Instance(one.cls) for one in listed if isinstance(one, ClassValue)]
            if found:
                frame.bind(name, union(*found))
        case _:
            pass


def _match(frame: Frame, node: ast.Match) -> None:
    subject = evaluate(frame, node.subject)
    for case in node.cases:
        if case.guard is not None:
            bind_pattern(frame, case.pattern, subject)
            evaluate(frame, case.guard)

    def run_case(case: ast.match_case) -> None:
        bind_pattern(frame, case.pattern, subject, node.subject)
        run(frame, case.body)

    branches: list[Callable[[], None]] = [partial(run_case, case) for case in node.cases]
    last = node.cases[-1]
    is_covered = isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None
    if not is_covered or last.guard is not None:
        branches.append(lambda: None)
    frame.branch(branches)


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
    evaluate(frame, node.test)
    _loop(frame, node, [lambda: narrow(frame, node.test)], is_endless=_truth(node.test) is True)


def _loop(
    frame: Frame,
    node: ast.For | ast.AsyncFor | ast.While,
    rounds: Sequence[Callable[[], None]],
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
    """Run a part of the generators that `value` may be."""
    targets = [
        target
        for one in options_of(value)
        if isinstance(one, Pending) and one.is_generator
        for target in one.targets
    ]
    at = frame.ran
    if at is None:
        frame.ran = frame.since(0)
    frame.emit(targets, node, part=part)
    if at is None:
        frame.ran = None


# --- blocks ---------------------------------------------------------------------------------------


def _try(frame: Frame, node: ast.Try | ast.TryStar) -> None:
    before, count = frame.ran or 0, len(frame.context.events)
    run(frame, node.body)
    failed = before | frame.since(count)
    if frame.ran is not None:
        run(frame, node.orelse)
    ends = [frame.ran]
    for handler in node.handlers:
        frame.ran = failed
        if handler.type is not None:
            evaluate(frame, handler.type)
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
    for manager, expression in entered:
        yields = frame.has_yielded and not had_yielded
        frame.enclose(manager, expression, first, yields=yields)
    end, inside = frame.ran, start | frame.since(count)
    if end is None:
        frame.ran = inside
    for manager, expression in reversed(entered):
        for option in options_of(manager):
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
    value = frame.engine.define_class(frame, frame.engine.program.cls(node, frame.scope))
    if isinstance(frame.scope, Function):
        frame.bind(node.name, value)


def _import(frame: Frame, node: ast.Import | ast.ImportFrom) -> None:
    if isinstance(frame.scope, Function):
        for name, binding in bindings_in([node]):
            if isinstance(binding, Import):
                frame.bind(name, frame.engine.names.imported(binding, frame.module))


def _global(frame: Frame, node: ast.Global) -> None:
    frame.global_names.update(node.names)


def _assert(frame: Frame, node: ast.Assert) -> None:
    evaluate(frame, node.test)
    narrow(frame, node.test)


def _delete(frame: Frame, node: ast.Delete) -> None:
    for target in node.targets:
        if isinstance(target, ast.Subscript):
            owner, key = evaluate(frame, target.value), evaluate(frame, target.slice)
            call_special(frame, owner, "__delitem__", target, key)


_HANDLERS: dict[type[ast.stmt], Callable[[Frame, Any], None]] = {
    ast.Expr: _expression,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Return: _return,
    ast.Raise: _raise,
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
    ast.Global: _global,
    ast.Assert: _assert,
    ast.Delete: _delete,
}
