"""Validation of the arguments of chains and steps."""

from __future__ import annotations

import math
from inspect import (
    CO_ASYNC_GENERATOR,
    CO_COROUTINE,
    CO_GENERATOR,
    isasyncgenfunction,
    isroutine,
)
from types import FunctionType
from typing import Any

from headrace._callables import kind_of as code_flag
from headrace._callables import own_name, without_partials
from headrace._flows.flow import Flow

# What calling a step's function returns; a CHAIN is run instead.
VALUE, COROUTINE, GENERATOR, CHAIN = "value", "coroutine", "generator", "chain"

_KINDS = {0: VALUE, CO_COROUTINE: COROUTINE, CO_GENERATOR: GENERATOR, CO_ASYNC_GENERATOR: GENERATOR}
_FLAGS = CO_COROUTINE | CO_GENERATOR | CO_ASYNC_GENERATOR


def seconds(name: str, value: Any) -> float:
    """Return `value` if it is a number of seconds.

    Raises:
        TypeError: it is not a number.
        ValueError: it is negative, infinite, or not a number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number of seconds, not {value!r}")
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} must be a number of seconds, 0 or more, not {value!r}")
    return value


def key(name: str, value: Any) -> str:
    """Return `value` if it is a key of the context.

    Raises:
        TypeError: it is not a string.
        ValueError: it is empty or contains a dot, so no reference could reach it.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a key of the context, a str, not {value!r}")
    if not value or "." in value:
        raise ValueError(
            f"{name} must be a key of the context that references can reach; {value!r} "
            f"{'contains a dot, which separates the parts of a reference' if value else 'is empty'}"
        )
    return value


def text(name: str, value: Any) -> str:
    """Return `value` if it is a name.

    Raises:
        TypeError: it is not a string.
        ValueError: it is empty.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {value!r}")
    if not value.strip():
        raise ValueError(f"{name} must not be empty")
    return value


def flag(name: str, value: Any) -> bool:
    """Return `value` if it is True or False.

    Raises:
        TypeError: it is neither.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, not {value!r}")
    return value


def function(name: str, value: Any, *, awaits: bool) -> Any:
    """Return `value` if it is a function or None.

    Args:
        name: the argument's name.
        value: the argument.
        awaits: whether it may be a coroutine function.

    Raises:
        TypeError: it is not callable, or the chain cannot await it.
    """
    if value is None:
        return None
    if not callable(value):
        raise TypeError(f"{name} must be a function, not {value!r}")
    if not awaits and kind_of(value) == COROUTINE:
        raise TypeError(
            f"{name} is a coroutine function, which a Chain cannot await; use AsyncChain"
        )
    return value


def kind_of(function: Any) -> str:
    """Return what calling `function` would return: one of the kinds above.

    It looks through partials, bound methods and objects with a ``__call__``. An asynchronous
    generator is a GENERATOR too.

    Raises:
        TypeError: it cannot be called.
    """
    if (
        type(function) is FunctionType  # fast path for most steps
        and not function.__code__.co_flags & _FLAGS
        and not function.__dict__
    ):
        return VALUE
    if not callable(function):
        raise TypeError(f"a step must be a function, not {function!r}")
    function = without_partials(function)
    flag = code_flag(function)
    if not flag and not isroutine(function) and not isinstance(function, type):
        flag = code_flag(type(function).__call__)
    return _KINDS[flag]


def step_kind(value: Any, *, awaits: bool, allow_sync: bool) -> str:
    """Return the kind of `value` if it can be the function of a step.

    Args:
        value: the argument.
        awaits: whether it may be a coroutine function.
        allow_sync: whether it may be a sync function.

    Raises:
        TypeError: it is not a function, or the chain does not accept it.
    """
    kind = kind_of(value)
    if kind is COROUTINE and not awaits:
        raise TypeError(
            f"{own_name(value)!r} is a coroutine function, which a Chain cannot await; use "
            f"AsyncChain"
        )
    if not allow_sync and kind is not COROUTINE and not isasyncgenfunction(value):
        raise TypeError(
            f"{own_name(value)!r} is a sync function, which this chain does not accept "
            f"(allow_sync=False); make it a coroutine function"
        )
    return kind


def flow_name(value: Any) -> str | None:
    """Return the name of a flow that is given by name or as a `Flow`; None for None.

    Raises:
        TypeError: it is neither a flow nor a name.
        ValueError: it is empty.
    """
    if value is None:
        return None
    return value.name if isinstance(value, Flow) else text("flow", value)
