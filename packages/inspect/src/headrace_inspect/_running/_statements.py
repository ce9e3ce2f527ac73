"""What statements run, in which order, and what they leave in the variables."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from headrace_inspect._names._entities import Class
from headrace_inspect._names._values import (
    NOTHING,
    UNKNOWN,
    ClassValue,
    Coroutine,
    External,
    Instance,
    Items,
    Many,
    Result,
    Table,
    Value,
)

from ._attributes import attribute, change
from ._calls import call
from ._classes import registers
from ._entering import run_with
from ._expressions import closure
from ._frame import Frame
from ._giving import calls_of, hand_on
from ._halves import yields
from ._hooks import inherited_hooks
from ._iterating import assign, element_of, listed
from ._lookup import imported, imported_from
from ._narrowing import match_pattern, narrow
from ._nodes import NO_ARGUMENTS
from ._protocols import implicit, in_place, test
from ._trees import (
    NOTHING_HAPPENS,
    Block,
    Branch,
    Cross,
    Leave,
    Loop,
    Possible,
    Rounds,
    Run,
    Tree,
    Try,
    Within,
    block_of,
    is_left,
)


def run_block(frame: Frame, body: Sequence[ast.stmt]) -> None:
    """Let the statements run one after the other, up to one that control does not come behind."""
    for statement in body:
        handler = _HANDLERS.get(type(statement))
        if handler is not None:
            handler(frame, statement)
        if type(statement) in _LEAVING and frame.events and is_left(frame.events[-1]):
            break


def _captured(frame: Frame, body: Sequence[ast.stmt]) -> Tree:
    with frame.captured() as events:
        run_block(frame, body)
    return block_of(events)


def _expression(frame: Frame, node: ast.Expr) -> None:
    since = len(frame.events)
    value = frame.evaluate(node.value)
    if isinstance(value, Coroutine):
        frame.consume(value)
    elif len(frame.events) > since:
        _drop(frame, node.value, value)


def _drop(frame: Frame, node: ast.expr, value: Value) -> None:
    """Take back what runs when `value` is iterated over, if that is what `node` has made."""
    last = frame.events[-1]
    if type(last) is not Cross or not last.is_lazy:
        return
    match node:
        case ast.Call(func=ast.Name(id="map" | "filter" as name)):
            is_made = frame.name(name) == External(f"builtins.{name}")
        case ast.GeneratorExp():
            is_made = True
        case _:
            own = value.node if isinstance(value, Result) and not value.node.is_step else None
            is_made = isinstance(last.body, Run) and last.body.node is own
    if is_made:
        frame.events.pop()


def _assign(frame: Frame, node: ast.Assign) -> None:
    value = frame.evaluate(node.value)
    hand_on(frame, node.value)
    for target in node.targets:
        assign(frame, target, value)


def _annotated(frame: Frame, node: ast.AnnAssign) -> None:
    value = frame.evaluate(node.value) if node.value is not None else UNKNOWN
    if isinstance(frame.scope, Class) and isinstance(node.annotation, ast.Subscript):
        frame.evaluate(node.annotation)  # with validators in it, perhaps
    if isinstance(node.target, ast.Name):
        resolved = frame.engine.resolve(value)
        if resolved in {UNKNOWN, NOTHING, Items(())}:
            value = frame.engine.annotated(node.annotation, frame.scope)
    if node.value is not None or isinstance(node.target, ast.Name):
        assign(frame, node.target, value)


def _augmented(frame: Frame, node: ast.AugAssign) -> None:
    if isinstance(node.target, ast.Attribute | ast.Subscript):
        before = frame.resolved(node.target)
        value = frame.evaluate(node.value)
        in_place(frame, before, node)
        assign(frame, node.target, value)
        return
    value = frame.evaluate(node.value)
    if isinstance(node.target, ast.Name):
        from ._texts import added

        before = frame.engine.resolve(frame.name(node.target.id))
        made = in_place(frame, before, node)
        if made is UNKNOWN and isinstance(node.op, ast.BitOr):
            from headrace_inspect._libraries._celery_canvas import piped

            made = piped(before, frame.engine.resolve(value))
        elif made is UNKNOWN:
            made = added(before, frame.engine.resolve(value))
        frame.variables[node.target.id] = made


def _return(frame: Frame, node: ast.Return) -> None:
    if node.value is not None:
        value = frame.evaluate(node.value)
        frame.returned.append(frame.consume(value) if isinstance(value, Coroutine) else value)
    else:
        frame.returned.append(NOTHING)
    frame.leave("return")


def _raise(frame: Frame, node: ast.Raise) -> None:
    for part in (node.exc, node.cause):
        if part is not None and isinstance(raised := frame.resolved(part), ClassValue):
            call(frame, raised, NO_ARGUMENTS, part)
    frame.leave("raise")


def _break(frame: Frame, node: ast.Break) -> None:
    frame.leave("break")


def _continue(frame: Frame, node: ast.Continue) -> None:
    frame.leave("continue")


def _if(frame: Frame, node: ast.If) -> None:
    # A long chain of elif is nested as deep: taken apart here, not by recursion.
    options: list[Tree] = []
    paths: list[dict[str, Value]] = []
    before: list[Tree] = []
    current: ast.If | None = node
    while current is not None:
        known = _known_test(frame, current.test)
        with frame.captured() as asked:
            test(frame, current.test)
        before = [*before, *asked]
        outer = frame.branch()
        if known is not False:
            narrow(frame, current.test, holds=True)
            options.append(block_of([*before, _captured(frame, current.body)]))
            paths.append(frame.variables)
        frame.variables = outer
        narrow(frame, current.test, holds=False)
        rest = current.orelse
        if known is True:
            current = None
            break
        if len(rest) == 1 and isinstance(rest[0], ast.If):
            current = rest[0]
            continue
        options.append(block_of([*before, _captured(frame, rest)]))
        paths.append(frame.variables)
        current = None
    if any(option is not NOTHING_HAPPENS for option in options):
        frame.emit(Branch(options) if len(options) > 1 else options[0])
    frame.merge([path for option, path in zip(options, paths, strict=True) if _goes_on(option)])


def _goes_on(option: Tree) -> bool:
    last = option.items[-1] if isinstance(option, Block) else option
    return not isinstance(last, Leave)


def _known_test(frame: Frame, test: ast.expr) -> bool | None:
    match test:
        case ast.Constant(value=value):
            return bool(value)
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return False
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            known = _known_test(frame, operand)
            return None if known is None else not known
    return None


def _for(frame: Frame, node: ast.For | ast.AsyncFor) -> None:
    since = len(frame.events)
    value = frame.resolved(node.iter)
    frame.hurry(since)
    made = frame.generator(since)
    if isinstance(node, ast.AsyncFor):
        value = frame.consume(value)
    items = listed(value)
    if items:
        _unrolled(frame, node, items)
        return
    outer = frame.branch()
    with frame.captured() as events:
        assign(frame, node.target, element_of(frame, value))
        run_block(frame, node.body)
    frame.merge([outer, frame.variables])
    orelse = _captured(frame, node.orelse)
    if made is not None and events:
        _interleave(frame, made, Loop(block_of(events)))
        events, orelse = [], Branch((NOTHING_HAPPENS, orelse))
    if events or orelse is not NOTHING_HAPPENS:
        frame.emit(Loop(block_of(events), orelse))


def _interleave(frame: Frame, made: Run, body: Tree) -> None:
    """Let `body` run where the generator of `made`, which was called just now, yields."""
    if yields(made.node):
        frame.events.pop()
        # Perhaps it yields nothing, and perhaps it is left before its end.
        frame.emit(Branch((NOTHING_HAPPENS, Within(made.node, body, made.where))))
    else:
        frame.emit(body)
    frame.emit(Possible(made))  # up to the next item


def _unrolled(frame: Frame, node: ast.For | ast.AsyncFor, items: Sequence[Value]) -> None:
    """Run the body for each item in turn, as a loop that may be left after each."""
    rounds: list[Tree] = []
    for item in items:
        with frame.captured() as events:
            assign(frame, node.target, item)
            run_block(frame, node.body)
        rounds.append(block_of(events))
    orelse = _captured(frame, node.orelse)
    if all(one is NOTHING_HAPPENS for one in (*rounds, orelse)):
        return
    frame.emit(Rounds(rounds, orelse))


def _while(frame: Frame, node: ast.While) -> None:
    outer = frame.branch()
    known = _known_test(frame, node.test)
    with frame.captured() as events:
        test(frame, node.test)
        run_block(frame, node.body)
    frame.merge([outer, frame.variables])
    orelse = _captured(frame, node.orelse)
    if known is not False and (events or orelse is not NOTHING_HAPPENS):
        frame.emit(Loop(block_of(events), orelse, is_endless=known is True))


def _try(frame: Frame, node: ast.Try | ast.TryStar) -> None:
    outer = frame.branch()
    body = _captured(frame, node.body)
    after_body = frame.variables
    handlers = []
    paths = []
    for handler in node.handlers:
        frame.variables = dict(outer)
        frame.merge([frame.variables, after_body])
        if handler.name:
            frame.variables[handler.name] = UNKNOWN
        handlers.append(_captured(frame, handler.body))
        paths.append(frame.variables)
    frame.variables = after_body
    orelse = _captured(frame, node.orelse)
    frame.merge([frame.variables, *paths])
    final = _captured(frame, node.finalbody)
    if any(one is not NOTHING_HAPPENS for one in (body, *handlers, orelse, final)):
        frame.emit(Try(body, handlers, orelse, final))


def _with(frame: Frame, node: ast.With | ast.AsyncWith) -> None:
    run_with(frame, node.items, lambda: run_block(frame, node.body))


def _match(frame: Frame, node: ast.Match) -> None:
    subject = frame.resolved(node.subject)
    options: list[Tree] = []
    paths: list[dict[str, Value]] = []
    guards: list[Tree] = []
    outer = frame.branch()
    is_exhaustive = False
    for case in node.cases:
        frame.variables = dict(outer)
        match_pattern(frame, case.pattern, node.subject, subject)
        if case.guard is not None:
            with frame.captured() as guard:
                frame.evaluate(case.guard)
            guards = [*guards, *guard]
        options.append(block_of([*guards, _captured(frame, case.body)]))
        paths.append(frame.variables)
        is_exhaustive = case.guard is None and _matches_all(case.pattern)
    if not is_exhaustive:
        options.append(block_of(guards))
        paths.append(outer)
    if any(option is not NOTHING_HAPPENS for option in options):
        frame.emit(Branch(options))
    frame.merge(paths)


def _matches_all(pattern: ast.pattern) -> bool:
    return isinstance(pattern, ast.MatchAs) and pattern.pattern is None


def _function(frame: Frame, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    from ._decorating import decorate, evaluate_defaults

    evaluate_defaults(frame, node)
    value = decorate(frame, closure(frame, node))
    if not isinstance(frame.scope, Class):
        frame.variables[node.name] = value


def _class(frame: Frame, node: ast.ClassDef) -> None:
    from ._decorating import decorate_class

    cls = frame.scope.module.cls(node, frame.scope)
    inner = Frame(frame.engine, cls, frame.node)
    inner.closure = frame.closure
    run_block(inner, node.body)
    frame.events.extend(inner.events)
    frame.variables[node.name] = ClassValue(cls)
    if registers(frame.engine, cls):
        frame.expose_class(cls)
    for name in inherited_hooks(frame.engine, cls):
        for tree in calls_of(frame, attribute(frame, Instance(cls), name, node), node):
            frame.expose(tree)
    decorate_class(frame, cls)


def _import(frame: Frame, node: ast.Import) -> None:
    for alias in node.names:
        name = alias.asname or alias.name.partition(".")[0]
        module = alias.name if alias.asname else name
        frame.variables[name] = imported(frame.engine, module, frame.scope.module)


def _import_from(frame: Frame, node: ast.ImportFrom) -> None:
    from headrace_inspect._names._scopes import Binding

    for alias in node.names:
        if alias.name != "*":
            binding = Binding("from", node, node.module or "", alias.name, node.level)
            frame.variables[alias.asname or alias.name] = imported_from(
                frame.engine, binding, frame.scope.module
            )


def _delete(frame: Frame, node: ast.Delete) -> None:
    for target in node.targets:
        if isinstance(target, ast.Name):
            frame.variables[target.id] = UNKNOWN
        elif isinstance(target, ast.Subscript):
            _delete_item(frame, target)
            implicit(frame, frame.resolved(target.value), target, "__delitem__")
            frame.evaluate(target.slice)
        elif isinstance(target, ast.Attribute):
            owner = frame.resolved(target.value)
            change(frame, owner, target.attr, "deleter", NO_ARGUMENTS, target)
        else:
            frame.evaluate(target)


def _delete_item(frame: Frame, target: ast.Subscript) -> None:
    if isinstance(target.value, ast.Name) and target.value.id in frame.variables:
        value = frame.engine.resolve(frame.variables[target.value.id])
        if isinstance(value, Items | Many | Table):
            left = Table(value.items) if isinstance(value, Table) else Many(value.items)
            frame.variables[target.value.id] = left


def _assert(frame: Frame, node: ast.Assert) -> None:
    test(frame, node.test)
    if node.msg is not None:
        with frame.captured() as events:
            frame.evaluate(node.msg)
        if events:
            frame.emit(Branch((NOTHING_HAPPENS, block_of(events))))
    narrow(frame, node.test, holds=True)


_LEAVING = frozenset([
    ast.Break,
    ast.Continue,
    ast.If,
    ast.Match,
    ast.Raise,
    ast.Return,
    ast.Try,
    ast.TryStar,
    ast.While,
])
_HANDLERS: dict[type, Callable[[Frame, Any], None]] = {
    ast.AnnAssign: _annotated,
    ast.Assert: _assert,
    ast.Assign: _assign,
    ast.AsyncFor: _for,
    ast.AsyncFunctionDef: _function,
    ast.AsyncWith: _with,
    ast.AugAssign: _augmented,
    ast.Break: _break,
    ast.ClassDef: _class,
    ast.Continue: _continue,
    ast.Delete: _delete,
    ast.Expr: _expression,
    ast.For: _for,
    ast.FunctionDef: _function,
    ast.If: _if,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Match: _match,
    ast.Raise: _raise,
    ast.Return: _return,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.While: _while,
    ast.With: _with,
}
