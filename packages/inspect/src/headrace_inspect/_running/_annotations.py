"""What a name stands for by its annotation."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from headrace_inspect._names._entities import Scope
from headrace_inspect._names._library_values import AnnotatedValue
from headrace_inspect._names._values import (
    NOTHING,
    UNKNOWN,
    ClassValue,
    External,
    Instance,
    Many,
    Value,
    choice_of,
)

if TYPE_CHECKING:
    from ._engine import Engine

_WRAPPERS = frozenset([
    "Annotated",
    "ClassVar",
    "Final",
    "InitVar",
    "Mapped",
    "Optional",
    "Required",
])
_ELEMENTS = frozenset([
    "AsyncIterable",
    "AsyncIterator",
    "Collection",
    "Iterable",
    "Iterator",
    "List",
    "QuerySet",
    "Sequence",
    "Set",
    "deque",
    "frozenset",
    "list",
    "set",
])
_TYPING = ("typing.", "typing_extensions.", "collections.abc.")


def value_of(engine: Engine, annotation: ast.expr | None, scope: Scope) -> Value:
    """Return what a name with this annotation stands for: an instance of what is named."""
    match annotation:
        case ast.Constant(value=str(text)):
            return value_of(engine, _parsed(text), scope)
        case ast.Constant(value=None):
            return NOTHING
        case ast.Name() | ast.Attribute():
            return _instance_of(engine.resolve(engine.evaluate(annotation, scope)))
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return choice_of([value_of(engine, left, scope), value_of(engine, right, scope)])
        case ast.Subscript(value=base, slice=inner):
            return _subscripted(engine, base, inner, scope)
    return UNKNOWN


def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _instance_of(value: Value) -> Value:
    match value:
        case AnnotatedValue(inner=inner):
            return inner
        case ClassValue(cls=cls):
            return Instance(cls, exact=False)
        case External(name=name):
            if name.endswith("()") or name.startswith(_TYPING) or name == "builtins.object":
                return UNKNOWN
            return External(f"{name}()")
    return UNKNOWN


def _subscripted(engine: Engine, base: ast.expr, inner: ast.expr, scope: Scope) -> Value:
    name = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
    first = inner.elts[0] if isinstance(inner, ast.Tuple) and inner.elts else inner
    if name in _WRAPPERS:
        return value_of(engine, first, scope)
    if name in _ELEMENTS:
        element = value_of(engine, first, scope)
        return UNKNOWN if element is UNKNOWN else Many((element,))
    if name == "Union":
        options = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        return choice_of([value_of(engine, option, scope) for option in options])
    if name in {"type", "Type"}:
        return engine.resolve(engine.evaluate(first, scope))
    return value_of(engine, base, scope)
