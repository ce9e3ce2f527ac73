"""Which names a module changes after they were bound: lists that grow, attributes set from outside.

Told by names alone, and so for every variable and attribute of that name.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

GROWING = frozenset([
    "add",
    "append",
    "appendleft",
    "extend",
    "insert",
    "setdefault",
    "update",
])
_REORDERING = frozenset(["clear", "pop", "popitem", "popleft", "remove", "reverse", "sort"])
CHANGING = frozenset([ast.Assign, ast.AugAssign, ast.Call, ast.Subscript])
"""The kinds of nodes that may change something."""


class Changes(NamedTuple):
    """What a module changes.

    Attributes:
        grown: the names of what its functions put something into.
        grown_at_top: those that it puts something into while it is imported.
        patched: the attributes that it sets on something that is not ``self``.
        rebound: the variables that functions set from within, by ``global`` or ``nonlocal``.
    """

    grown: set[str]
    grown_at_top: set[str]
    patched: set[str]
    rebound: set[str]


def grown_by(node: ast.AST) -> str | None:
    """Return the name of what `node` puts something into, or None."""
    match node:
        case ast.Call(func=ast.Attribute(value=target, attr=name)) if name in GROWING | _REORDERING:
            return _name_of(target)
        case ast.Subscript(value=target, ctx=ast.Store()):
            return _name_of(target)
        case ast.AugAssign(target=target):
            return _name_of(target)
    return None


def patched_by(node: ast.AST) -> Iterator[str]:
    """Yield the attributes that `node` sets on something that is not ``self``."""
    for target in node.targets if isinstance(node, ast.Assign) else ():
        if isinstance(target, ast.Attribute) and getattr(target.value, "id", "") != "self":
            yield target.attr


def _name_of(node: ast.expr) -> str:
    """Return the name of the variable or attribute that is changed, itself or within."""
    while True:
        match node:
            case ast.Subscript(value=inner) | ast.Call(func=ast.Attribute(value=inner)):
                node = inner
            case ast.Attribute(attr=name) | ast.Name(id=name):
                return name
            case _:
                return ""
