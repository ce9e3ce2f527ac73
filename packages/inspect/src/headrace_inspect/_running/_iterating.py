"""Assigning values to targets: names, attributes, items; and the elements of what is iterated."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from headrace_inspect._names._entities import Class, Function, Module
from headrace_inspect._names._library_values import ManagerValue
from headrace_inspect._names._values import (
    NOTHING,
    UNKNOWN,
    Arguments,
    Choice,
    Coroutine,
    External,
    Instance,
    Items,
    Key,
    Many,
    Method,
    Possibly,
    Table,
    Text,
    Value,
    choice_of,
)

from ._attributes import change
from ._giving import calls_of, give, name_it, put_into
from ._losing import lose

if TYPE_CHECKING:
    from ._exposure import Place
    from ._frame import Frame


_LONGEST_UNROLLED = 12


def assign(frame: Frame, target: ast.expr, value: Value) -> None:
    """Let `target` have `value`."""
    match target:
        case ast.Name(id=name):
            frame.variables[name] = value
            if isinstance(frame.scope, Class):
                name_it(frame, value, target)
            elif isinstance(frame.scope, Function) and name in frame.scope.bindings.outside:
                _put(frame, value, target)
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            _unpack(frame, targets, frame.engine.resolve(value))
        case ast.Attribute(value=owner, attr=name):
            changed = frame.resolved(owner)
            change(frame, changed, name, "setter", Arguments((value,)), target)
            _attach(frame, changed, name, value, target)
        case ast.Subscript():
            _assign_item(frame, target, value)
        case ast.Starred(value=inner):
            assign(frame, inner, value)


def _assign_item(frame: Frame, target: ast.Subscript, value: Value) -> None:
    from ._expressions import constant_in
    from ._protocols import implicit

    owner = target.value
    changed = frame.resolved(owner)
    key = frame.evaluate(target.slice)
    implicit(frame, changed, target, "__setitem__")
    if isinstance(owner, ast.Name) and owner.id in frame.variables:
        frame.variables[owner.id] = _with(changed, constant_in(target.slice, key), value)
    if not isinstance(changed, Items | Many | Table):
        lose(frame, changed, value)
    _put(frame, value, target)


def _unpack(frame: Frame, targets: list[ast.expr], value: Value) -> None:
    is_plain = not any(isinstance(target, ast.Starred) for target in targets)
    if isinstance(value, Items) and is_plain and len(value.items) == len(targets):
        for target, item in zip(targets, value.items, strict=True):
            assign(frame, target, item)
        return
    if isinstance(value, Items | Many):
        part = choice_of(value.items)
        for target in targets:
            is_rest = isinstance(target, ast.Starred)
            assign(frame, target, Many(value.items) if is_rest else part)
        return
    for target in targets:
        assign(frame, target, UNKNOWN)


def _attach(frame: Frame, owner: Value, name: str, value: Value, target: ast.Attribute) -> None:
    """Let the attribute `name` of `owner` have `value`."""
    lose(frame, owner, value)
    if isinstance(value, Coroutine) or not isinstance(owner, External):
        _store(frame, value, target, "attached")
    elif frame.is_recorded:
        for tree in calls_of(frame, frame.engine.resolve(value), target):
            frame.escape(tree, "library", name)
            frame.expose(tree)


def _store(frame: Frame, value: Value, target: ast.expr, place: Place) -> None:
    if isinstance(value, Coroutine):
        frame.consume(value)
    else:
        give(frame, frame.engine.resolve(value), target, place)


def _with(owner: Value, key: Key | None, value: Value) -> Value:
    """Return what `owner` is with `value` at `key`."""
    if isinstance(owner, Table):
        return owner.put(key, value)
    if not isinstance(owner, Items | Many):
        return owner
    if isinstance(owner, Items) and isinstance(key, int) and 0 <= key < len(owner.items):
        return Items((*owner.items[:key], value, *owner.items[key + 1 :]))
    return Many((*owner.items, value))


def _put(frame: Frame, value: Value, target: ast.Name | ast.Subscript) -> None:
    if isinstance(value, Coroutine):
        frame.consume(value)
    else:
        put_into(frame, value, target, target)


def listed(value: Value) -> Sequence[Value] | None:
    """Return what iterating over `value` gives in turn, if that is known and not too much."""
    if isinstance(value, Table):
        value = keys_of(value)
    if isinstance(value, Items) and len(value.items) <= _LONGEST_UNROLLED:
        return value.items
    return None


def keys_of(table: Table) -> Value:
    """Return the keys of `table` as a list."""
    pairs = table.pairs()
    if pairs is None:
        return UNKNOWN
    return Items(tuple([Text((key,)) if isinstance(key, str) else NOTHING for key, _ in pairs]))


def bind_element(frame: Frame, target: ast.expr, iterated: ast.expr) -> Value:
    """Let `target` be an element of what `iterated` gives, and return that."""
    since = len(frame.events)
    value = frame.resolved(iterated)
    frame.hurry(since)
    assign(frame, target, element_of(frame, value))
    return value


def element_of(frame: Frame, value: Value) -> Value:
    """Return what iterating over `value` gives; a coroutine among it is not awaited."""
    match value:
        case Items(items=items) | Many(items=items):
            return choice_of(items)
        case Choice(options=options):
            return choice_of([element_of(frame, option) for option in options])
        case Method() | ManagerValue():
            from headrace_inspect._libraries._django_models import elements_of

            return elements_of(value)
        case Instance() | Possibly(inner=Instance()):
            return _element_of_instance(frame, value)
        case External(name=name) if name.startswith("pathlib.Path()."):
            return External("pathlib.Path()")
    return UNKNOWN


def _element_of_instance(frame: Frame, value: Value) -> Value:
    from ._protocols import implicit

    node = frame.scope.module.tree if isinstance(frame.scope, Module) else frame.scope.node
    result = frame.engine.resolve(implicit(frame, value, node, "__iter__", "__aiter__"))
    if isinstance(result, Items | Many):
        return element_of(frame, result)
    return frame.consume(implicit(frame, result, node, "__next__", "__anext__"))
