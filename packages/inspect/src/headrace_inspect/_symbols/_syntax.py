"""The syntax of a file, reduced to what evaluation needs: plain tuples that a cache can keep.

The body of a module or of a function is `Code`: its instructions, in the order in which they run,
and the definitions of its variables. An expression is None if it is unknown, a string for a name of
an outer scope, or else a tuple that starts with its tag:

=====================================  =================================================
``("v", name, ids)``                   a variable, by the definitions that may reach it
``("k", value)``                       a string, number, boolean or None
``("a", owner, name, line, op)``       an attribute; `op` is -1 if it is called or assigned
``("c", line, column, f, args, kw, op)``  a call; the line is that of the called name
``("l", line, column, items)``         a list, tuple or set
``("d", line, column, pairs)``         a mapping; the key of ``**mapping`` is ``"**"``
``("s", owner, key)``                  a subscript; the key of a slice is ``("x",)``
``("f", number, captured)``            a lambda, by its number among the functions
``("*", e)`` ``("w", e)``              starred, awaited
``("?", a, b)`` ``("o", all)``         a conditional expression, a boolean operation
``("+", a, b)`` ``("|", a, b)``        operators that library objects define
``("t", parts)``                       an f-string
``("g", e, is_lazy, line, column)``    a comprehension, by its element; ``("G", e)``: a mapping's
=====================================  =================================================

An instruction is whatever may run other code: a call, a read of an attribute, or one of these. Its
last item, `op`, is its number:

=====================================  =================================================
``("enter", line, manager, op)``       also ``("exit", line, manager, enter, op)``
``("iter", line, iterable, op)``       also ``("end", line, iterable, op)``, after the loop
``("set", owner, name, e, path, op)``  an attribute is assigned; `path` unpacks ``e``
``("put", owner, key, e, path, op)``   an item is assigned
``("def", number, captured, op)``      a function is defined; also ``("class", number, op)``
=====================================  =================================================

and a definition one of these:

=====================================  =================================================
``("=", name, e, path, annotation)``   an assignment; `path` unpacks ``e``
``("for", name, e, path)``             an element of ``e``
``("with", name, op, path)``           the value that a context manager provides
``("p", name)``                        a parameter
``("n", name, types, ids)``            a variable whose type ``isinstance`` has narrowed
``("import", name, module, taken, n)`` `taken` is None for the module itself; `n` counts dots
``("def", name, number, captured, op)``  a function; `op` is -1 if defining it runs no other code
``("class", name, number, op)``        a class
``("?", name)``                        unknown
=====================================  =================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

Expr = Any
Instruction = tuple[Any, ...]
Definition = tuple[Any, ...]
Ids = tuple[int, ...]
Condition = tuple[str, bool]
"""A parameter or an attribute such as ``in_atomic_block``, and whether it is true."""


class Code(NamedTuple):
    """The body of a module or of a function.

    A range of instructions is two numbers, of its first instruction and of the one after its last.

    Attributes:
        ops: the instructions.
        definitions: the definitions of variables.
        skips: for an instruction in a branch, the earlier ones on other branches, as a bit mask.
        conditions: what holds where an instruction runs.
        nested: the range of each block, inner ones first, and whether its exceptions are caught.
        blocks: context managers: expression, line, range, and whether the block yields.
        loops: the range of each loop.
        finals: the first instruction of each ``try``, and the range of its ``finally``.
        mentions: for a name, the instructions that mention it, also in their arguments. A colon
            precedes the name of a parameter. A local variable counts as the names in its value.
        derived: for a name, the definitions of globals and members whose values mention it.
        returned: the names mentioned in what is returned, as in `mentions`.
        unused: calls whose results are not used.
        names: for a name, its definitions that are in effect at the end.
        stars: module and number of leading dots of each star import.
        returns: the expressions that are returned.
        yields: the expressions that are yielded, and whether by ``yield from``.
        first: the number of instructions before the first ``yield``; -1 without one.
        is_open: whether the end may be reached.
    """

    ops: tuple[Instruction, ...]
    definitions: tuple[Definition, ...]
    skips: dict[int, int]
    conditions: dict[int, tuple[Condition, ...]]
    nested: tuple[tuple[int, int, bool], ...]
    blocks: tuple[tuple[Expr, int, int, int, bool], ...]
    loops: tuple[tuple[int, int], ...]
    finals: tuple[tuple[int, int, int], ...]
    mentions: dict[str, Ids]
    derived: dict[str, Ids]
    returned: frozenset[str]
    unused: frozenset[int]
    names: dict[str, Ids]
    stars: tuple[tuple[str, int], ...]
    returns: tuple[Expr, ...]
    yields: tuple[tuple[Expr, bool], ...]
    first: int
    is_open: bool


NO_CODE = Code(
    (), (), {}, {}, (), (), (), (), {}, {}, frozenset(), frozenset(), {}, (), (), (), -1, True
)


class FunctionSyntax(NamedTuple):
    """A function or lambda.

    Attributes:
        owner: the number of the class that defines it as a method, or -1.
        outer: the number of the enclosing function, or -1.
        parameters: name, annotation, default, and whether it accepts a positional argument.
        only_positional: the number of positional-only parameters.
        own: the attributes that it uses of its first parameter; ``super`` if it calls that, and
            ``self`` if it passes on the parameter itself.
        stores: the instructions that assign each attribute of its first parameter.
        tested: the parameters that its conditions test.
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
    code: Code
    is_async: bool
    is_abstract: bool
    own: frozenset[str]
    stores: dict[str, Ids]
    tested: frozenset[str]


class ClassSyntax(NamedTuple):
    """A class.

    Attributes:
        outer: the number of the enclosing class, or -1.
        home: the number of the enclosing function, or -1.
        names: the definitions of its members, among those of the enclosing body.
        fields: the members that are annotated, as a dataclass lists them.
    """

    name: str
    qualname: str
    line: int
    outer: int
    home: int
    bases: tuple[Expr, ...]
    keywords: tuple[tuple[str | None, Expr], ...]
    decorators: tuple[tuple[int, Expr], ...]
    names: dict[str, Ids]
    fields: dict[str, Expr]


class FileSyntax(NamedTuple):
    """The top-level code of a file, and all its functions and classes."""

    code: Code
    functions: tuple[FunctionSyntax, ...]
    classes: tuple[ClassSyntax, ...]


def parts_of(node: Any) -> Iterator[Any]:
    """Yield a piece of syntax and all pieces in it."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tuple):
            yield part
            waiting += part[::-1]


def block_around(code: Code, number: int) -> tuple[int, int, bool] | None:
    """Return the innermost of `Code.nested` around an instruction, or None."""
    return next((one for one in code.nested if one[0] <= number < one[1]), None)


def name_of(node: Expr) -> str:
    """Return the last part of a dotted name, empty for anything else."""
    if type(node) is tuple and node[0] in {"a", "v"}:
        node = node[2] if node[0] == "a" else node[1]
    return node if type(node) is str else ""
