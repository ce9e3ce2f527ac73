"""Expressions: their values, the calls in them, and assignment targets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headrace_inspect._symbols._syntax import Expr, is_active

from ._contexts import Call, Frame
from ._values import (
    Bound,
    ClassValue,
    Constant,
    External,
    FunctionValue,
    Items,
    Object,
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

_OPERATORS = {"+": "__add__", "|": "__or__", ">": "__rshift__", "%": "__mod__"}
TASK = "asyncio.Task"
"""The task that wraps a running coroutine."""
HOLE = "\0"
"""Stands for a computed part of a string."""


def evaluate(frame: Frame, node: Expr) -> Value:
    """Return the value of `node`, and record the calls in it."""
    if type(node) is str:
        variables = frame.variables
        if node in variables:
            return variables[node]
        return frame.engine.names.in_scope(frame.scope, node)
    return None if node is None else _HANDLERS[node[0]](frame, node)


def assign(frame: Frame, target: Expr, value: Value) -> None:
    """Assign `value` to `target`."""
    match target:
        case str():
            frame.bind(target, value)
        case ("l", _, _, elements):
            for index, element in enumerate(elements):
                assign(frame, element, frame.engine.item(frame, value, index))
        case ("*", inner):
            assign(frame, inner, None)
        case ("a", owner, name, _):
            frame.engine.attributes.set(frame, evaluate(frame, owner), name, value)
        case ("s", owner, key):
            made = key_of(evaluate(frame, key))
            for option in options_of(evaluate(frame, owner)):
                frame.engine.put(option, made, value)


# --- calls ----------------------------------------------------------------------------------------


def await_(value: Value) -> Value:
    """Return the result of awaiting `value`; the call itself is already recorded."""
    if type(value) is Pending:
        return value if value.is_generator else value.result
    if type(value) in {FunctionValue, type(None)}:
        return value
    found: list[Value] = []
    for one in options_of(value):
        if isinstance(one, Object) and one.made_by == TASK:
            found += one.arguments[:1]
        elif isinstance(one, Pending) and not one.is_generator:
            found.append(one.result)
        else:
            found.append(one)
    return union(*found)


def call_special(frame: Frame, owner: Value, name: str, node: Any, *arguments: Value) -> Value:
    """Call a special method of `owner`, if its class or a model defines it."""
    results, engine = [], frame.engine
    for option in options_of(owner):
        if engine.classes.defines(option, name):
            method = engine.attributes.get(frame, option, name, node)
            results.append(frame.call(method, node, arguments))
        elif engine.handler(option, name) is not None:
            results.append(frame.call(Bound(option, name), node, arguments))
    return union(*results)


def _call(frame: Frame, node: Any) -> Value:
    _, _, _, func, given, named = node
    if func == "super":
        return _super(frame, given)
    callee = evaluate(frame, func)
    if callee is None and not given and not named:
        return None
    if getattr(callee, "name", "") in frame.engine.registry.parallel:
        listed = frame.each(given, lambda one: Items(_argument(frame, one)))
        arguments = [one for items in listed if isinstance(items, Items) for one in items.values]
    else:
        arguments = [value for one in given for value in _argument(frame, one)]
    keywords: list[tuple[str, Value]] = []
    for name, one in named:
        value = evaluate(frame, one)
        if name is not None:
            keywords.append((name, value))
        elif isinstance(value, Table):
            keywords += value.named
    call = Call(frame, node, tuple(arguments), tuple(keywords))
    call.is_complete = True
    return frame.engine.invoke(callee, call)


def _argument(frame: Frame, node: Expr) -> tuple[Value, ...]:
    if type(node) is tuple and node[0] == "*":
        return tuple(frame.engine.contents(frame, evaluate(frame, node[1]))) or (None,)
    return (evaluate(frame, node),)


def _super(frame: Frame, given: tuple[Expr, ...]) -> Value:
    cls, receiver = getattr(frame.scope, "owner", None), frame.receiver
    if len(given) == 2:
        first, receiver = evaluate(frame, given[0]), evaluate(frame, given[1])
        cls = first.cls if isinstance(first, ClassValue) else cls
    return None if cls is None or receiver is None else Super(cls, receiver)


def _yield(frame: Frame, node: Any) -> Value:
    value = evaluate(frame, node[1])
    if node[0] == "Y":
        value = frame.engine.element(frame, value)
    frame.context.yielded = union(frame.context.yielded, value)
    if not frame.has_yielded:
        frame.has_yielded, frame.context.first = True, len(frame.context.events)
    return None


# --- values ---------------------------------------------------------------------------------------


def _attribute(frame: Frame, node: Any) -> Value:
    return frame.engine.attributes.get(frame, evaluate(frame, node[1]), node[2], node)


def _lambda(frame: Frame, node: Any) -> Value:
    function = frame.module.function(node[1])
    return FunctionValue(function, None, frame.engine.captured(frame, function))


def _if(frame: Frame, node: Any) -> Value:
    evaluate(frame, node[1])
    return union(*frame.each(node[2:], lambda one: evaluate(frame, one)))


def _bool(frame: Frame, node: Any) -> Value:
    first, *others = node[1]
    values = [evaluate(frame, first)]
    before = frame.ran
    values += [evaluate(frame, one) for one in others]
    frame.ran = before if frame.ran is None else frame.ran
    return union(*values)


def _named(frame: Frame, node: Any) -> Value:
    value = evaluate(frame, node[2])
    frame.bind(node[1], value)
    return value


def _operation(frame: Frame, node: Any) -> Value:
    """Return the result of an operator; left-nested operands are evaluated without recursion."""
    waiting = [node]
    while type(left := waiting[-1][1]) is tuple and left[0] in _OPERATORS:
        waiting.append(left)
    value = evaluate(frame, waiting[-1][1])
    for one in reversed(waiting):
        value = _operate(frame, one, value, evaluate(frame, one[2]))
    return value


def _operate(frame: Frame, node: Any, left: Value, right: Value) -> Value:
    if node[0] == "+":
        if isinstance(left, Items) and isinstance(right, Items):
            return Items(left.values + right.values, left.origin)
        one, other = text_of(left), text_of(right)
        if one is not None or other is not None:
            return constant((HOLE if one is None else one) + (HOLE if other is None else other))
    if node[0] == "%" and (text := text_of(left)) is not None:
        return constant(text.replace("%s", HOLE))
    if node[0] == "|" and isinstance(left, ClassValue):
        return union(left, right)
    return None if left is None else call_special(frame, left, _OPERATORS[node[0]], node, right)


def _items(frame: Frame, node: Any) -> Value:
    values: list[Value] = []
    for one in node[3]:
        if type(one) is tuple and one[0] == "*":
            values += frame.engine.contents(frame, evaluate(frame, one[1]))
        else:
            values.append(evaluate(frame, one))
    return Items(tuple(values), (frame.module.path, node[1], node[2]))


def _dict(frame: Frame, node: Any) -> Value:
    entries: list[tuple[Any, Value]] = []
    for key, value in node[3]:
        made = evaluate(frame, value)
        if key == "**":
            entries += made.entries if isinstance(made, Table) else []
        else:
            known = evaluate(frame, key)
            entries.append((known.value if isinstance(known, Constant) else known, made))
    return Table(tuple(entries), (frame.module.path, node[1], node[2]))


def _comprehension(frame: Frame, node: Any) -> Value:
    variables = frame.variables
    frame.variables = variables.copy()
    for target, iterated, conditions in node[2]:
        assign(frame, target, frame.engine.element(frame, evaluate(frame, iterated)))
        evaluate(frame, conditions)
    made = evaluate(frame, node[1])
    frame.variables = variables
    if node[0] == "G":
        return Table(((None, made.values[1] if isinstance(made, Items) else None),))
    made = await_(made) if is_active(node[1]) else made
    if node[3]:
        return Pending(made, is_generator=True)
    return Items((made,), (frame.module.path, *node[4:]))


def _subscript(frame: Frame, node: Any) -> Value:
    owner, key = evaluate(frame, node[1]), evaluate(frame, node[2])
    results: list[Value] = []
    for option in options_of(owner):
        if isinstance(option, ClassValue | External) or node[2] == ("x", ()):
            results.append(option)
        elif isinstance(option, Table | Items | Pending):
            results.append(frame.engine.item(frame, option, key_of(key)))
        else:
            results.append(call_special(frame, option, "__getitem__", node, key))
    return union(*results)


def _text(frame: Frame, node: Any) -> Value:
    parts = [text_of(evaluate(frame, one)) for one in node[1]]
    return constant("".join([HOLE if part is None else part for part in parts]))


def _others(frame: Frame, node: Any) -> Value:
    for one in node[1]:
        evaluate(frame, one)
    return None


def _truth_value(frame: Frame, node: Any) -> Value:
    evaluate(frame, node[1])
    return None


_HANDLERS: dict[str, Callable[[Frame, Any], Value]] = {
    "k": lambda frame, node: constant(node[1]),
    "a": _attribute,
    "c": _call,
    "w": lambda frame, node: await_(evaluate(frame, node[1])),
    "y": _yield,
    "Y": _yield,
    "f": _lambda,
    "?": _if,
    "o": _bool,
    ":=": _named,
    **dict.fromkeys(_OPERATORS, _operation),
    "l": _items,
    "d": _dict,
    "g": _comprehension,
    "G": _comprehension,
    "s": _subscript,
    "t": _text,
    "*": lambda frame, node: evaluate(frame, node[1]),
    "!": _truth_value,
    "is": _truth_value,
    "x": _others,
}
