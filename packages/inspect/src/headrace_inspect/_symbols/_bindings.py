"""Collects what the names of a module or class body are bound to."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from ._entities import Assignment, Binding, Class, FunctionNode, Import, Module, Parameter

_BLOCKS = (
    ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar,
    ast.Match,
)  # fmt: skip


def bind_module(module: Module) -> None:
    """Fill in the bindings and star imports of `module`."""
    for name, binding in bindings_in(module.tree.body):
        if name == "*" and isinstance(binding, Import):
            module.stars.append(binding)
        else:
            module.bindings.setdefault(name, []).append(binding)


def bindings_in(body: Iterable[ast.stmt]) -> Iterable[tuple[str, Binding]]:
    """Yield the names that the statements bind, nested blocks included."""
    for statement in body:
        match statement:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield statement.name, statement
            case ast.Import() | ast.ImportFrom():
                yield from _imported(statement)
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    yield from _assigned(target, value, None, ())
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                yield name, Assignment(value, annotation)
            case _:
                for block in _blocks_in(statement):
                    yield from bindings_in(block)


def _blocks_in(statement: ast.stmt) -> Iterable[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        yield getattr(statement, name, [])
    for name in ("handlers", "cases"):
        for part in getattr(statement, name, ()):
            yield part.body


def _imported(statement: ast.Import | ast.ImportFrom) -> Iterable[tuple[str, Binding]]:
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            if alias.asname:
                yield alias.asname, Import(alias.name, None, 0)
            else:
                top = alias.name.split(".", 1)[0]
                yield top, Import(top, None, 0)
        return
    for alias in statement.names:
        made = Import(statement.module or "", alias.name, statement.level)
        yield alias.asname or alias.name, made


def _assigned(
    target: ast.expr, value: ast.expr, annotation: ast.expr | None, path: tuple[int, ...]
) -> Iterable[tuple[str, Binding]]:
    if isinstance(target, ast.Name):
        yield target.id, Assignment(value, annotation, path)
    elif isinstance(target, ast.Tuple | ast.List):
        for index, element in enumerate(target.elts):
            yield from _assigned(element, value, None, (*path, index))


def statements_in(body: Iterable[ast.stmt]) -> Iterable[ast.stmt]:
    """Yield the statements of a body, nested blocks included, without functions and classes."""
    for statement in body:
        yield statement
        if isinstance(statement, _BLOCKS):
            for block in _blocks_in(statement):
                yield from statements_in(block)


def is_generator(node: FunctionNode) -> bool:
    """Tell whether the function has a ``yield`` where one usually stands.

    Only statements are looked at, not each expression in them: that takes a tenth of the time.
    """
    if isinstance(node, ast.Lambda):
        return False
    for statement in statements_in(node.body):
        value = getattr(statement, "value", None)
        if isinstance(value, ast.Await):
            value = value.value
        if isinstance(value, ast.Yield | ast.YieldFrom):
            return True
    return False


def names_in(node: ast.AST) -> frozenset[str]:
    """Return the names that are read anywhere in `node`."""
    return frozenset([
        one.id
        for one in ast.walk(node)
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)
    ])


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


def stored_attributes(cls: Class) -> dict[str, list[FunctionNode]]:
    """Return the attributes that methods of `cls` store in its objects, and these methods."""
    found: dict[str, list[FunctionNode]] = {}
    for node in [binding for bindings in cls.members.values() for binding in bindings]:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        first = next(iter([*node.args.posonlyargs, *node.args.args]), None)
        for statement in statements_in(node.body):
            targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
            for target in targets:
                for one in getattr(target, "elts", [target]):
                    match one:
                        case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                            methods = found.setdefault(attribute, [])
                            if first is not None and name == first.arg and node not in methods:
                                methods.append(node)
                        case _:
                            pass
    return found
