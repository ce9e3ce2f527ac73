"""One walk over a function that finds all that is asked of it as a whole."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from typing import Any, NamedTuple

_WORD = re.compile(r"[^\W\d]\w*")
_LONGEST = 300
_SPACE = " "
"""A text with spaces is for people: it is the name of nothing."""
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_IGNORED = frozenset([
    "attr",
    "conversion",
    "ctx",
    "id",
    "kind",
    "level",
    "op",
    "ops",
    "type_comment",
])
_fields: dict[type, tuple[str, ...]] = {}


class Survey(NamedTuple):
    """What a piece of code mentions.

    Attributes:
        names: the names that it reads.
        attributes: the attributes that it reads or writes, and what it imports by name.
        strings: the words in its strings, docstrings excepted.
        yields: whether it yields, nested functions excepted.
    """

    names: frozenset[str]
    attributes: frozenset[str]
    strings: frozenset[str]
    yields: bool

    @property
    def words(self) -> frozenset[str]:
        """The names and the attributes."""
        return self.names | self.attributes

    def mentions(self, own: Collection[str] = ()) -> set[str]:
        """Return what may be meant from elsewhere: names, and attributes with a dot before them.

        A word in a string may be either; it is given as an attribute.

        Args:
            own: the names that are bound by the code itself.
        """
        found = {name for name in self.names if name not in own}
        found.update([f".{word}" for word in self.attributes])
        found.update([f".{word}" for word in self.strings])
        return found


def survey(*roots: ast.AST) -> Survey:  # noqa: C901, PLR0912 - one walk, for speed
    """Return what `roots` mention."""
    names: set[str] = set()
    attributes: set[str] = set()
    strings: set[str] = set()
    yields = False
    waiting: list[tuple[Any, bool]] = [(root, False) for root in roots]
    while waiting:
        node, is_nested = waiting.pop()
        kind = type(node)
        if kind is ast.Name:
            if type(node.ctx) is ast.Load:
                names.add(node.id)
            continue
        if kind is ast.Constant:
            value = node.value
            if type(value) is str and len(value) < _LONGEST and _SPACE not in value:
                strings.update(_WORD.findall(value))
            continue
        if kind is ast.Attribute:
            attributes.add(node.attr)
        elif kind is ast.Expr and type(node.value) is ast.Constant:
            continue
        elif kind is ast.Yield or kind is ast.YieldFrom:
            yields = yields or not is_nested
        elif kind in _FUNCTIONS and node not in roots:
            is_nested = True
        elif kind is ast.alias:
            attributes.add(node.name.rpartition(".")[2])
        for field in fields_of(kind):
            value = getattr(node, field, None)
            if type(value) is list:
                waiting.extend([(one, is_nested) for one in value if isinstance(one, ast.AST)])
            elif isinstance(value, ast.AST):
                waiting.append((value, is_nested))
    return Survey(frozenset(names), frozenset(attributes), frozenset(strings), yields)


def fields_of(kind: type) -> tuple[str, ...]:
    """Return the fields of a kind of node in which there may be other nodes."""
    fields = _fields.get(kind)
    if fields is None:
        own: tuple[str, ...] = getattr(kind, "_fields", ())
        fields = _fields[kind] = tuple(field for field in own if field not in _IGNORED)
    return fields
