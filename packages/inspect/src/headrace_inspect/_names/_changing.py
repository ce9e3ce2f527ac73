"""Which names a module changes after they were bound: lists that grow, attributes set from outside.

Told by names alone, and so for every variable and attribute of that name.
"""

from __future__ import annotations

import ast
from typing import Any, NamedTuple

from ._survey import fields_of

GROWING = frozenset([
    "add",
    "append",
    "appendleft",
    "extend",
    "insert",
    "setdefault",
    "update",
])
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_CHANGING = frozenset([ast.Assign, ast.AugAssign, ast.Call, ast.Subscript])


class Changes(NamedTuple):
    """What a module changes.

    Attributes:
        grown: the names of what its functions put something into.
        grown_at_top: those that it puts something into while it is imported.
        patched: the attributes that it sets on something that is not ``self``.
        rebound: the variables that functions set from within, by ``global`` or ``nonlocal``.
    """

    grown: frozenset[str]
    grown_at_top: frozenset[str]
    patched: frozenset[str]
    rebound: frozenset[str]


def changes_in(tree: ast.Module) -> Changes:  # noqa: C901 - one walk, for speed
    """Return what a module changes."""
    grown: set[str] = set()
    grown_at_top: set[str] = set()
    patched: set[str] = set()
    rebound: set[str] = set()
    waiting: list[tuple[Any, bool]] = [(tree, True)]
    while waiting:
        node, is_top = waiting.pop()
        kind = type(node)
        if kind in _CHANGING:
            target = _grown_by(node)
            if target is not None:
                (grown_at_top if is_top else grown).add(_name_of(target))
            for one in _targets_of(node):
                if isinstance(one, ast.Attribute) and getattr(one.value, "id", "") != "self":
                    patched.add(one.attr)
        elif kind is ast.Global or kind is ast.Nonlocal:
            rebound.update(node.names)
        elif kind in _FUNCTIONS:
            is_top = False
        for field in fields_of(kind):
            value = getattr(node, field, None)
            if type(value) is list:
                waiting.extend([(one, is_top) for one in value if isinstance(one, ast.AST)])
            elif isinstance(value, ast.AST):
                waiting.append((value, is_top))
    sets = (grown, grown_at_top, patched, rebound)
    return Changes(*map(frozenset, sets))


def _grown_by(node: ast.AST) -> ast.expr | None:
    match node:
        case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in GROWING:
            return value
        case ast.Subscript(value=value, ctx=ast.Store()):
            return value
        case ast.AugAssign(target=target):
            return target
    return None


def _targets_of(node: ast.AST) -> list[ast.expr]:
    return node.targets if isinstance(node, ast.Assign) else []


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
