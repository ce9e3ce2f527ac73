"""Statements: what they assign, and where the path goes from them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from headrace_inspect._symbols._entities import Function

from . import _assigning as assigning
from ._contexts import HEAD, TAIL
from ._expressions import await_, call_special, evaluate
from ._frame import Frame
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
        assigning.assign(frame, target, value)


def _annotated(frame: Frame, node: ast.AnnAssign) -> None:
    declared = frame.engine.types.of(node.annotation, frame.scope, frame.receiver)
    value = UNKNOWN if node.value is None else evaluate(frame, node.value)
    if node.value is not None or declared is not UNKNOWN:
        is_known = value is not UNKNOWN and not isinstance(value, Items)
        assigning.assign(frame, node.target, value if is_known else union(value, declared))


def _augmented(frame: Frame, node: ast.AugAssign) -> None:
    left = ast.copy_location(_loaded(node.target), node.target)
    value = evaluate(frame, ast.copy_location(ast.BinOp(left, node.op, node.value), node))
    assigning.assign(frame, node.target, value)


def _loaded(target: ast.expr) -> ast.expr:
    match target:
        case ast.Name(id=name):
            return ast.Name(name, ast.Load())
        case ast.Attribute(value=value, attr=attr):
            return ast.copy_location(ast.Attribute(value, attr, ast.Load()), target)
    return ast.Constant(None)


def _return(frame: Frame, node: ast.Return) -> None:
    if node.value is not None:
        frame.returned.append(evaluate(frame, node.value))
    frame.returns = True
    frame.ran = None


def _raise(frame: Frame, node: ast.Raise) -> None:
    if node.exc is not None:
        evaluate(frame, node.exc)
    frame.ran = None


def _if(frame: Frame, node: ast.If) -> None:
    known = _truth(frame, node.test)
    evaluate(frame, node.test)
    with frame.aside() as branches:
        if known is not False:
            branches.begin()
            narrow(frame, node.test)
            run(frame, node.body)
            branches.end()
        if known is not True:
            branches.begin()
            narrow(frame, ast.UnaryOp(ast.Not(), node.test))
            run(frame, node.orelse)
            branches.end()


def _truth(frame: Frame, test: ast.expr) -> bool | None:
    match test:
        case ast.Constant(value=value):
            return bool(value)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = _truth(frame, operand)
            return None if inner is None else not inner
    return None


def narrow(frame: Frame, test: ast.expr) -> None:
    """Take over what a condition that holds tells of variables."""
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
                frame.variables[name] = union(*found)


def _for(frame: Frame, node: ast.For | ast.AsyncFor) -> None:
    iterated = evaluate(frame, node.iter)
    values = _rounds(frame, iterated)
    enter_generators(frame, iterated, node.iter, HEAD)

    def bind(value: Value) -> Callable[[], None]:
        return lambda: assigning.assign(frame, node.target, value)

    _loop(frame, node, [bind(value) for value in values], is_endless=False)
    enter_generators(frame, iterated, node.iter, TAIL)


def _rounds(frame: Frame, iterated: Value) -> list[Value]:
    """Return what the variable of a loop is, round by round; one round where nothing is told."""
    if isinstance(iterated, Items):
        contents = frame.engine.contents(iterated)
        if 1 < len(contents) <= _UNROLLED:
            return list(contents)
    return [frame.engine.element(frame, iterated)]


def enter_generators(frame: Frame, value: Value, node: ast.AST, part: str) -> None:
    """Run a part of the generators that `value` may be."""
    targets = [
        target
        for one in options_of(value)
        if isinstance(one, Pending) and one.is_generator
        for target in one.targets
    ]
    is_dead, at = frame.ran is None, frame.ran
    if is_dead:
        frame.ran = frame.since(0)
    frame.emit(targets, node, part=part)
    if is_dead:
        frame.ran = at


def _while(frame: Frame, node: ast.While) -> None:
    is_endless = _truth(frame, node.test) is True
    evaluate(frame, node.test)
    _loop(frame, node, [lambda: narrow(frame, node.test)], is_endless=is_endless)


def _loop(
    frame: Frame, node: ast.For | ast.AsyncFor | ast.While, rounds: list[Any], *, is_endless: bool
) -> None:
    outer, frame.leaving = frame.leaving, []
    before = frame.ran or 0
    continued = before
    for start in rounds:
        frame.ran = continued
        start()
        run(frame, node.body)
        continued |= frame.ran or 0
        for mask in frame.leaving:
            continued |= mask
    broken = frame.leaving
    frame.leaving = outer
    frame.ran = None if is_endless else continued
    run(frame, node.orelse)
    for mask in broken:
        frame.ran = (frame.ran or 0) | mask


def _leave(frame: Frame, node: ast.Break | ast.Continue) -> None:
    frame.leaving.append(frame.ran or 0)
    frame.ran = None


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
    alive = [ran for ran in ends if ran is not None]
    frame.ran = before | frame.since(count)
    start = len(frame.context.events)
    run(frame, node.finalbody)
    if not alive:
        frame.ran = None
    elif frame.ran is not None:
        frame.ran = frame.since(start)
        for ran in alive:
            frame.ran |= ran


def _with(frame: Frame, node: ast.With | ast.AsyncWith) -> None:
    entered = []
    engine = frame.engine
    count = len(frame.context.events)
    for item in node.items:
        manager = evaluate(frame, item.context_expr)
        value = UNKNOWN
        for option in options_of(manager):
            value = union(value, enter(frame, option, item.context_expr))
        if item.optional_vars is not None:
            assigning.assign(frame, item.optional_vars, value)
        entered.append((manager, item.context_expr))
    start, first, had_yielded = frame.ran or 0, len(frame.context.events), frame.has_yielded
    run(frame, node.body)
    for manager, expression in entered:
        yields = frame.has_yielded and not had_yielded
        frame.enclose(manager, expression, first, yields=yields)
    end = frame.ran
    inside = start | frame.since(count)
    if end is None:
        frame.ran = inside
    for manager, expression in reversed(entered):
        for option in options_of(manager):
            exit_(frame, option, expression, count)
            if getattr(option, "made_by", "") in engine.registry.swallowing:
                end = inside  # an error in the block ends here
    if end is None:
        frame.ran = None


def enter(frame: Frame, manager: Value, node: ast.AST) -> Value:
    """Return what entering a context manager gives, and record what that runs."""
    engine = frame.engine
    special = engine.registry.entering.get(type(manager))
    if special is not None:
        return special(frame, manager, node) or UNKNOWN
    match manager:
        case Pending(result=result, is_generator=True):
            enter_generators(frame, manager, node, HEAD)
            return engine.element(frame, result)
        case Pending():
            return enter(frame, await_(frame, manager, node), node)
        case Instance():
            for name in ("__enter__", "__aenter__"):
                method = engine.attribute(frame, manager, name, node)
                if method is not UNKNOWN and not isinstance(method, Bound):
                    made = await_(frame, engine.invoke(frame, method, (), (), node), node)
                    return manager if made is UNKNOWN else made
    return manager


def exit_(frame: Frame, manager: Value, node: ast.AST, count: int) -> None:
    """Record what leaving a context manager runs; the block began after `count` events."""
    engine = frame.engine
    special = engine.registry.leaving.get(getattr(manager, "made_by", ""))
    if special is not None:
        special(frame, manager, node, count)
    elif isinstance(manager, Pending) and manager.is_generator:
        enter_generators(frame, manager, node, TAIL)
    elif isinstance(manager, Instance):
        for name in ("__exit__", "__aexit__"):
            method = engine.attribute(frame, manager, name, node)
            if method is not UNKNOWN and not isinstance(method, Bound):
                await_(frame, engine.invoke(frame, method, (), (), node), node)


def _match(frame: Frame, node: ast.Match) -> None:
    subject = evaluate(frame, node.subject)
    with frame.aside() as branches:
        is_covered = False
        for case in node.cases:
            branches.begin()
            assigning.bind_pattern(frame, case.pattern, subject, node.subject)
            if case.guard is not None:
                evaluate(frame, case.guard)
                branches.advance()
            run(frame, case.body)
            branches.end()
            wild = isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None
            is_covered = is_covered or (wild and case.guard is None)
        if not is_covered:
            branches.begin()
            branches.end()


def _define(frame: Frame, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    function = frame.engine.program.function(node, frame.scope)
    value = frame.engine.define(frame, function)
    if isinstance(frame.scope, Function):
        frame.variables[node.name] = value


def _class(frame: Frame, node: ast.ClassDef) -> None:
    cls = frame.engine.program.cls(node, frame.scope)
    value = frame.engine.define_class(frame, cls)
    if isinstance(frame.scope, Function):
        frame.variables[node.name] = value


def _import(frame: Frame, node: ast.Import | ast.ImportFrom) -> None:
    if isinstance(frame.scope, Function):
        frame.variables.update(frame.engine.imported(node, frame.module))


def _global(frame: Frame, node: ast.Global) -> None:
    frame.global_names.update(node.names)


def _assert(frame: Frame, node: ast.Assert) -> None:
    evaluate(frame, node.test)
    narrow(frame, node.test)


def _delete(frame: Frame, node: ast.Delete) -> None:
    for target in node.targets:
        if isinstance(target, ast.Subscript):
            owner, key = evaluate(frame, target.value), evaluate(frame, target.slice)
            call_special(frame, owner, "__delitem__", (key,), target)


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
