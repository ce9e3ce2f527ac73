"""Parameters: what the variables of a function are when it is called."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from ._values import UNKNOWN, Constant, Instance, Items, Object, Table, Value, options_of, union

if TYPE_CHECKING:
    from headrace_inspect._symbols._entities import Function

    from ._engine import Engine


def parameters(
    engine: Engine,
    function: Function,
    receiver: Value | None,
    arguments: tuple[Value, ...],
    keywords: tuple[tuple[str, Value], ...],
) -> dict[str, Value]:
    """Return the variables with which the body of `function` begins."""
    node = function.node.args
    positional = [*node.posonlyargs, *node.args]
    if receiver is not None and function.owner is not None:
        arguments = (receiver, *arguments)
    given = dict(zip([one.arg for one in positional], arguments, strict=False))
    named = {one.arg for one in (*positional, *node.kwonlyargs)}
    given.update((name, value) for name, value in keywords if name in named)
    variables: dict[str, Value] = {}
    defaults = _defaults(node)
    for one in (*positional, *node.kwonlyargs):
        value = given.get(one.arg, UNKNOWN)
        if one.arg not in given and one.arg in defaults:
            value = engine.evaluate(engine.quiet(function.scope), defaults[one.arg])
        variables[one.arg] = _typed(engine, function, one, value, receiver)
    if node.vararg is not None:
        variables[node.vararg.arg] = Items(arguments[len(positional) :])
    if node.kwarg is not None:
        rest = [(name, value) for name, value in keywords if name not in named]
        variables[node.kwarg.arg] = Table(tuple(rest))
    return variables


def _defaults(node: ast.arguments) -> dict[str, ast.expr]:
    positional = [*node.posonlyargs, *node.args]
    names = [one.arg for one in positional[len(positional) - len(node.defaults) :]]
    defaults = dict(zip(names, node.defaults, strict=True))
    for one, default in zip(node.kwonlyargs, node.kw_defaults, strict=True):
        if default is not None:
            defaults[one.arg] = default
    return defaults


def _typed(
    engine: Engine, function: Function, one: ast.arg, value: Value, receiver: Value | None
) -> Value:
    """Return `value`, or what the annotation says where it is not known."""
    if one.annotation is None:
        return value
    if value is not UNKNOWN and not _is_vague(value):
        return value
    declared = engine.types.of(one.annotation, function.scope, receiver)
    return value if declared is UNKNOWN else _prefer(value, declared)


def _is_vague(value: Value) -> bool:
    return all(
        isinstance(option, Constant | Object | Items | Table) for option in options_of(value)
    )


def _prefer(value: Value, declared: Value) -> Value:
    if any(isinstance(option, Instance) for option in options_of(declared)):
        return declared
    return declared if value is UNKNOWN else union(value, declared)
