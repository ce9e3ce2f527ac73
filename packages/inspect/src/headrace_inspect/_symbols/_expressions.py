"""Converts expressions of syntax trees."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

from ._syntax import Expr, is_active

_MAX_LENGTH = 200
OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.BitOr: "|", ast.RShift: ">", ast.Mod: "%",
}  # fmt: skip


class Expressions(ABC):
    """Converts the expressions of one file.

    Attributes:
        prefix: the dotted name of the scope, with a trailing dot.
        names: the names read so far in the function and its nested functions.
        first: the first parameter of the method; `own` holds the attributes read from it.
        has_yield: whether the function yields.
    """

    def __init__(self) -> None:
        self.functions: list[Any] = []
        self.classes: list[Any] = []
        self.prefix, self.owner, self.outer = "", -1, -1
        self.names: set[str] = set()
        self.first, self.own, self.tested = "", set[str](), set[str]()
        self.has_yield = False

    @abstractmethod
    def lambda_(self, node: ast.Lambda) -> Expr:
        """Convert a lambda."""

    # --- expressions ------------------------------------------------------------------------------

    def expr(self, node: ast.expr | None) -> Expr:
        """Convert an expression."""
        if node is None:
            return None
        handler = EXPRESSIONS.get(type(node))
        return self.others(ast.iter_child_nodes(node)) if handler is None else handler(self, node)

    def all(self, nodes: Iterable[ast.expr | None]) -> tuple[Expr, ...]:
        """Convert several expressions."""
        return tuple([self.expr(node) for node in nodes])

    def others(self, nodes: Iterable[ast.AST]) -> Expr:
        """Keep only the parts of an otherwise unknown expression that may run code."""
        read = [self.expr(one) for one in nodes if isinstance(one, ast.expr)]
        found = tuple([one for one in read if is_active(one)])
        return ("x", found) if found else None

    def name(self, node: ast.Name) -> Expr:
        self.names.add(node.id)
        return node.id

    def constant(self, node: ast.Constant) -> Expr:
        value = node.value
        if type(value) is str:
            return ("k", value) if len(value) <= _MAX_LENGTH else None
        return ("k", value) if value is None or type(value) in {bool, int, float} else None

    def attribute(self, node: ast.Attribute) -> Expr:
        if getattr(node.value, "id", None) == self.first:
            self.own.add(node.attr)
        return ("a", self.expr(node.value), node.attr, node.end_lineno)

    def call(self, node: ast.Call) -> Expr:
        if getattr(node.func, "id", "") == "super":
            self.own.add("super")
        func, named = node.func, tuple([(one.arg, self.expr(one.value)) for one in node.keywords])
        where = (func.end_lineno or func.lineno, func.end_col_offset or 0)
        return ("c", *where, self.expr(func), self.all(node.args), named)

    def items(self, node: ast.List | ast.Tuple | ast.Set) -> Expr:
        return ("l", node.lineno, node.col_offset, self.all(node.elts))

    def dict(self, node: ast.Dict) -> Expr:
        keys = ["**" if key is None else self.expr(key) for key in node.keys]
        pairs = tuple(zip(keys, self.all(node.values), strict=True))
        return ("d", node.lineno, node.col_offset, pairs)

    def comprehension(self, node: Any) -> Expr:
        generators = tuple([
            (self.expr(one.target), self.expr(one.iter), self.others(one.ifs))
            for one in node.generators
        ])
        if isinstance(node, ast.DictComp):
            return ("G", ("l", 0, 0, self.all([node.key, node.value])), generators)
        is_lazy = isinstance(node, ast.GeneratorExp)
        return ("g", self.expr(node.elt), generators, is_lazy, node.lineno, node.col_offset)

    def operation(self, node: ast.BinOp) -> Expr:
        tag = OPERATORS.get(type(node.op))
        if tag is None:
            return self.others([node.left, node.right])
        waiting = [node]  # left-nested operands: avoid recursion
        while isinstance(left := waiting[-1].left, ast.BinOp) and type(left.op) is type(node.op):
            waiting.append(left)
        found = self.expr(waiting[-1].left)
        for one in reversed(waiting):
            found = (tag, found, self.expr(one.right))
        return found

    def unary(self, node: ast.UnaryOp) -> Expr:
        inner = self.expr(node.operand)
        return ("!", inner) if isinstance(node.op, ast.Not) else None if inner is None else inner

    def compare(self, node: ast.Compare) -> Expr:
        first = node.comparators[0]
        if isinstance(node.ops[0], ast.Is | ast.IsNot) and getattr(first, "value", 0) is None:
            return ("is", self.expr(node.left), isinstance(node.ops[0], ast.Is))
        return self.others([node.left, *node.comparators])

    def yield_(self, node: ast.Yield | ast.YieldFrom) -> Expr:
        self.has_yield = True
        return ("y" if isinstance(node, ast.Yield) else "Y", self.expr(node.value))

    def text(self, node: ast.JoinedStr) -> Expr:
        return ("t", self.all([getattr(one, "value", None) if isinstance(one, ast.FormattedValue)
                               else one for one in node.values]))  # fmt: skip


EXPRESSIONS: dict[type[ast.AST], Callable[[Expressions, Any], Expr]] = {
    ast.Name: Expressions.name,
    ast.Constant: Expressions.constant,
    ast.Attribute: Expressions.attribute,
    ast.Call: Expressions.call,
    ast.List: Expressions.items,
    ast.Tuple: Expressions.items,
    ast.Set: Expressions.items,
    ast.Dict: Expressions.dict,
    ast.ListComp: Expressions.comprehension,
    ast.SetComp: Expressions.comprehension,
    ast.GeneratorExp: Expressions.comprehension,
    ast.DictComp: Expressions.comprehension,
    ast.BinOp: Expressions.operation,
    ast.UnaryOp: Expressions.unary,
    ast.Compare: Expressions.compare,
    ast.Yield: Expressions.yield_,
    ast.YieldFrom: Expressions.yield_,
    ast.JoinedStr: Expressions.text,
    ast.Lambda: lambda reader, node: reader.lambda_(node),
    ast.Await: lambda reader, node: ("w", reader.expr(node.value)),
    ast.Starred: lambda reader, node: ("*", reader.expr(node.value)),
    ast.BoolOp: lambda reader, node: ("o", reader.all(node.values), isinstance(node.op, ast.Or)),
    ast.IfExp: lambda reader, node: ("?", *reader.all([node.test, node.body, node.orelse])),
    ast.Subscript: lambda reader, node: ("s", reader.expr(node.value), reader.expr(node.slice)),
    ast.NamedExpr: lambda reader, node: (":=", node.target.id, reader.expr(node.value)),
    ast.Slice: lambda reader, node: ("x", ()),
}
