"""Collects what the names of a module or class body are bound to."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from ._entities import Assignment, Binding, FunctionNode, Import, Module

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


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


def own_nodes(node: FunctionNode) -> Iterable[ast.AST]:
    """Yield the nodes of a function's body, without those of functions and classes in it."""
    waiting: list[ast.AST] = list(node.body) if isinstance(node.body, list) else [node.body]
    while waiting:
        one = waiting.pop()
        yield one
        if isinstance(one, (*_SCOPES, ast.ClassDef)):
            continue
        waiting.extend(ast.iter_child_nodes(one))


def is_generator(node: FunctionNode) -> bool:
    """Tell whether a call of the function makes a generator."""
    return any(isinstance(one, ast.Yield | ast.YieldFrom) for one in own_nodes(node))


def names_in(node: ast.AST) -> frozenset[str]:
    """Return the names that are read anywhere in `node`."""
    return frozenset([
        one.id
        for one in ast.walk(node)
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)
    ])
