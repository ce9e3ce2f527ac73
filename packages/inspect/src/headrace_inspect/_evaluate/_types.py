"""Annotations: what an object is of which only the declared type is known."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from headrace_inspect._symbols._entities import Scope

from ._values import (
    UNKNOWN,
    ClassValue,
    External,
    Instance,
    Items,
    Object,
    Table,
    Value,
    options_of,
    union,
)

if TYPE_CHECKING:
    from ._engine import Engine

_TRANSPARENT = frozenset([
    "Annotated", "Optional", "Final", "ClassVar", "Required", "NotRequired", "ReadOnly",
    "Awaitable", "Coroutine",
])  # fmt: skip
_CONTAINERS = frozenset([
    "list", "List", "set", "Set", "frozenset", "FrozenSet", "tuple", "Tuple", "Sequence",
    "MutableSequence", "Iterable", "Iterator", "Collection", "Generator", "AsyncIterator",
    "AsyncIterable", "AsyncGenerator", "deque", "Deque", "AbstractSet",
])  # fmt: skip
_MAPPINGS = frozenset([
    "dict", "Dict", "Mapping", "MutableMapping", "defaultdict", "DefaultDict", "OrderedDict",
])  # fmt: skip
_CLASSES = frozenset(["type", "Type"])


class Types:
    """Reads annotations."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[tuple[ast.expr, Scope], Value] = {}

    def of(self, node: ast.expr | None, scope: Scope, receiver: Value | None = None) -> Value:
        """Return an object of the type that `node` declares."""
        if node is None:
            return UNKNOWN
        if isinstance(node, ast.Name | ast.Constant) and _last(node) == "Self":
            return UNKNOWN if receiver is None else receiver
        key = (node, scope)
        if key not in self._known:
            self._known[key] = UNKNOWN
            self._known[key] = self._read(node, scope)
        return self._known[key]

    def _read(self, node: ast.expr, scope: Scope) -> Value:
        match node:
            case ast.Constant(value=str(text)):
                parsed = _parsed(text)
                return UNKNOWN if parsed is None else self._read(parsed, scope)
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return union(self._read(left, scope), self._read(right, scope))
            case ast.Subscript(value=outer, slice=inner):
                return self._subscripted(outer, inner, scope)
            case ast.Name() | ast.Attribute():
                return self.instance(self._value(node, scope))
        return UNKNOWN

    def _subscripted(self, outer: ast.expr, inner: ast.expr, scope: Scope) -> Value:
        name = _last(outer)
        arguments = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        if name == "Union":
            return union(*[self._read(one, scope) for one in arguments])
        if name in _TRANSPARENT:
            index = -1 if name == "Coroutine" else 0
            return self._read(arguments[index], scope)
        if name in {"tuple", "Tuple"} and not _is_ellipsis(arguments[-1]):
            return Items(tuple([self._read(one, scope) for one in arguments]))
        if name in _CONTAINERS:
            return Items((self._read(arguments[0], scope),))
        if name in _MAPPINGS:
            return Table(((None, self._read(arguments[-1], scope)),))
        if name in _CLASSES:
            return self._value(arguments[0], scope)
        return self.instance(self._value(outer, scope))

    def _value(self, node: ast.expr, scope: Scope) -> Value:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            parsed = _parsed(node.value)
            return UNKNOWN if parsed is None else self._value(parsed, scope)
        alias = self._engine.alias(node, scope)
        if alias is not None:
            return self.of(*alias)
        return self._engine.evaluate(self._engine.quiet(scope), node)

    def instance(self, value: Value) -> Value:
        """Return an object of the class `value`."""
        found: list[Value] = []
        for option in options_of(value):
            match option:
                case ClassValue(cls=cls):
                    found.append(Instance(cls))
                case External(name=name) if not name.startswith(("builtins.", "typing.")):
                    found.append(Object(name))
                case Instance() | Object() | Items() | Table():
                    found.append(option)
                case _:
                    pass
        return union(*found)


def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def _last(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Constant(value=str(text)):
            return text
    return ""
