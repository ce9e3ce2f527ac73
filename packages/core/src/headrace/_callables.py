"""The name, description and source location of a callable, through its wrappers."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import CodeType

_NAMES = ("__module__", "__name__", "__qualname__", "__doc__")
_MAX_LAYERS = 100  # some objects have every attribute, even an endless `__wrapped__`


def without_partials(function: Any) -> Any:
    """Return the function inside any number of nested `functools.partial` objects."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


def is_plain(function: Any) -> bool:
    """Return whether `function` returns its result directly, judging by `inspect`.

    Coroutines and generators are always truthy, so their truth value must not count as an answer.
    """
    function = without_partials(function)
    called = function if inspect.isroutine(function) else type(function).__call__
    return not (
        inspect.iscoroutinefunction(called)
        or inspect.isgeneratorfunction(called)
        or inspect.isasyncgenfunction(called)
    )


def layers(function: Any) -> Iterator[Any]:
    """Yield `function` and the functions that it wraps, outermost first.

    Partials and decorators that set ``__wrapped__`` may wrap each other in any order.
    """
    for _ in range(_MAX_LAYERS):
        yield function
        if isinstance(function, functools.partial):
            function = function.func
        else:
            function = getattr(function, "__wrapped__", None)
            if not callable(function):
                return


def own_name(function: Any) -> str:
    """Return the name of a callable: that of the function it wraps, or else of its type."""
    if type(function) is FunctionType:  # fast path for most steps, here and below
        return function.__name__
    innermost = function
    for layer in layers(function):
        name = getattr(layer, "__name__", None)
        if isinstance(name, str):
            return name
        innermost = layer
    return type(innermost).__name__


def description_of(function: Any) -> str:
    """Return the first docstring line of a callable or of the function it wraps, or ""."""
    if type(function) is FunctionType and not function.__dict__:
        return _first_line(function.__doc__) or _inherited(function)
    innermost = function
    for layer in layers(function):
        line = _first_line(_own_docstring(layer))
        if line:
            return line
        innermost = layer
    if inspect.isroutine(innermost):
        return _inherited(innermost)
    kind = type(innermost)
    return _first_line(getattr(kind.__call__, "__doc__", None)) or _first_line(kind.__doc__)


def location_of(function: Any) -> tuple[str, int]:
    """Return the file and line where `function` is defined, or ``""`` and 0 if unknown."""
    if type(function) is FunctionType and not function.__dict__:
        return function.__code__.co_filename, function.__code__.co_firstlineno
    *_, innermost = layers(function)
    code = getattr(innermost, "__code__", None)
    if code is None and not isinstance(innermost, type):
        *_, call = layers(type(innermost).__call__)
        code = getattr(call, "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code is not None else ("", 0)


def wraps(function: Callable[..., Any]) -> Callable[[Any], Callable[..., Any]]:
    """Return ``functools.wraps(function)``, with the names of its function if it is a partial."""
    named = without_partials(function)

    def decorate(wrapper: Any) -> Callable[..., Any]:
        functools.update_wrapper(wrapper, named, assigned=_NAMES, updated=())
        # Attributes set on the partial itself win, and `inspect` reports its signature.
        own = [name for name in _NAMES if name in vars(function)]
        return functools.update_wrapper(wrapper, function, assigned=own)

    return functools.wraps(function) if named is function else decorate


def _own_docstring(layer: Any) -> Any:
    # An instance inherits its class's docstring, which says nothing about the wrapped function.
    if inspect.isroutine(layer) or isinstance(layer, type):
        text = layer.__doc__
    else:
        text = getattr(layer, "__dict__", {}).get("__doc__")
    # `functools.wraps` of a partial copies the docstring of the class `partial`.
    return None if text == functools.partial.__doc__ else text


def _inherited(routine: Any) -> str:
    """Return the description of the method that `routine` overrides, or ""."""
    owner = getattr(routine, "__qualname__", "").rpartition(".")[0]
    return "" if not owner or owner.endswith(">") else _first_line(inspect.getdoc(routine))


def _first_line(text: Any) -> str:
    return text.strip().partition("\n")[0].rstrip() if isinstance(text, str) else ""


def kind_of(function: Callable[..., Any]) -> int:
    """Return the code flag for the kind of `function`, or 0 for a plain function."""
    if inspect.iscoroutinefunction(function):
        return inspect.CO_COROUTINE
    if inspect.isgeneratorfunction(function):
        code = getattr(function, "__code__", None)
        if code is not None and code.co_flags & inspect.CO_ITERABLE_COROUTINE:
            return inspect.CO_COROUTINE  # made by types.coroutine: awaitable
        return inspect.CO_GENERATOR
    return inspect.CO_ASYNC_GENERATOR if inspect.isasyncgenfunction(function) else 0


def is_disguised(function: Callable[..., Any]) -> bool:
    return kind_of(function) == 0 and kind_of(inspect.unwrap(function)) != 0


def with_kind(wrapper: Any, flag: int) -> Callable[..., Any]:
    """Return a copy of `wrapper` that `inspect` reports as a function of the kind `flag`."""
    # A new function: Python 3.13 deprecated assigning such code to an existing one.
    code = _flagged(wrapper.__code__, flag)
    return FunctionType(code, wrapper.__globals__, wrapper.__name__, None, wrapper.__closure__)


@functools.cache
def _flagged(code: CodeType, flag: int) -> CodeType:
    # `inspect`, and so pytest, FastAPI and contextlib, determine a function's kind from this flag
    # alone; the interpreter follows the instructions.
    return code.replace(co_flags=code.co_flags | flag)


def call_through(function: Callable[..., Any], call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that runs `call` and that `inspect` describes like `function`."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return call(*args, **kwargs)

    return wraps(function)(with_kind(wrapper, kind_of(function)))
