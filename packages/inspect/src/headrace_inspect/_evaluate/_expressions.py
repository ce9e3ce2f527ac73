"""Expressions, instructions and definitions: their values, and the calls that they make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headrace_inspect._symbols._syntax import Definition, Expr, Ids, name_of

from ._arguments import parameter
from ._contexts import Call, Context
from ._values import (
    Arguments,
    Bound,
    ClassValue,
    Constant,
    External,
    FunctionValue,
    Instance,
    Items,
    Named,
    Object,
    Pending,
    Super,
    Table,
    Value,
    constant,
    key_of,
    options_of,
    shallow,
    text_of,
    union,
)

_OPERATORS = {"+": "__add__", "|": "__or__", ">": "__rshift__", "%": "__mod__"}
TASK = "asyncio.Task"
"""The task that wraps a running coroutine."""
HOLE = "\0"
"""Stands for a computed part of a string."""


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


def call_special(frame: Context, owner: Value, name: str, node: Any, *arguments: Value) -> Value:
    """Call a special method of `owner`, if its class or a model defines it."""
    results, engine = [], frame.engine
    for option in options_of(owner):
        if engine.classes.defines(option, name):
            method = engine.attributes.get(frame, option, name, node)
            results.append(frame.call(method, node, arguments))
        elif engine.handler(option, name) is not None:
            results.append(frame.call(Bound(option, name), node, arguments))
    return union(*results)


def _unpacked(frame: Context, value: Value, path: Ids) -> Value:
    for index in path:
        value = frame.engine.item(frame, value, index)
    return value


def _container_in(node: Expr) -> str:
    """Return the name of a list or mapping, or of the one whose method `node` calls."""
    match node:
        case ("c", _, _, ("a", owner, *_), *_):
            return name_of(owner)
    return name_of(node)


def captured_by(frame: Context, captured: tuple[tuple[str, Ids], ...]) -> Named:
    """Return the values of the variables that a function closes over."""
    known = dict(frame.captured)
    found = [(name, frame.defined(ids) if ids else known.get(name)) for name, ids in captured]
    return tuple([(name, shallow(one)) for name, one in found if one is not None])


# --- definitions ----------------------------------------------------------------------------------


def define(frame: Context, about: Definition) -> Value:
    """Return the value of a definition."""
    engine, kind = frame.engine, about[0]
    if kind == "=":
        _, _, node, path, annotation = about
        value = _unpacked(frame, frame.value(node), path)
        declared = engine.types.of(annotation, frame.scope, frame.receiver) if annotation else None
        return value if declared is None else _as_declared(frame, value, declared)
    if kind == "p":
        return parameter(engine, frame, about[1])
    if kind == "for":
        engine.demand.seek("add", _container_in(about[2]))
        return _unpacked(frame, engine.element(frame, frame.value(about[2])), about[3])
    if kind == "with":
        return _unpacked(frame, frame.execute(about[2]), about[3])
    if kind == "def":
        if about[4] >= 0:
            return frame.execute(about[4])
        return _function(frame, about[2], about[3])
    if kind == "class":
        return ClassValue(frame.module.classes[about[2]])
    if kind == "import":
        return engine.names.imported(about[2], about[3], about[4], frame.module)
    if kind == "n":
        classes = frame.value(about[2])
        listed = classes.values if isinstance(classes, Items) else options_of(classes)
        found = [Instance(one.cls) for one in listed if isinstance(one, ClassValue)]
        return union(*found) if found else frame.defined(about[3])
    return None


def _as_declared(frame: Context, value: Value, declared: Value) -> Value:
    is_vague = value is None or isinstance(value, Items)
    if isinstance(value, Instance) and isinstance(declared, Instance):
        if declared.cls in frame.engine.classes.sources(value.cls):
            return value
        return declared  # created by something else
    if isinstance(value, Object | Constant) and isinstance(declared, Instance):
        return declared
    return union(value, declared) if is_vague else value


def _function(frame: Context, number: int, captured: tuple[tuple[str, Ids], ...]) -> FunctionValue:
    function = frame.module.functions[number]
    return FunctionValue(function, None, captured_by(frame, captured) if captured else ())


# --- instructions ---------------------------------------------------------------------------------


def _call(frame: Context, node: Any) -> Value:
    _, _, _, func, given, named, number = node
    if func == "super":
        return _super(frame, given)
    engine = frame.engine
    callee = frame.value(func)
    if callee is None and not given and not named:
        return None
    if getattr(callee, "name", "") in engine.registry.parallel:
        _run_together(frame, given)
    call = Call(frame, node, _positional(frame, given), _named(frame, named), is_complete=True)
    made = engine.invoke(callee, call)
    if type(made) is Pending and number in frame.code.unused:
        for event in [one for one in frame.opened[-1:] if one.node is node]:
            frame.opened.remove(event)  # nothing runs it
    return made


def _positional(frame: Context, given: tuple[Expr, ...]) -> Arguments:
    found: list[Value] = []
    for one in given:
        if type(one) is tuple and one[0] == "*":
            found += frame.engine.contents(frame, frame.value(one[1])) or [None]
        else:
            found.append(frame.value(one))
    return tuple(found)


def _named(frame: Context, given: tuple[tuple[str | None, Expr], ...]) -> Named:
    found: list[tuple[str, Value]] = []
    for name, one in given:
        value = frame.value(one)
        if name is not None:
            found.append((name, value))
        elif isinstance(value, Table):
            found += value.named
    return tuple(found)


def _run_together(frame: Context, given: tuple[Expr, ...]) -> None:
    """Forget the order of calls in the arguments of a function that runs them concurrently."""
    frame.together([one[-1] for one in given if type(one) is tuple and one[0] == "c"])


def _super(frame: Context, given: tuple[Expr, ...]) -> Value:
    cls, receiver = getattr(frame.function, "owner", None), frame.receiver
    if len(given) == 2:
        first, receiver = frame.value(given[0]), frame.value(given[1])
        cls = first.cls if isinstance(first, ClassValue) else cls
    return None if cls is None or receiver is None else Super(cls, receiver)


def _attribute(frame: Context, node: Any) -> Value:
    return frame.engine.attributes.get(frame, frame.value(node[1]), node[2], node)


def _enter(frame: Context, node: Any) -> Value:
    manager = frame.value(node[2])
    return union(*[enter(frame, one, node) for one in options_of(manager)])


def enter(frame: Context, manager: Value, node: Any) -> Value:
    """Enter a context manager: record its calls and return the value bound by ``as``."""
    if isinstance(manager, Pending):
        _begin(frame, manager, node)
        return manager.result if manager.is_generator else enter(frame, manager.result, node)
    made = _call_either(frame, manager, ("__enter__", "__aenter__"), node)
    return manager if made is None else made


def _exit(frame: Context, node: Any) -> None:
    for option in options_of(frame.value(node[2])):
        special = frame.engine.registry.exiting.get(getattr(option, "made_by", ""))
        if special is not None:
            special(frame, frame.emitted(node[3], node[4]))
        _finish(frame, option, node)
        _call_either(frame, option, ("__exit__", "__aexit__"), node)


def _call_either(frame: Context, manager: Value, names: tuple[str, str], node: Any) -> Value:
    for name in names if isinstance(manager, Instance) else ():
        method = frame.engine.attributes.get(frame, manager, name, node)
        if method is not None and not isinstance(method, Bound):
            return await_(frame.call(method, node))
    return None


def _iterate(frame: Context, node: Any) -> None:
    value = frame.value(node[2])
    if isinstance(value, Pending):
        _begin(frame, value, node)
    for option in options_of(value):
        if isinstance(option, Instance):
            frame.engine.element(frame, option, node)


def _end(frame: Context, node: Any) -> None:
    for option in options_of(frame.value(node[2])):
        _finish(frame, option, node)


def _begin(frame: Context, value: Value, node: Any) -> None:
    """Limit the call of a generator to the part before its first ``yield``."""
    for one in options_of(value):
        if isinstance(one, Pending) and one.made_by is not None:
            head, _ = one.made_by.halves()
            for event in frame.made:
                if one.made_by in event.targets:
                    event.targets = (head,)


def _finish(frame: Context, value: Value, node: Any) -> None:
    """Record that the rest of a generator runs."""
    for one in options_of(value):
        if isinstance(one, Pending) and one.made_by is not None:
            frame.emit(one.made_by.halves()[1:], node)


def _set(frame: Context, node: Any) -> None:
    _, owner, name, value, path, _ = node
    made = _unpacked(frame, frame.value(value), path)
    frame.engine.attributes.set(frame.value(owner), name, made)
    frame.engine.demand.note_assignment(name, made)


def _put(frame: Context, node: Any) -> None:
    _, owner, key, value, path, _ = node
    made, known = _unpacked(frame, frame.value(value), path), key_of(frame.value(key))
    for option in options_of(frame.value(owner)):
        frame.engine.put(option, known, made)
    frame.engine.demand.note_assignment(name_of(owner), made)


def _define(frame: Context, node: Any) -> Value:
    """Apply the decorators of a function; an unknown decorator returns its argument."""
    function, engine = frame.module.functions[node[1]], frame.engine
    made = _function(frame, node[1], node[2])
    value: Value = made
    if frame.function is not None:
        engine.roots.append(made)
    for _, decorator in reversed(function.decorators):
        callee = frame.value(decorator)
        for hook in engine.registry.decorating:
            hook(frame, decorator, value, function)
        frame.decorating = function
        found = frame.call(callee, decorator, (value,))
        for change in engine.registry.decorated:
            found = change(frame, found, value, function)
        frame.decorating = None
        if found is not None and not isinstance(found, Object | Constant):
            value = found
    return value


def _define_class(frame: Context, node: Any) -> None:
    cls = frame.module.classes[node[1]]
    for _, decorator in reversed(cls.decorators):
        frame.call(frame.value(decorator), decorator, (ClassValue(cls),))


INSTRUCTIONS: dict[str, Callable[[Context, Any], Value]] = {
    "c": _call,
    "a": _attribute,
    "enter": _enter,
    "exit": _exit,
    "iter": _iterate,
    "end": _end,
    "set": _set,
    "put": _put,
    "def": _define,
    "class": _define_class,
}


# --- expressions ----------------------------------------------------------------------------------


def _read(frame: Context, node: Any) -> Value:
    return _attribute(frame, node) if node[4] < 0 else frame.execute(node[4])


def _operation(frame: Context, node: Any) -> Value:
    """Return the result of an operator; left-nested operands are evaluated without recursion."""
    waiting = [node]
    while type(left := waiting[-1][1]) is tuple and left[0] in _OPERATORS:
        waiting.append(left)
    value = frame.value(waiting[-1][1])
    for one in reversed(waiting):
        value = _operate(frame, one, value, frame.value(one[2]))
    return value


def _operate(frame: Context, node: Any, left: Value, right: Value) -> Value:
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


def _items(frame: Context, node: Any) -> Value:
    values: list[Value] = []
    for one in node[3]:
        if type(one) is tuple and one[0] == "*":
            values += frame.engine.contents(frame, frame.value(one[1]))
        else:
            values.append(frame.value(one))
    return Items(tuple(values), frame.location(node))


def _dict(frame: Context, node: Any) -> Value:
    entries: list[tuple[Any, Value]] = []
    for key, value in node[3]:
        made = frame.value(value)
        if key == "**":
            entries += made.entries if isinstance(made, Table) else []
        else:
            known = frame.value(key)
            entries.append((known.value if isinstance(known, Constant) else known, made))
    return Table(tuple(entries), frame.location(node))


def _comprehension(frame: Context, node: Any) -> Value:
    _, element, is_lazy, line, column = node
    made = frame.value(element)
    made = await_(made) if type(element) is tuple else made
    return (
        Pending(made, is_generator=True)
        if is_lazy
        else Items((made,), frame.location((*"g", line, column)))
    )


def _subscript(frame: Context, node: Any) -> Value:
    frame.engine.demand.seek("add", _container_in(node[1]))
    owner, key = frame.value(node[1]), frame.value(node[2])
    results: list[Value] = []
    for option in options_of(owner):
        if isinstance(option, ClassValue | External) or node[2] == ("x",):
            results.append(option)
        elif isinstance(option, Table | Items | Pending):
            results.append(frame.engine.item(frame, option, key_of(key)))
        else:
            results.append(call_special(frame, option, "__getitem__", node, key))
    return union(*results)


def _text(frame: Context, node: Any) -> Value:
    parts = [text_of(frame.value(one)) for one in node[1]]
    return constant("".join([HOLE if part is None else part for part in parts]))


def _union(frame: Context, nodes: tuple[Expr, ...]) -> Value:
    return union(*[frame.value(one) for one in nodes])


EXPRESSIONS: dict[str, Callable[[Context, Any], Value]] = {
    "k": lambda frame, node: constant(node[1]),
    "a": _read,
    "c": lambda frame, node: frame.execute(node[6]),
    "w": lambda frame, node: await_(frame.value(node[1])),
    "f": lambda frame, node: _function(frame, node[1], node[2]),
    "?": lambda frame, node: _union(frame, node[1:]),
    "o": lambda frame, node: _union(frame, node[1]),
    **dict.fromkeys(_OPERATORS, _operation),
    "l": _items,
    "d": _dict,
    "g": _comprehension,
    "G": lambda frame, node: Table(((None, frame.value(node[1])),)),
    "s": _subscript,
    "t": _text,
    "*": lambda frame, node: frame.value(node[1]),
    "x": lambda frame, node: None,
}
