"""Expressions: their values and the calls in them, and assignments to them."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from ._contexts import CALL, Context
from ._frame import Frame
from ._values import (
    UNKNOWN,
    Bound,
    ClassValue,
    Constant,
    External,
    FunctionValue,
    Instance,
    Items,
    Object,
    Parallel,
    Pending,
    Super,
    Table,
    Value,
    constant,
    key_of,
    options_of,
    text_of,
    union,
)

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "__add__", ast.BitOr: "__or__", ast.BitAnd: "__and__", ast.RShift: "__rshift__",
}  # fmt: skip
TASK = "asyncio.Task"
"""What is made of a coroutine that has been started."""
HOLE = "\0"
"""The computed parts of a text."""


def evaluate(frame: Frame, node: ast.expr) -> Value:
    """Return the value of `node`, and record what it runs."""
    if isinstance(node, ast.Name):
        found = frame.variables.get(node.id)
        return frame.engine.names.in_scope(frame.scope, node.id) if found is None else found
    handler = _HANDLERS.get(type(node))
    if handler is not None:
        return handler(frame, node)
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            evaluate(frame, child)
    return UNKNOWN


def assign(frame: Frame, target: ast.expr, value: Value) -> None:
    """Bind what `target` names to `value`."""
    match target:
        case ast.Name(id=name):
            frame.bind(name, value)
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            for index, element in enumerate(elements):
                assign(frame, element, frame.engine.item(value, index))
        case ast.Starred(value=inner):
            assign(frame, inner, UNKNOWN)
        case ast.Attribute(value=owner, attr=name):
            frame.engine.set_attribute(frame, evaluate(frame, owner), name, value)
        case ast.Subscript(value=owner, slice=key):
            made = key_of(evaluate(frame, key))
            for option in options_of(evaluate(frame, owner)):
                if isinstance(option, Table | Items):
                    frame.engine.put(option, made, value)
        case _:
            pass


# --- calls ----------------------------------------------------------------------------------------


def await_(frame: Frame, value: Value, node: ast.AST, kind: str = CALL) -> Value:
    """Run what is pending in `value`, and return its result."""
    if type(value) in {Value, Constant, Instance}:
        return value
    results = []
    for option in options_of(value):
        match option:
            case Pending(targets=targets, result=result, is_generator=is_generator):
                frame.emit(targets, node, kind)
                results.append(option if is_generator else result)
            case Object(made_by="asyncio.Task", arguments=(result, *_)):
                results.append(result)
            case Parallel(members=members):
                values = frame.each(members, lambda one: await_(frame, one, node, kind))
                results.append(Items(tuple(values)))
            case _:
                results.append(option)
    return union(*results)


def call_special(frame: Frame, owner: Value, name: str, node: ast.AST, *arguments: Value) -> Value:
    """Call a special method of `owner`, where its class or a model defines it."""
    results = []
    engine = frame.engine
    for option in options_of(owner):
        if isinstance(option, Instance):
            if engine.classes.find(option.cls, name):
                method = engine.attribute(frame, option, name, node)
                results.append(frame.call(method, node, arguments))
        elif engine.handler(option, name) is not None:
            results.append(frame.call(Bound(option, name), node, arguments))
    return union(*results)


def run_later(frame: Frame, work: Callable[[Frame], Value]) -> Pending:
    """Return a generator that does `work` once something goes through it."""
    context = Context(None, frame.module, frame.receiver)
    result = work(type(frame)(frame.engine, context, frame.scope, frame.variables))
    return Pending((context,), result, is_generator=True)


def _call(frame: Frame, node: ast.Call) -> Value:
    if isinstance(node.func, ast.Name) and node.func.id == "super":
        return _super(frame, node)
    callee = evaluate(frame, node.func)
    arguments: list[Value] = []
    for argument in node.args:
        value = evaluate(frame, argument)
        is_spread = isinstance(argument, ast.Starred)
        arguments += (frame.engine.contents(value) or [UNKNOWN]) if is_spread else [value]
    keywords: list[tuple[str, Value]] = []
    for keyword in node.keywords:
        value = evaluate(frame, keyword.value)
        if keyword.arg is not None:
            keywords.append((keyword.arg, value))
        elif isinstance(value, Table):
            keywords += value.named
    return frame.call(callee, node, tuple(arguments), tuple(keywords))


def _super(frame: Frame, node: ast.Call) -> Value:
    cls, receiver = getattr(frame.scope, "owner", None), frame.receiver
    if len(node.args) == 2:
        first, receiver = evaluate(frame, node.args[0]), evaluate(frame, node.args[1])
        cls = first.cls if isinstance(first, ClassValue) else cls
    return UNKNOWN if cls is None or receiver is None else Super(cls, receiver)


def _await(frame: Frame, node: ast.Await) -> Value:
    return await_(frame, evaluate(frame, node.value), node)


def _yield(frame: Frame, node: ast.Yield | ast.YieldFrom) -> Value:
    value = UNKNOWN if node.value is None else evaluate(frame, node.value)
    if isinstance(node, ast.YieldFrom):
        await_(frame, value, node)
        value = frame.engine.element(frame, value)
    frame.context.yielded = union(frame.context.yielded, value)
    frame.has_yielded = True
    return UNKNOWN


# --- values ---------------------------------------------------------------------------------------


def _attribute(frame: Frame, node: ast.Attribute) -> Value:
    return frame.engine.attribute(frame, evaluate(frame, node.value), node.attr, node)


def _lambda(frame: Frame, node: ast.Lambda) -> Value:
    function = frame.engine.program.function(node, frame.scope)
    return FunctionValue(function, None, frame.engine.captured(frame, function))


def _if(frame: Frame, node: ast.IfExp) -> Value:
    evaluate(frame, node.test)
    return union(*frame.each((node.body, node.orelse), lambda one: evaluate(frame, one)))


def _bool(frame: Frame, node: ast.BoolOp) -> Value:
    values = [evaluate(frame, node.values[0])]
    before = frame.ran
    values += [evaluate(frame, one) for one in node.values[1:]]
    frame.ran = before if frame.ran is None else frame.ran
    return union(*values)


def _named(frame: Frame, node: ast.NamedExpr) -> Value:
    value = evaluate(frame, node.value)
    frame.bind(node.target.id, value)
    return value


def _operation(frame: Frame, node: ast.BinOp) -> Value:
    # Long sums lean to the left: taken apart here, not by recursion.
    waiting = [node]
    while isinstance(waiting[-1].left, ast.BinOp):
        waiting.append(waiting[-1].left)
    value = evaluate(frame, waiting[-1].left)
    for one in reversed(waiting):
        value = operate(frame, one, one.op, value, evaluate(frame, one.right))
    return value


def operate(frame: Frame, node: ast.AST, operator: ast.AST, left: Value, right: Value) -> Value:
    """Return the result of a binary operator."""
    if isinstance(operator, ast.Add):
        if isinstance(left, Items) and isinstance(right, Items):
            return Items(left.values + right.values, left.origin)
        one, other = text_of(left), text_of(right)
        if one is not None or other is not None:
            return constant((HOLE if one is None else one) + (HOLE if other is None else other))
    if isinstance(operator, ast.BitOr) and isinstance(left, ClassValue):
        return union(left, right)
    return call_special(frame, left, _OPERATORS.get(type(operator), ""), node, right)


def _items(frame: Frame, node: ast.List | ast.Tuple | ast.Set) -> Value:
    values: list[Value] = []
    for element in node.elts:
        value = evaluate(frame, element)
        is_spread = isinstance(element, ast.Starred)
        values += frame.engine.contents(value) if is_spread else [value]
    return Items(tuple(values), None if isinstance(node, ast.Tuple) else node)


def _dict(frame: Frame, node: ast.Dict) -> Value:
    entries: list[tuple[object, Value]] = []
    for key, value in zip(node.keys, node.values, strict=True):
        made = evaluate(frame, value)
        if key is None:
            entries += made.entries if isinstance(made, Table) else []
        else:
            known = evaluate(frame, key)
            entries.append((known.value if isinstance(known, Constant) else known, made))
    return Table(tuple(entries), node)


def _comprehension(frame: Frame, node: Any) -> Value:
    variables = frame.variables
    frame.go_back(frame.ran, variables)
    for generator in node.generators:
        source = evaluate(frame, generator.iter)
        await_(frame, source, generator.iter)
        assign(frame, generator.target, frame.engine.element(frame, source))
        for condition in generator.ifs:
            evaluate(frame, condition)
    if isinstance(node, ast.DictComp):
        evaluate(frame, node.key)
        made: Value = Table(((None, evaluate(frame, node.value)),), node)
    else:
        made = Items((evaluate(frame, node.elt),), node)
    frame.go_back(frame.ran, variables)
    return made


def _generator(frame: Frame, node: ast.GeneratorExp) -> Value:
    made = run_later(frame, lambda inner: _comprehension(inner, node))
    return made if made.targets[0].events else made.result


def _subscript(frame: Frame, node: ast.Subscript) -> Value:
    owner, key = evaluate(frame, node.value), evaluate(frame, node.slice)
    results: list[Value] = []
    for option in options_of(owner):
        if isinstance(option, ClassValue | External) or isinstance(node.slice, ast.Slice):
            results.append(option)
        elif isinstance(option, Table | Items | Pending):
            results.append(frame.engine.item(option, key_of(key)))
        else:
            results.append(call_special(frame, option, "__getitem__", node, key))
    return union(*results)


def _text(frame: Frame, node: ast.JoinedStr) -> Value:
    parts = []
    for one in node.values:
        is_computed = isinstance(one, ast.FormattedValue)
        known = text_of(evaluate(frame, one.value if isinstance(one, ast.FormattedValue) else one))
        parts.append(known or (HOLE if is_computed else ""))
    return constant("".join(parts))


_HANDLERS: dict[type[ast.expr], Callable[[Frame, Any], Value]] = {
    ast.Constant: lambda frame, node: constant(node.value),
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.Await: _await,
    ast.Yield: _yield,
    ast.YieldFrom: _yield,
    ast.Lambda: _lambda,
    ast.IfExp: _if,
    ast.BoolOp: _bool,
    ast.NamedExpr: _named,
    ast.BinOp: _operation,
    ast.List: _items,
    ast.Tuple: _items,
    ast.Set: _items,
    ast.Dict: _dict,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _generator,
    ast.DictComp: _comprehension,
    ast.Subscript: _subscript,
    ast.JoinedStr: _text,
    ast.Starred: lambda frame, node: evaluate(frame, node.value),
}
