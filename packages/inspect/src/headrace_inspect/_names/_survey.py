"""One walk over a module that finds all that is asked of it, and of its functions, as a whole."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from typing import Any, NamedTuple

from ._changing import CHANGING, Changes, grown_by, patched_by

_WORD = re.compile(r"[^\W\d]\w*")
_LONGEST = 300
_SPACE = " "
"""A text with spaces is for people: it is the name of nothing."""
_FUNCTIONS = frozenset([ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda])
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


class _Found:
    """What was found in a function, or outside of all, those in it excepted."""

    __slots__ = ("attributes", "names", "node", "outer", "strings", "yields")

    def __init__(self, node: ast.AST, outer: _Found | None) -> None:
        self.node = node
        self.outer = outer
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.strings: set[str] = set()
        self.yields = False

    def pass_on(self) -> None:
        """Add it to what was found around it."""
        if self.outer is not None:
            self.outer.names |= self.names
            self.outer.attributes |= self.attributes
            self.outer.strings |= self.strings

    def survey(self) -> Survey:
        """Return it as it is read."""
        names, attributes = frozenset(self.names), frozenset(self.attributes)
        return Survey(names, attributes, frozenset(self.strings), self.yields)


def survey_module(tree: ast.Module) -> tuple[dict[ast.AST, Survey], Changes]:
    """Return what each function in `tree` mentions, and what the module changes."""
    changes = Changes(set(), set(), set(), set())
    _, *functions = _walk(tree, changes)
    return {found.node: found.survey() for found in functions}, changes


def survey(*roots: ast.AST) -> Survey:
    """Return what `roots` mention."""
    around = _Found(ast.Pass(), None)
    for root in roots:
        found = _walk(root, Changes(set(), set(), set(), set()))[0]
        found.outer = around
        found.pass_on()
        around.yields |= found.yields
    return around.survey()


def _walk(root: ast.AST, changes: Changes) -> list[_Found]:
    """Return what was found in `root` and in each function in it, and note the changes."""
    everything = [_Found(root, None)]
    for found in everything:  # which grows by the functions in it
        everything += [_Found(node, found) for node in _look_through(found, changes)]
    for found in reversed(everything):
        found.pass_on()
    return everything


def _look_through(found: _Found, changes: Changes) -> list[ast.AST]:  # noqa: C901, PLR0912
    """Look through one function, and return those in it: one loop, for speed."""
    names, attributes, strings = found.names, found.attributes, found.strings
    is_top = found.outer is None
    inner: list[ast.AST] = []
    root = found.node
    waiting: list[Any] = [root]
    while waiting:
        node = waiting.pop()
        kind = type(node)
        if kind is ast.Name:
            if type(node.ctx) is ast.Load:
                names.add(node.id)
            continue
        if kind is ast.Attribute:
            attributes.add(node.attr)
            waiting.append(node.value)
            continue
        if kind is ast.Constant:
            value = node.value
            if type(value) is str and len(value) < _LONGEST and _SPACE not in value:
                strings.update(_WORD.findall(value))
            continue
        if kind is ast.Expr and type(node.value) is ast.Constant:
            continue
        if kind in _FUNCTIONS and node is not root:
            inner.append(node)
            continue
        if kind in CHANGING:
            name = grown_by(node)
            if name is not None:
                (changes.grown_at_top if is_top else changes.grown).add(name)
            changes.patched.update(patched_by(node))
        elif kind is ast.Global or kind is ast.Nonlocal:
            changes.rebound.update(node.names)
        elif kind is ast.Yield or kind is ast.YieldFrom:
            found.yields = True
        elif kind is ast.alias:
            attributes.add(node.name.rpartition(".")[2])
        for field in _fields[kind]:
            value = getattr(node, field, None)
            if type(value) is list:
                waiting += value
            elif isinstance(value, ast.AST):
                waiting.append(value)
    return inner


class _Fields(dict[type, tuple[str, ...]]):
    """The fields of each kind of node in which there may be other nodes."""

    def __missing__(self, kind: type) -> tuple[str, ...]:
        own: tuple[str, ...] = getattr(kind, "_fields", ())
        self[kind] = fields = tuple(field for field in own if field not in _IGNORED)
        return fields


_fields = _Fields()
