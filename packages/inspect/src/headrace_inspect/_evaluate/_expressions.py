"""Expressions: their values, and the calls in them."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from ._containers import key_of
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
    options_of,
    text_of,
    union,
)

_METHODS: dict[type[ast.AST], str] = {
    ast.Add: "__add__", ast.BitOr: "__or__", ast.BitAnd: "__and__", ast.RShift: "__rshift__",
    ast.LShift: "__lshift__", ast.Sub: "__sub__", ast.Mult: "__mul__", ast.MatMult: "__matmul__",
    ast.Div: "__truediv__", ast.Not: "__bool__", ast.USub: "__neg__", ast.UAdd: "__pos__",
    ast.Invert: "__invert__", ast.Eq: "__eq__", ast.NotEq: "__ne__", ast.Lt: "__lt__",
    ast.LtE: "__le__", ast.Gt: "__gt__", ast.GtE: "__ge__", ast.In: "__contains__",
    ast.NotIn: "__contains__",
}  # fmt: skip
TASK = "asyncio.Task"
"""What is made of a coroutine that has been started."""
HOLE = "\0"
"""The computed parts of a text."""
_UNROLLED = 8


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
            case Object(made_by=made_by, arguments=(result, *_)) if made_by == TASK:
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
        method: Value = UNKNOWN
        if isinstance(option, Instance):
            if engine.classes.find(option.cls, name):
                method = engine.attribute(frame, option, name, node)
        elif engine.handler(option, name) is not None:
            method = Bound(option, name)
        if method is not UNKNOWN:
            results.append(frame.call(method, node, arguments))
    return union(*results)


def _constant(frame: Frame, node: ast.Constant) -> Value:
    return constant(node.value)


def _attribute(frame: Frame, node: ast.Attribute) -> Value:
    return frame.engine.attribute(frame, evaluate(frame, node.value), node.attr, node)


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
            keywords += value.named
    return frame.call(callee, node, tuple(arguments), tuple(keywords))


def _super(frame: Frame, node: ast.Call) -> Value:
    cls, receiver = getattr(frame.scope, "owner", None), frame.receiver
    if len(node.args) == 2:
        first, receiver = evaluate(frame, node.args[0]), evaluate(frame, node.args[1])
        cls = first.cls if isinstance(first, ClassValue) else cls
    return UNKNOWN if cls is None or receiver is None else Super(cls, receiver)


def _await(frame: Frame, node: ast.Await) -> Value:
    value = evaluate(frame, node.value)
    if isinstance(value, Instance):
        return call_special(frame, value, "__await__", node)
    return await_(frame, value, node)


def _yield(frame: Frame, node: ast.Yield) -> Value:
    value = UNKNOWN if node.value is None else evaluate(frame, node.value)
    frame.context.yielded = union(frame.context.yielded, value)
    frame.has_yielded = True
    return UNKNOWN


def _yield_from(frame: Frame, node: ast.YieldFrom) -> Value:
    value = evaluate(frame, node.value)
    await_(frame, value, node)
    element = frame.engine.element(frame, value)
    frame.context.yielded = union(frame.context.yielded, element)
    frame.has_yielded = True
    return UNKNOWN


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
    if frame.ran is None:
        frame.ran = before
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
    return call_special(frame, left, _METHODS.get(type(operator), ""), node, right)


def _compare(frame: Frame, node: ast.Compare) -> Value:
    left = evaluate(frame, node.left)
    for operator, one in zip(node.ops, node.comparators, strict=True):
        right = evaluate(frame, one)
        is_in = isinstance(operator, ast.In | ast.NotIn)
        owner, other = (right, left) if is_in else (left, right)
        call_special(frame, owner, _METHODS.get(type(operator), ""), node, other)
        left = right
    return UNKNOWN


def _unary(frame: Frame, node: ast.UnaryOp) -> Value:
    value = evaluate(frame, node.operand)
    return call_special(frame, value, _METHODS[type(node.op)], node)


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
        else:
            known = evaluate(frame, key)
            entries.append((known.value if isinstance(known, Constant) else known, made))
    return Table(tuple(entries), node)


def _comprehension(frame: Frame, node: Any) -> Value:
    variables = frame.variables
    frame.go_back(frame.ran, variables)
    source: Value = UNKNOWN
    for generator in node.generators:
        source = evaluate(frame, generator.iter)
        await_(frame, source, generator.iter)
        element = frame.engine.element(frame, source)
        frame.engine.assign(frame, generator.target, element)
        for condition in generator.ifs:
            evaluate(frame, condition)
    if isinstance(node, ast.DictComp):
        evaluate(frame, node.key)
        made: Value = Table(((None, evaluate(frame, node.value)),), node)
    else:
        made = Items(_elements(frame, node, source), node)
    frame.go_back(frame.ran, variables)
    return made


def _elements(frame: Frame, node: Any, source: Value) -> tuple[Value, ...]:
    values = source.values if isinstance(source, Items) and len(node.generators) == 1 else ()
    if 1 < len(values) <= _UNROLLED:
        made = []
        for value in values:
            frame.engine.assign(frame, node.generators[0].target, value)
            made.append(evaluate(frame, node.elt))
        return tuple(made)
    return (evaluate(frame, node.elt),)


def _generator(frame: Frame, node: ast.GeneratorExp) -> Value:
    made = run_later(frame, lambda inner: _comprehension(inner, node))
    return made if made.targets[0].events else made.result


def run_later(frame: Frame, work: Callable[[Frame], Value]) -> Pending:
    """Return a generator that does `work` once something goes through it."""
    context = Context(None, frame.module, frame.receiver)
    result = work(type(frame)(frame.engine, context, frame.scope, frame.variables))
    return Pending((context,), result, is_generator=True)


def _subscript(frame: Frame, node: ast.Subscript) -> Value:
    owner = evaluate(frame, node.value)
    if isinstance(node.slice, ast.Slice) and isinstance(owner, Items):
        return _sliced(frame, owner, node.slice)
    key = evaluate(frame, node.slice)
    results: list[Value] = []
    for option in options_of(owner):
        if isinstance(option, ClassValue | External):
            results.append(option)
        elif isinstance(option, Table | Items | Pending):
            results.append(frame.engine.item(option, key_of(key)))
        else:
            results.append(call_special(frame, option, "__getitem__", node, key))
    return union(*results)


def _sliced(frame: Frame, owner: Items, node: ast.Slice) -> Value:
    parts = [node.lower, node.upper, node.step]
    try:
        bounds = [None if one is None else ast.literal_eval(one) for one in parts]
        return Items(frame.engine.contents(owner)[slice(*bounds)])
    except (ValueError, TypeError, RecursionError):
        return owner


def _text(frame: Frame, node: ast.JoinedStr) -> Value:
    parts = []
    for one in node.values:
        if isinstance(one, ast.FormattedValue):
            known = evaluate(frame, one.value)
            call_special(frame, known, "__str__", node)
            parts.append(text_of(known) or HOLE)
        else:
            parts.append(text_of(evaluate(frame, one)) or "")
    return constant("".join(parts))


def _starred(frame: Frame, node: ast.Starred) -> Value:
    return evaluate(frame, node.value)


_HANDLERS: dict[type[ast.expr], Callable[[Frame, Any], Value]] = {
    ast.Constant: _constant,
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
