"""Kinds of steps: a call returns a value, a coroutine, a generator, or runs a chain."""

from __future__ import annotations

import inspect
from types import CoroutineType, FunctionType, GeneratorType
from typing import Any

from headrace._callables import without_partials

VALUE, COROUTINE, GENERATOR, CHAIN = "value", "coroutine", "generator", "chain"

_FLAGS = inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR


def kind_of(function: Any) -> str:
    """Tell what calling `function` gives, as far as it can be seen without calling it.

    Partials, bound methods and objects with a ``__call__`` are looked through. An asynchronous
    generator is a generator too.

    Raises:
        TypeError: it cannot be called.
    """
    # The quick way for the plain function that most steps are.
    if (
        type(function) is FunctionType
        and not function.__code__.co_flags & _FLAGS
        and not function.__dict__
    ):
        return VALUE
    if not callable(function):
        raise TypeError(f"a step is a function, not {function!r}")
    function = without_partials(function)
    seen = _seen(function)
    if seen is VALUE and not inspect.isroutine(function) and not isinstance(function, type):
        return _seen(type(function).__call__)
    return seen


def _seen(function: Any) -> str:
    if inspect.iscoroutinefunction(function):
        return COROUTINE
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return GENERATOR
    return VALUE


def is_awaitable(value: Any) -> bool:
    """Tell whether `value` can be awaited, from its type alone: it may lie about its class."""
    kind = type(value)
    return hasattr(kind, "__await__") or (
        kind is GeneratorType and bool(value.gi_code.co_flags & inspect.CO_ITERABLE_COROUTINE)
    )


def close(value: Any) -> None:
    """Close `value` if it is a coroutine, so that nobody complains that it was never awaited."""
    if type(value) is CoroutineType:
        value.close()
