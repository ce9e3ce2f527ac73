"""Parameters: the variables of a function when it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._values import (
    UNKNOWN,
    Arguments,
    Constant,
    Instance,
    Items,
    Named,
    Object,
    Table,
    Value,
    options_of,
    union,
)

if TYPE_CHECKING:
    from headrace_inspect._symbols._entities import Function

    from ._engine import Engine


def parameters(
    engine: Engine,
    function: Function,
    receiver: Value | None,
    arguments: Arguments,
    keywords: Named,
) -> dict[str, Value]:
    """Return the variables that the body of `function` begins with."""
    node = function.node.args
    if receiver is not None and function.owner is not None:
        arguments = (receiver, *arguments)
    named = dict(keywords)
    variables: dict[str, Value] = {}
    for number, one in enumerate(function.parameters):
        if one.is_positional and number < len(arguments):
            value = arguments[number]
            named.pop(one.name, None)
        else:
            given = named.pop(one.name, None)
            value = engine.default(one.default, function.scope) if given is None else given
        if one.annotation is not None and _is_vague(value):
            declared = engine.types.of(one.annotation, function.scope, receiver)
            is_object = any(isinstance(option, Instance) for option in options_of(declared))
            value = declared if is_object else union(value, declared)
        variables[one.name] = value
    if node.vararg is not None:
        variables[node.vararg.arg] = Items(arguments[len(node.posonlyargs + node.args) :])
    if node.kwarg is not None:
        variables[node.kwarg.arg] = Table(tuple(named.items()))
    return variables


def _is_vague(value: Value) -> bool:
    return all(
        isinstance(option, Constant | Object | Items | Table) or option is UNKNOWN
        for option in options_of(value)
    )
