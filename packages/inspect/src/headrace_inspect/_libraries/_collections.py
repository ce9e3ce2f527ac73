"""Lists and the like, as they grow."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from headrace_inspect._names._values import (
    UNKNOWN,
    Arguments,
    Items,
    Many,
    Possibly,
    Table,
    Value,
    choice_of,
)

from ._registry import function, method

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


@method(Table, "get", "pop", "setdefault")
def look_up(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """What a key gives."""
    options = [*value.owner.items, *([default] if (default := arguments.get(1)) else [])]
    return Possibly(choice_of(options)) if options else UNKNOWN


@method(Table, "values")
def values(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """All of them, in the order of the table."""
    return Items(value.owner.items)


@method(Table, "items", "keys", "copy")
def keys(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """The keys, of which nothing is known."""
    return UNKNOWN
