"""What the statements of a module, class or function body bind and store."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from ._entities import Assignment, Binding, FunctionNode, Import, Module, Parameter

_BLOCKS = (
    ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar,
    ast.Match,
)  # fmt: skip


def statements_in(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a body, nested blocks included, without functions and classes."""
    waiting = [*body][::-1]
    while waiting:
        statement = waiting.pop()
        yield statement
        if isinstance(statement, _BLOCKS):
            parts = [*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())]
            for one in [statement, *parts][::-1]:
                for name in ("finalbody", "orelse", "body"):
                    waiting += getattr(one, name, [])[::-1]


def bind_module(module: Module) -> None:
    """Fill in the bindings and star imports of `module`."""
    for name, binding in bindings_in(module.tree.body):
        if name == "*" and isinstance(binding, Import):
            module.stars.append(binding)
        else:
            module.bindings.setdefault(name, []).append(binding)


def bindings_in(body: Iterable[ast.stmt]) -> Iterator[tuple[str, Binding]]:
    """Yield the names that the statements bind, nested blocks included."""
    for statement in statements_in(body):
        match statement:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield statement.name, statement
            case ast.Import(names=aliases):
                for alias in aliases:
                    top = alias.name.split(".", 1)[0]
                    yield alias.asname or top, Import(alias.name if alias.asname else top, None, 0)
            case ast.ImportFrom(module=source, names=aliases, level=level):
                for alias in aliases:
                    yield alias.asname or alias.name, Import(source or "", alias.name, level)
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    yield from _assigned(target, value, ())
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                yield name, Assignment(value, annotation)
            case _:
                pass


def _assigned(
    target: ast.expr, value: ast.expr, path: tuple[int, ...]
) -> Iterator[tuple[str, Binding]]:
    if isinstance(target, ast.Name):
        yield target.id, Assignment(value, None, path)
    elif isinstance(target, ast.Tuple | ast.List):
        for index, element in enumerate(target.elts):
            yield from _assigned(element, value, (*path, index))


def is_generator(node: FunctionNode) -> bool:
    """Tell whether the function has a ``yield`` where one usually stands: as a statement."""
    for statement in [] if isinstance(node, ast.Lambda) else statements_in(node.body):
        value = getattr(statement, "value", None)
        value = value.value if isinstance(value, ast.Await) else value
        if isinstance(value, ast.Yield | ast.YieldFrom):
            return True
    return False


def names_in(node: ast.AST) -> frozenset[str]:
    """Return the names that are read anywhere in `node`."""
    names = [one for one in ast.walk(node) if isinstance(one, ast.Name)]
    return frozenset([one.id for one in names if isinstance(one.ctx, ast.Load)])


def parameters_of(node: ast.arguments) -> tuple[Parameter, ...]:
    """Return the parameters of a function."""
    positional = [*node.posonlyargs, *node.args]
    missing = [None] * (len(positional) - len(node.defaults))
    defaults = [*missing, *node.defaults, *node.kw_defaults]
    return tuple([
        Parameter(one.arg, one.annotation, default, is_positional=number < len(positional))
        for number, (one, default) in enumerate(
            zip([*positional, *node.kwonlyargs], defaults, strict=True)
        )
    ])
