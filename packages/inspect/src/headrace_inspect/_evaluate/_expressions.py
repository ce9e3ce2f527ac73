"""Expressions: what they stand for, and what they run."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from ._contexts import Context
from ._frame import Frame
from ._values import (
    UNKNOWN,
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
    options_of,
    text_of,
    union,
)

_OPERATORS = {
    ast.Add: "__add__",
    ast.BitOr: "__or__",
    ast.BitAnd: "__and__",
    ast.RShift: "__rshift__",
    ast.LShift: "__lshift__",
    ast.Sub: "__sub__",
    ast.Mult: "__mul__",
    ast.MatMult: "__matmul__",
    ast.Div: "__truediv__",
}
_UNARY = {
    ast.Not: "__bool__",
    ast.USub: "__neg__",
    ast.UAdd: "__pos__",
    ast.Invert: "__invert__",
}
_COMPARISONS = {
    ast.Eq: "__eq__",
    ast.NotEq: "__ne__",
    ast.Lt: "__lt__",
    ast.LtE: "__le__",
    ast.Gt: "__gt__",
    ast.GtE: "__ge__",
}
TASK = "asyncio.Task"
"""What is made of a coroutine that has been started."""
HOLE = "\0"
"""Stands in a text for what is computed."""


def evaluate(frame: Frame, node: ast.expr) -> Value:
    """Return what `node` stands for, and record what it runs."""
    handler = _HANDLERS.get(type(node))
    if handler is not None:
        return handler(frame, node)
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            evaluate(frame, child)
    return UNKNOWN


def await_(frame: Frame, value: Value, node: ast.AST, kind: str = "call") -> Value:
    """Run what is pending in `value`, and return its result."""
    results = []
    for option in options_of(value):
        match option:
            case Pending(targets=targets, result=result, is_generator=is_generator):
                frame.emit(targets, node, kind)
                results.append(option if is_generator else result)
            case Object(made_by=made_by, arguments=(result, *_)) if made_by == TASK:
                results.append(result)
            case Parallel(members=members):
                results.append(Items(tuple(_side_by_side(frame, members, node, kind))))
            case _:
                results.append(option)
    return union(*results)


def _side_by_side(
    frame: Frame, members: tuple[Value, ...], node: ast.AST, kind: str
) -> list[Value]:
    before, after, results = frame.ran, 0, []
    for member in members:
        frame.ran = before
        results.append(await_(frame, member, node, kind))
        after |= frame.ran or 0
    frame.ran = None if before is None else before | after
    return results


def _constant(frame: Frame, node: ast.Constant) -> Value:
    return constant(node.value)


def _name(frame: Frame, node: ast.Name) -> Value:
    return frame.engine.name(frame, node.id)


def _attribute(frame: Frame, node: ast.Attribute) -> Value:
    owner = evaluate(frame, node.value)
    return frame.engine.attribute(frame, owner, node.attr, node)


def _call(frame: Frame, node: ast.Call) -> Value:
    if isinstance(node.func, ast.Name) and node.func.id == "super":
        return _super(frame, node)
    callee = evaluate(frame, node.func)
    arguments: list[Value] = []
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            spread = evaluate(frame, argument.value)
            arguments.extend(frame.engine.contents(spread) or [UNKNOWN])
        else:
            arguments.append(evaluate(frame, argument))
    keywords: list[tuple[str, Value]] = []
    for keyword in node.keywords:
        value = evaluate(frame, keyword.value)
        if keyword.arg is not None:
            keywords.append((keyword.arg, value))
        elif isinstance(value, Table):
            keywords += [(k, v) for k, v in value.entries if isinstance(k, str)]
    return frame.engine.invoke(frame, callee, tuple(arguments), tuple(keywords), node)


def _super(frame: Frame, node: ast.Call) -> Value:
    function = getattr(frame.scope, "owner", None)
    receiver = frame.receiver
    if len(node.args) == 2:
        cls = evaluate(frame, node.args[0])
        function = cls.cls if isinstance(cls, ClassValue) else function
        receiver = evaluate(frame, node.args[1])
    if function is None or receiver is None:
        return UNKNOWN
    return Super(function, receiver)


def _await(frame: Frame, node: ast.Await) -> Value:
    value = evaluate(frame, node.value)
    if isinstance(value, Instance):
        method = frame.engine.attribute(frame, value, "__await__", node)
        return frame.engine.invoke(frame, method, (), (), node)
    return await_(frame, value, node)


def _yield(frame: Frame, node: ast.Yield) -> Value:
    value = UNKNOWN if node.value is None else evaluate(frame, node.value)
    context = frame.context
    context.yielded = union(context.yielded, value)
    frame.has_yielded = True
    return UNKNOWN


def _yield_from(frame: Frame, node: ast.YieldFrom) -> Value:
    value = evaluate(frame, node.value)
    await_(frame, value, node)
    frame.context.yielded = union(frame.context.yielded, frame.engine.element(frame, value))
    frame.has_yielded = True
    return UNKNOWN


def _lambda(frame: Frame, node: ast.Lambda) -> Value:
    function = frame.engine.program.function(node, frame.scope)
    return FunctionValue(function, None, frame.engine.captured(frame, function.free))


def _if(frame: Frame, node: ast.IfExp) -> Value:
    evaluate(frame, node.test)
    with frame.aside() as branches:
        values = []
        for one in (node.body, node.orelse):
            branches.begin()
            values.append(evaluate(frame, one))
            branches.end()
    return union(*values)


def _bool(frame: Frame, node: ast.BoolOp) -> Value:
    first, *others = node.values
    values = [evaluate(frame, first)]
    with frame.aside() as branches:
        branches.begin()
        branches.end()
        branches.begin()
        values += [evaluate(frame, one) for one in others]
        branches.end()
    return union(*values)


def _named(frame: Frame, node: ast.NamedExpr) -> Value:
    value = evaluate(frame, node.value)
    frame.variables[node.target.id] = value
    return value


def _operation(frame: Frame, node: ast.BinOp) -> Value:
    # Long sums lean to the left: taken apart here, not by recursion.
    waiting = [node]
    while isinstance(waiting[-1].left, ast.BinOp):
        waiting.append(waiting[-1].left)
    value = evaluate(frame, waiting[-1].left)
    for one in reversed(waiting):
        value = _operated(frame, value, evaluate(frame, one.right), one)
    return value


def _operated(frame: Frame, left: Value, right: Value, node: ast.BinOp) -> Value:
    if isinstance(node.op, ast.Add):
        joined = _joined(left, right)
        if joined is not None:
            return joined
    name = _OPERATORS.get(type(node.op))
    if name is None:
        return UNKNOWN
    if isinstance(node.op, ast.BitOr) and isinstance(left, ClassValue):
        return union(left, right)
    results = []
    for option in options_of(left):
        method = frame.engine.attribute(frame, option, name, node)
        if method is not UNKNOWN:
            results.append(frame.engine.invoke(frame, method, (right,), (), node))
    return union(*results)


def _joined(left: Value, right: Value) -> Value | None:
    if isinstance(left, Items) and isinstance(right, Items):
        return Items(left.values + right.values, left.origin)
    one, other = text_of(left), text_of(right)
    if one is not None or other is not None:
        return constant((HOLE if one is None else one) + (HOLE if other is None else other))
    return None


def _compare(frame: Frame, node: ast.Compare) -> Value:
    left = evaluate(frame, node.left)
    for operator, one in zip(node.ops, node.comparators, strict=True):
        right = evaluate(frame, one)
        if isinstance(operator, ast.In | ast.NotIn):
            call_special(frame, right, "__contains__", (left,), node)
        elif type(operator) in _COMPARISONS:
            call_special(frame, left, _COMPARISONS[type(operator)], (right,), node)
        left = right
    return UNKNOWN


def call_special(
    frame: Frame, owner: Value, name: str, arguments: tuple[Value, ...], node: ast.AST
) -> Value:
    """Call a special method of `owner`, where its class defines it."""
    results = []
    for option in options_of(owner):
        if isinstance(option, Instance) and frame.engine.classes.find(option.cls, name):
            method = frame.engine.attribute(frame, option, name, node)
            results.append(frame.engine.invoke(frame, method, arguments, (), node))
    return union(*results)


def _unary(frame: Frame, node: ast.UnaryOp) -> Value:
    value = evaluate(frame, node.operand)
    return call_special(frame, value, _UNARY[type(node.op)], (), node)


def _items(frame: Frame, node: ast.List | ast.Tuple | ast.Set) -> Value:
    values: list[Value] = []
    for element in node.elts:
        if isinstance(element, ast.Starred):
            values.extend(frame.engine.contents(evaluate(frame, element.value)))
        else:
            values.append(evaluate(frame, element))
    return Items(tuple(values), None if isinstance(node, ast.Tuple) else node)


def _dict(frame: Frame, node: ast.Dict) -> Value:
    entries: list[tuple[object, Value]] = []
    for key, value in zip(node.keys, node.values, strict=True):
        made = evaluate(frame, value)
        if key is None:
            entries.extend(made.entries if isinstance(made, Table) else [])
            continue
        known = evaluate(frame, key)
        entries.append((known.value if isinstance(known, Constant) else known, made))
    return Table(tuple(entries), node)


def _comprehension(frame: Frame, node: Any) -> Value:
    before = dict(frame.variables)
    sources = []
    for generator in node.generators:
        source = evaluate(frame, generator.iter)
        await_(frame, source, generator.iter)
        sources.append(source)
        frame.engine.assign(frame, generator.target, frame.engine.element(frame, source))
        for condition in generator.ifs:
            evaluate(frame, condition)
    if isinstance(node, ast.DictComp):
        evaluate(frame, node.key)
        made: Value = Table(((None, evaluate(frame, node.value)),), node)
    else:
        made = Items(_elements(frame, node, sources), node)
    frame.variables = before
    return made


def _generator(frame: Frame, node: ast.GeneratorExp) -> Value:
    """Return what runs when something goes through it."""
    made = run_later(frame, lambda inner: _comprehension(inner, node))
    return made if made.targets[0].events else made.result


def run_later(frame: Frame, work: Callable[[Frame], Value]) -> Pending:
    """Return a generator that does `work`."""
    context = Context(None, frame.module, frame.receiver)
    inner = type(frame)(frame.engine, context, frame.scope, dict(frame.variables))
    result = work(inner)
    return Pending((context,), result, is_generator=True)


def _elements(frame: Frame, node: Any, sources: list[Value]) -> tuple[Value, ...]:
    source = sources[0]
    if len(sources) == 1 and isinstance(source, Items) and 1 < len(source.values) <= 8:
        made = []
        for value in source.values:
            frame.engine.assign(frame, node.generators[0].target, value)
            made.append(evaluate(frame, node.elt))
        return tuple(made)
    return (evaluate(frame, node.elt),)


def _subscript(frame: Frame, node: ast.Subscript) -> Value:
    owner = evaluate(frame, node.value)
    if isinstance(node.slice, ast.Slice) and isinstance(owner, Items):
        return _sliced(frame, owner, node.slice)
    key = evaluate(frame, node.slice)
    if isinstance(owner, ClassValue | External):
        return owner
    results = []
    for option in options_of(owner):
        if isinstance(option, Table | Items | Pending):
            known = key.value if isinstance(key, Constant) else None
            results.append(frame.engine.item(frame, option, known))
            continue
        method = frame.engine.attribute(frame, option, "__getitem__", node)
        if method is not UNKNOWN:
            results.append(frame.engine.invoke(frame, method, (key,), (), node))
    return union(*results)


def _sliced(frame: Frame, owner: Items, node: ast.Slice) -> Value:
    bounds = [None if one is None else evaluate(frame, one) for one in (node.lower, node.upper)]
    step = None if node.step is None else _number(node.step)
    numbers = [one.value if isinstance(one, Constant) else None for one in bounds]
    if any(one is not None and not isinstance(one, Constant) for one in bounds):
        return owner
    lower, upper = [number if isinstance(number, int) else None for number in numbers]
    return Items(frame.engine.contents(owner)[lower:upper:step])


def _number(node: ast.expr) -> int | None:
    match node:
        case ast.Constant(value=int(number)) if number:
            return number
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(number))) if number:
            return -number
    return None


def _text(frame: Frame, node: ast.JoinedStr) -> Value:
    parts = []
    for one in node.values:
        if isinstance(one, ast.Constant):
            parts.append(str(one.value))
        elif isinstance(one, ast.FormattedValue):
            known = evaluate(frame, one.value)
            call_special(frame, known, "__str__", (), node)
            parts.append(text_of(known) or HOLE)
    return constant("".join(parts))


def _starred(frame: Frame, node: ast.Starred) -> Value:
    return evaluate(frame, node.value)


_HANDLERS: dict[type[ast.expr], Callable[[Frame, Any], Value]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.Await: _await,
    ast.Yield: _yield,
    ast.YieldFrom: _yield_from,
    ast.Lambda: _lambda,
    ast.IfExp: _if,
    ast.BoolOp: _bool,
    ast.NamedExpr: _named,
    ast.BinOp: _operation,
    ast.Compare: _compare,
    ast.List: _items,
    ast.Tuple: _items,
    ast.Set: _items,
    ast.Dict: _dict,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _generator,
    ast.UnaryOp: _unary,
    ast.DictComp: _comprehension,
    ast.Subscript: _subscript,
    ast.JoinedStr: _text,
    ast.Starred: _starred,
}
