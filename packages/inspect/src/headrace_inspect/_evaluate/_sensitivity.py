"""Context sensitivity: how much of its arguments tells one evaluation of a function from another.

The first contexts of a function know everything. More of them tell apart what can be called, the
classes of objects, and texts that may be names; and after these only what can be called.
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
    Table,
    Value,
    Wrapper,
    shallow,
)

if TYPE_CHECKING:
    from headrace_inspect._symbols._entities import Class

_DETAILED = 2
_SIMPLE = 8


def generalised(value: Value, count: int) -> Value:
    """Return what the context after `count` others of a function knows of an argument."""
    if count >= _SIMPLE:
        is_callable = isinstance(value, FunctionValue | ClassValue | Partial | Wrapper)
        return shallow(value, 3) if is_callable else UNKNOWN
    return shallow(_without_data(value) if count >= _DETAILED else value, 3)


def generalised_receiver(value: Value | None, owner: Class | None, count: int) -> Value | None:
    """Return the same of the object whose method it is, which the class `owner` defines."""
    if value is None or not isinstance(value, Instance) or count < _SIMPLE:
        return None if value is None else generalised(value, min(count, _SIMPLE - 1))
    return Instance(owner or value.cls)


def generalised_names(values: Named, count: int) -> Named:
    """Return the same of named arguments."""
    return tuple([(name, generalised(one, count)) for name, one in values])


def generalised_all(values: Arguments, count: int) -> Arguments:
    """Return the same of several arguments."""
    return tuple([generalised(one, count) for one in values])


def _without_data(value: Value) -> Value:
    match value:
        case Constant(value=str(text)) if " " not in text:  # a name or an address, perhaps
            return value
        case Constant() | Object() | Items() | Table():
            return UNKNOWN
        case Instance(cls=cls, fields=fields):
            kept = [
                (name, one) for name, one in fields if isinstance(one, FunctionValue | ClassValue)
            ]
            return Instance(cls, fields=tuple(kept))
    return value
