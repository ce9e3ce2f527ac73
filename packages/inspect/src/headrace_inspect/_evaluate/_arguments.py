"""Arguments: the variables that a body begins with, and what tells its evaluations apart.

The first evaluations of a function know what can be called, the classes of objects, and texts that
may be names; those after them only what can be called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._values import (
    UNKNOWN,
    Arguments,
    ClassValue,
    Constant,
    FunctionValue,
    Instance,
    Items,
    Named,
    Object,
    Partial,
    Pending,
    Table,
    Value,
    Wrapper,
    options_of,
    shallow,
    union,
)

if TYPE_CHECKING:
    from headrace_inspect._symbols._entities import Class, Function

    from ._engine import Engine

_DETAILED = 2
_SIMPLE = 8
_COARSE = 32  # else a method of a base class is evaluated for each of a thousand subclasses
MOST = 256  # else decorators that wrap each other pass on ever longer arguments


def generalised(value: Value, count: int) -> Value:
    """Return what the evaluation after `count` others of a function knows of an argument."""
    if count >= MOST:
        return UNKNOWN
    if count >= _SIMPLE:
        is_callable = isinstance(value, FunctionValue | ClassValue | Partial | Pending | Wrapper)
        return shallow(value, 3) if is_callable else UNKNOWN
    return shallow(_without_data(value) if count >= _DETAILED else value, 3)


def generalised_receiver(value: Value | None, owner: Class | None, count: int) -> Value | None:
    """Return the same of the object whose method it is: its class, which ``super()`` needs.

    After very many evaluations that is `owner`, the class that defines the method.
    """
    if isinstance(value, Instance) and count >= _SIMPLE:
        return Instance(value.cls if owner is None or count < _COARSE else owner)
    return None if value is None else generalised(value, min(count, _SIMPLE - 1))


def _without_data(value: Value) -> Value:
    match value:
        case Constant(value=str(text)) if " " not in text:  # a name or an address, perhaps
            return value
        case Constant(value=bool()):
            return value
        case Constant() | Object() | Items() | Table():
            return UNKNOWN
        case Instance(cls=cls, fields=fields):
            kinds = FunctionValue | ClassValue
            return Instance(cls, fields=tuple([one for one in fields if isinstance(one[1], kinds)]))
    return value


def variables_of(
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
        value = named.pop(one.name, None)
        if one.is_positional and number < len(arguments):
            value = arguments[number]
        if value is None:
            value = engine.default(one.default, function.scope)
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
    kinds = Constant | Object | Items | Table
    return all(isinstance(one, kinds) or one is UNKNOWN for one in options_of(value))
