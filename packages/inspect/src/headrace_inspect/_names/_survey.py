"""One walk over a function that finds all that is asked of it as a whole."""

from __future__ import annotations

import ast
import re
from typing import Any, NamedTuple

_WORD = re.compile(r"[^\W\d]\w*")
_LONGEST = 300
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_IGNORED = frozenset(["ctx", "op", "ops", "type_comment", "kind", "lineno"])
_fields: dict[type, tuple[str, ...]] = {}


class Survey(NamedTuple):
    """What a piece of code mentions.

    Attributes:
        names: the names that it reads.
        words: the names and attributes that it mentions.
        strings: the words in its strings, docstrings excepted.
        yields: whether it yields, nested functions excepted.
    """

    names: frozenset[str]
    words: frozenset[str]
    strings: frozenset[str]
    yields: bool


def survey(root: ast.AST) -> Survey:  # noqa: C901, PLR0912 - one walk, for speed
    """Return what `root` mentions."""
    names: set[str] = set()
    words: set[str] = set()
    strings: set[str] = set()
    yields = False
    waiting: list[tuple[Any, bool]] = [(root, False)]
    while waiting:
        node, is_nested = waiting.pop()
        kind = type(node)
        if kind is ast.Name:
            words.add(node.id)
            if type(node.ctx) is ast.Load:
                names.add(node.id)
            continue
        if kind is ast.Constant:
            value = node.value
            if type(value) is str and len(value) < _LONGEST:
                strings.update(_WORD.findall(value))
            continue
        if kind is ast.Attribute:
            words.add(node.attr)
        elif kind is ast.Expr and type(node.value) is ast.Constant:
            continue
        elif kind is ast.Yield or kind is ast.YieldFrom:
            yields = yields or not is_nested
        elif kind in _FUNCTIONS and node is not root:
            is_nested = True
        elif kind is ast.alias:
            words.add(node.name.rpartition(".")[2])
            words.add(node.asname or "")
        for field in _fields.get(kind) or _fields_of(kind):
            value = getattr(node, field, None)
            if type(value) is list:
                waiting.extend([(one, is_nested) for one in value if isinstance(one, ast.AST)])
            elif isinstance(value, ast.AST):
                waiting.append((value, is_nested))
    return Survey(frozenset(names), frozenset(words), frozenset(strings), yields)


def _fields_of(kind: type) -> tuple[str, ...]:
    fields: tuple[str, ...] = getattr(kind, "_fields", ())
    _fields[kind] = tuple(field for field in fields if field not in _IGNORED)
    return _fields[kind]
