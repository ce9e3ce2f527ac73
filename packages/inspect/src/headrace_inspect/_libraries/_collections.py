"""Lists and the like, as they grow."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from headrace_inspect._names._values import (
    UNKNOWN,
    Arguments,
    Items,
    Many,
    Method,
    Possibly,
    Table,
    Text,
    Value,
    choice_of,
    merged,
)
from headrace_inspect._running._giving import give
from headrace_inspect._running._iterating import keys_of

from ._registry import function, method
from ._running_arguments import call_for_each

if TYPE_CHECKING:
    from headrace_inspect._running._frame import Frame

_MOST = 100


@method(Items, "append", "add", "appendleft")
@method(Many, "append", "add", "appendleft", "insert")
def append(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """One item more."""
    item = frame.engine.resolve(arguments.get(1 if value.name == "insert" else 0) or UNKNOWN)
    items = (*value.owner.items, item)
    if len(items) > _MOST:
        return UNKNOWN
    return Items(items) if isinstance(value.owner, Items) else Many(tuple(dict.fromkeys(items)))


@method(Items, "insert")
def insert(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """One item more, somewhere."""
    return Many((*value.owner.items, frame.engine.resolve(arguments.get(1) or UNKNOWN)))


@method(Items, "extend", "update")
@method(Many, "extend", "update")
def extend(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """Some items more."""
    more = frame.engine.resolve(arguments.get(0) or UNKNOWN)
    if isinstance(more, Items) and isinstance(value.owner, Items):
        return Items(value.owner.items + more.items)
    if isinstance(more, Items | Many):
        return Many(tuple(dict.fromkeys(value.owner.items + more.items)))
    return UNKNOWN


@method(Items, "pop", "copy", "popleft", "index", "count")
@method(Many, "pop", "copy", "popleft", "index", "count")
def take(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """One of the items, or all."""
    if value.name == "copy":
        owner: Value = value.owner
        return owner
    return Possibly(choice_of(value.owner.items)) if value.owner.items else UNKNOWN


@function("types.MappingProxyType")
def proxied(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """A mapping as it is."""
    return arguments.get(0) or UNKNOWN


@method(Items, "reverse")
def turned(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """The items the other way round."""
    return Items(value.owner.items[::-1])


@method(Items, "sort", "remove", "clear")
@method(Many, "sort", "remove", "clear", "reverse")
def reordered(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """Any of the items, in any order."""
    key = arguments.get(None, "key")
    if key is not None:
        call_for_each(frame, key, Arguments((value.owner,)), node)
    return Many(value.owner.items)


@method(Table, "get", "pop", "setdefault")
def look_up(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """What a key gives."""
    key = frame.engine.resolve(arguments.get(0) or UNKNOWN)
    table: Table = value.owner
    found = table.at(key.constant) if isinstance(key, Text) else None
    if found is not None:
        return found
    options = [*table.items, *([default] if (default := arguments.get(1)) else [])]
    return Possibly(choice_of(options)) if options else UNKNOWN


@method(Table, "values")
def values(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """All of them, in the order of the table."""
    items = value.owner.items
    return Many(items) if UNKNOWN in items else Items(items)


@method(Table, "items")
def pairs(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """The keys with their values."""
    known = keys_of(value.owner)
    if not isinstance(known, Items):
        return Many(tuple([Items((UNKNOWN, item)) for item in value.owner.items]))
    return Items(tuple(map(Items, zip(known.items, value.owner.items, strict=True))))


@method(Table, "keys")
def keys(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """The keys."""
    return keys_of(value.owner)


@method(Table, "copy")
def copy(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """The same again."""
    owner: Value = value.owner
    return owner


@method(Table, "update")
def update(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """Some keys more."""
    table: Table = value.owner
    for argument in arguments.positional:
        table = merged(table, frame.engine.resolve(argument))
    for name, item in arguments.named:
        table = table.put(name, item)
    return Table((*table.items, UNKNOWN)) if arguments.starred else table


@function("builtins.dict")
def make_table(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``dict(...)``."""
    for argument in arguments.values():
        give(frame, argument, node)
    return update(frame, arguments, node, Method(Table(()), "update"))
