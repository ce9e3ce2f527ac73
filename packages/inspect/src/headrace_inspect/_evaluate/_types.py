"""Annotations: the objects that they promise."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from headrace_inspect._symbols._entities import Assignment, Import, Module, Scope, module_of

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
    "Awaitable",
])  # fmt: skip
_CONTAINERS = frozenset([
    "list", "List", "set", "Set", "frozenset", "FrozenSet", "tuple", "Tuple", "Sequence",
    "MutableSequence", "Iterable", "Iterator", "Collection", "Generator", "AsyncIterator",
    "AsyncIterable", "AsyncGenerator", "deque", "Deque", "AbstractSet",
])  # fmt: skip
_MAPPINGS = frozenset([
    "dict", "Dict", "Mapping", "MutableMapping", "defaultdict", "DefaultDict", "OrderedDict",
])  # fmt: skip


class Types:
    """Reads annotations."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[tuple[ast.expr, Scope], Value] = {}

    def of(self, node: ast.expr | None, scope: Scope, receiver: Value | None = None) -> Value:
        """Return an object of the type that `node` declares."""
        if node is None:
            return UNKNOWN
        if last_name(node) == "Self":
            return UNKNOWN if receiver is None else receiver
        key = (node, scope)
        if key not in self._known:
            self._known[key] = UNKNOWN
            self._known[key] = self._read(node, scope)
        return self._known[key]

    def _read(self, node: ast.expr, scope: Scope) -> Value:
        match parsed(node):
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return union(self._read(left, scope), self._read(right, scope))
            case ast.Subscript(value=outer, slice=inner):
                return self._subscripted(outer, inner, scope)
            case ast.Name() | ast.Attribute() as name:
                return self.instance(self._value(name, scope))
        return UNKNOWN

    def _subscripted(self, outer: ast.expr, inner: ast.expr, scope: Scope) -> Value:
        name = last_name(outer)
        arguments = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        if not arguments:  # `tuple[()]`, or what no type checker accepts
            return UNKNOWN
        if name == "Union":
            return union(*[self._read(one, scope) for one in arguments])
        if name in _TRANSPARENT:
            return self._read(arguments[0], scope)
        if name == "Coroutine":
            return self._read(arguments[-1], scope)
        if name in {"tuple", "Tuple"} and not _is_ellipsis(arguments[-1]):
            return Items(tuple([self._read(one, scope) for one in arguments]))
        if name in _CONTAINERS:
            return Items((self._read(arguments[0], scope),))
        if name in _MAPPINGS:
            return Table(((None, self._read(arguments[-1], scope)),))
        if name in {"type", "Type"}:
            return self._value(parsed(arguments[0]), scope)
        return self.instance(self._value(outer, scope))

    def _value(self, node: ast.expr, scope: Scope) -> Value:
        alias = self.alias(node, scope)
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

    def alias(self, node: ast.expr, scope: Scope) -> tuple[ast.expr, Scope] | None:
        """Return the annotation that a type alias stands for, and its scope."""
        module = module_of(scope)
        if not isinstance(node, ast.Name):
            return None
        name = node.id
        for _ in range(8):
            match module.bindings.get(name):
                case [Import(name=str(name)) as made]:
                    source = self._engine.program.find(made.module, made.level, module)
                    if not isinstance(source, Module):
                        return None
                    module = source
                case [Assignment(value=ast.Subscript() | ast.BinOp() as value)]:
                    return value, module
                case _:
                    return None
        return None


def parsed(node: ast.expr) -> ast.expr:
    """Return the annotation in a text, or the annotation itself."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return node
    try:
        return ast.parse(node.value.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Constant(None)


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def last_name(node: ast.expr) -> str:
    """Return the last part of a dotted name, or nothing."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Constant(value=str(text)):
            return text
    return ""
