"""The syntax of a file, reduced to what evaluation needs: plain tuples.

An expression is None if it is unknown, a string for a name, or else a tuple that starts with its
tag. A statement is a tuple that starts with its tag:

=====================================  =================================================
``("k", value)``                       a string, number, boolean or None
``("a", owner, name, line)``           an attribute
``("c", line, column, f, args, kw)``   a call; the line is that of the called name
``("l", line, column, items)``         a list, tuple or set
``("d", line, column, pairs)``         a mapping; the key of ``**mapping`` is ``"**"``
``("s", owner, key)``                  a subscript
``("f", number)``                      a lambda, by its number among the functions
``("*", e)`` ``("w", e)`` ``("y", e)`` starred, awaited, yielded; ``("Y", e)`` yields from
``("?", test, a, b)``                  a conditional expression; ``("o", all, is_or)``
``("+", a, b)`` ``("|", a, b)``        operators that library objects define
``("!", e)`` ``("is", e, is_none)``    a negation, a comparison with None
``("t", parts)`` ``(":=", name, e)``   an f-string, an assignment expression
``("g", element, all, is_lazy, ...)``  a comprehension, its line and column; ``"G"``: of a mapping
``("x", all)``                         anything else, by the parts that may run code
``("=", targets, e)``                  an assignment; ``(":", target, annotation, e)``
``("e", e)`` ``("r", e)``              an expression, a return; ``("raise", e)``
``("if", test, body, rest)``           also ``("while", test, body, rest, is_endless)``
``("for", line, target, e, ...)``      with body and ``else``; ``("leave",)`` ends an iteration
``("try", body, all, rest, end)``      a handler is the name that it binds, and a body
``("with", line, items, body)``        each item is an expression and a target
``("match", e, cases)``                each case is names, guard, body, and whether it matches all
``("def", n)`` ``("class", n)``        definitions, by number; ``("import", bound)``
=====================================  =================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

Expr = Any
Statement = tuple[Any, ...]
Block = tuple[Statement, ...]
Imported = tuple[str, str, str | None, int]
"""A name that an import binds: the name, the module, the imported name, and the leading dots."""


_BLOCKS = {"if": (2, 3), "while": (2, 3), "for": (4, 5), "try": (1, 3, 4), "with": (3,)}


class FunctionSyntax(NamedTuple):
    """A function or lambda.

    Attributes:
        owner: the number of the class that defines it as a method, or -1.
        outer: the number of the enclosing function, or -1.
        parameters: name, annotation, default, and whether it accepts a positional argument.
        only_positional: the number of positional-only parameters.
        free: the names that it reads, if it is nested in another function.
        own: the attributes that it reads from its first parameter; ``super`` if it calls that.
        tested: the names that its conditions test.
    """

    name: str
    qualname: str
    line: int
    owner: int
    outer: int
    parameters: tuple[tuple[str, Expr, Expr, bool], ...]
    only_positional: int
    vararg: str | None
    kwarg: str | None
    decorators: tuple[tuple[int, Expr], ...]
    returns: Expr
    body: Block
    is_async: bool
    is_generator: bool
    is_abstract: bool
    free: tuple[str, ...]
    own: tuple[str, ...]
    tested: tuple[str, ...]


class ClassSyntax(NamedTuple):
    """A class; `outer` is the number of the enclosing class, or -1."""

    name: str
    qualname: str
    line: int
    outer: int
    bases: tuple[Expr, ...]
    keywords: tuple[tuple[str | None, Expr], ...]
    decorators: tuple[tuple[int, Expr], ...]
    body: Block


class FileSyntax(NamedTuple):
    """The top-level statements of a file, and all its functions and classes."""

    body: Block
    functions: tuple[FunctionSyntax, ...]
    classes: tuple[ClassSyntax, ...]


def is_active(node: Expr) -> bool:
    """Tell whether evaluating an expression may run code."""
    return type(node) is tuple and node[0] != "k"


def blocks_of(statement: Statement) -> Iterator[Block]:
    """Yield the blocks nested in a statement."""
    for place in _BLOCKS.get(statement[0], ()):
        yield statement[place]
    if statement[0] == "try":
        yield from [body for _, body in statement[2]]
    elif statement[0] == "match":
        yield from [body for _, _, body, _ in statement[2]]
