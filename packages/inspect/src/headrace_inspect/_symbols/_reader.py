"""Converts syntax trees to the statements, functions and classes that evaluation needs."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ._expressions import OPERATORS, Expressions
from ._syntax import (
    Block,
    ClassSyntax,
    Expr,
    FileSyntax,
    FunctionSyntax,
    Imported,
    Statement,
    is_active,
)


def syntax_of(tree: ast.Module) -> FileSyntax:
    """Convert the syntax tree of a file."""
    reader = Reader()
    body = reader.block(tree.body)
    return FileSyntax(body, tuple(reader.functions), tuple(reader.classes))


class Reader(Expressions):
    """Converts the statements of one file."""

    def lambda_(self, node: ast.Lambda) -> Expr:
        return ("f", self.function(node, "<lambda>", [], lambda: (("r", self.expr(node.body)),)))

    def block(self, body: Iterable[ast.stmt]) -> Block:
        """Convert statements, without those that have no effect on the analysis."""
        found: list[Statement] = []
        for node in body:
            handler = _STATEMENTS.get(type(node))
            made = None if handler is None else handler(self, node)
            if made is not None:
                found.append(made)
        return tuple(found)

    def expression(self, node: ast.Expr | ast.Assert) -> Statement | None:
        made = self.expr(node.value if isinstance(node, ast.Expr) else node.test)
        return ("e", made) if is_active(made) else None

    def assign(self, node: ast.Assign) -> Statement:
        return ("=", self.all(node.targets), self.expr(node.value))

    def annotated(self, node: ast.AnnAssign) -> Statement:
        return (":", self.expr(node.target), self.annotation(node.annotation),
                self.expr(node.value), node.value is not None)  # fmt: skip

    def augmented(self, node: ast.AugAssign) -> Statement:
        target, value = self.expr(node.target), self.expr(node.value)
        tag = OPERATORS.get(type(node.op))
        return ("=", (target,), (tag, target, value) if tag else ("x", (value,)))

    def annotation(self, node: ast.expr | None) -> Expr:
        """Convert an annotation; a string is parsed first."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                node = ast.parse(node.value.strip(), mode="eval").body
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return None
        return self.expr(node)

    def if_(self, node: ast.If) -> Statement:
        test = self.expr(node.test)
        self.tested.update(_tested_in(test))
        return ("if", test, self.block(node.body), self.block(node.orelse))

    def for_(self, node: ast.For | ast.AsyncFor) -> Statement:
        made = self.expr(node.target), self.expr(node.iter)
        return ("for", node.lineno, *made, self.block(node.body), self.block(node.orelse))

    def while_(self, node: ast.While) -> Statement:
        is_endless = isinstance(node.test, ast.Constant) and bool(node.test.value)
        made = self.expr(node.test), self.block(node.body), self.block(node.orelse)
        return ("while", *made, is_endless)

    def try_(self, node: ast.Try | ast.TryStar) -> Statement:
        handlers = tuple([(one.name, self.block(one.body)) for one in node.handlers])
        ends = self.block(node.orelse), self.block(node.finalbody)
        return ("try", self.block(node.body), handlers, *ends)

    def with_(self, node: ast.With | ast.AsyncWith) -> Statement:
        items = [(self.expr(one.context_expr), self.expr(one.optional_vars)) for one in node.items]
        line = node.items[0].context_expr.lineno
        return ("with", line, tuple(items), self.block(node.body))

    def match_(self, node: ast.Match) -> Statement:
        cases = []
        for case in node.cases:
            named = [getattr(one, "name", None) or getattr(one, "rest", None)
                     for one in ast.walk(case.pattern)]  # fmt: skip
            top = case.pattern
            matches_all = isinstance(top, ast.MatchAs) and top.pattern is None and not case.guard
            names = tuple([name for name in named if name])
            cases.append((names, self.expr(case.guard), self.block(case.body), matches_all))
        return ("match", self.expr(node.subject), tuple(cases))

    def import_(self, node: ast.Import | ast.ImportFrom) -> Statement:
        bound: list[Imported] = []
        for one in node.names:
            if isinstance(node, ast.ImportFrom):
                bound.append((one.asname or one.name, node.module or "", one.name, node.level))
            else:
                top = one.name.split(".", 1)[0]
                bound.append((one.asname or top, one.name if one.asname else top, None, 0))
        return ("import", tuple(bound))

    # --- definitions ------------------------------------------------------------------------------

    def define(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Statement:
        return ("def", self.function(node, node.name, node.decorator_list,
                                     lambda: self.block(node.body)))  # fmt: skip

    def function(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
        name: str,
        decorated: list[ast.expr],
        read: Callable[[], Block],
    ) -> int:
        """Convert a function, and return its number."""
        given, number = node.args, len(self.functions)
        self.functions.append(None)
        decorators = tuple([(one.lineno, self.expr(one)) for one in decorated])
        positional = [*given.posonlyargs, *given.args]
        defaults = [*[None] * (len(positional) - len(given.defaults)), *given.defaults]
        parameters = tuple([
            (one.arg, self.annotation(one.annotation),
             self.expr(default) if default is None else (self.expr(default) or ("x", ())),
             place < len(positional))
            for place, (one, default) in enumerate(
                zip([*positional, *given.kwonlyargs], [*defaults, *given.kw_defaults], strict=True)
            )
        ])  # fmt: skip
        returns = self.annotation(getattr(node, "returns", None))
        kept = self.prefix, self.owner, self.outer, self.names, self.has_yield
        kept_more, self.tested = (self.first, self.own, self.tested), set()
        owner, outer, qualname = self.owner, self.outer, f"{self.prefix}{name}"
        self.prefix, self.owner, self.outer = f"{qualname}.", -1, number
        self.names, self.has_yield = set(), False
        if owner >= 0 and parameters:
            self.first, self.own = parameters[0][0], set()
        body, own = read(), tuple(sorted(self.own)) if owner >= 0 else ()
        names, has_yield = self.names, self.has_yield
        self.prefix, self.owner, self.outer, self.names, self.has_yield = kept
        tested, (self.first, self.own, self.tested) = tuple(sorted(self.tested)), kept_more
        self.names |= names
        is_inner = outer >= 0 or isinstance(node, ast.Lambda)
        self.functions[number] = FunctionSyntax(
            name, qualname, node.lineno, owner, outer, parameters, len(given.posonlyargs),
            given.vararg.arg if given.vararg else None, given.kwarg.arg if given.kwarg else None,
            decorators, returns, body, isinstance(node, ast.AsyncFunctionDef), has_yield,
            _is_abstract(node), tuple(sorted(names)) if is_inner else (), own, tested,
        )  # fmt: skip
        return number

    def class_(self, node: ast.ClassDef) -> Statement:
        number = len(self.classes)
        self.classes.append(None)
        decorators = tuple([(one.lineno, self.expr(one)) for one in node.decorator_list])
        bases = self.all(node.bases)
        keywords = tuple([(one.arg, self.expr(one.value)) for one in node.keywords])
        kept = self.prefix, self.owner, self.outer
        outer, qualname = self.owner, f"{self.prefix}{node.name}"
        self.prefix, self.owner = f"{qualname}.", number
        body = self.block(node.body)
        self.prefix, self.owner, self.outer = kept
        self.classes[number] = ClassSyntax(
            node.name, qualname, node.lineno, outer, bases, keywords, decorators, body
        )
        return ("class", number)


def _tested_in(test: Expr) -> Iterator[str]:
    """Yield the names that a condition tests."""
    match test:
        case str():
            yield test
        case ("!", inner) | ("is", inner, _):
            yield from _tested_in(inner)
        case ("o", values, _):
            for one in values:
                yield from _tested_in(one)


def _is_abstract(node: ast.AST) -> bool:
    """Tell whether a body ends by raising ``NotImplementedError``."""
    body: list[ast.stmt] = [] if isinstance(node, ast.Lambda) else getattr(node, "body", [])
    last = body[-1] if body else None
    return isinstance(last, ast.Raise) and "NotImplementedError" in ast.dump(last)


_STATEMENTS: dict[type[ast.stmt], Callable[[Reader, Any], Statement | None]] = {
    ast.Expr: Reader.expression,
    ast.Assert: Reader.expression,
    ast.Assign: Reader.assign,
    ast.AnnAssign: Reader.annotated,
    ast.AugAssign: Reader.augmented,
    ast.Return: lambda reader, node: ("r", reader.expr(node.value)),
    ast.Raise: lambda reader, node: ("raise", reader.expr(node.exc)),
    ast.If: Reader.if_,
    ast.For: Reader.for_,
    ast.AsyncFor: Reader.for_,
    ast.While: Reader.while_,
    ast.Break: lambda reader, node: ("leave",),
    ast.Continue: lambda reader, node: ("leave",),
    ast.Try: Reader.try_,
    ast.TryStar: Reader.try_,
    ast.With: Reader.with_,
    ast.AsyncWith: Reader.with_,
    ast.Match: Reader.match_,
    ast.Import: Reader.import_,
    ast.ImportFrom: Reader.import_,
    ast.FunctionDef: Reader.define,
    ast.AsyncFunctionDef: Reader.define,
    ast.ClassDef: Reader.class_,
}
