"""Prefixes: sequences of `next` and `put` calls that earlier chains began with.

A program that builds a chain per request makes the same calls each time. They are validated and
compiled for the first chain only; later chains reuse the result.

A key holds the kind and name of a function, and the references among the arguments. Each chain
calls its own functions with its own literals, and nothing here keeps either alive. Arguments that
merely compare equal, such as True and 1, or a string and a member of an enum, have different keys.
"""

from __future__ import annotations

from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any
from weakref import ref

from .references import Reference

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace._step_info import StepInfo

    from .references import Bind
    from .step import Call

    # For each step: info, key, out, and the binding of its arguments. The info is None if the step
    # takes more than a call; a step with neither a key nor a binding has literals.
    Outline = tuple[StepInfo | None, str | None, str | None, Bind | None]

LIMIT = 512
"""The size of a generation of prefixes; two are kept."""

_DEEPEST = 64  # longer chains are rarely built per request, and would evict everything else
_LITERAL = object()
_PUT = object()


class Prefix:
    """The first calls of a chain.

    Args:
        depth: their number.
        name: the name of the last step.
        after: the names of the steps that it follows.

    Attributes:
        depth: their number.
        name: the name of the last step, or ``""`` if the last call is not one of `next`.
        after: the names of the steps that it follows.
        outlines: the outlines of the steps, once a chain of exactly these calls has run.
        has_templates: whether a step has a line to log.
    """

    __slots__ = ("after", "depth", "has_templates", "name", "outlines")

    def __init__(self, depth: int, name: str = "", after: tuple[str, ...] = ()) -> None:
        self.depth: int = depth
        self.name: str = name
        self.after: tuple[str, ...] = after
        self.outlines: tuple[Outline, ...] | None = None
        self.has_templates: bool = False


# An entry that is not used for a whole generation is dropped.
_young: dict[Any, Prefix] = {}
_old: dict[Any, Prefix] = {}
_roots: dict[Any, Prefix] = {}


def root(awaits: bool, strict: bool, allow_sync: bool, flow: str) -> Prefix:
    """Return the empty prefix, for chains with these traits; `flow` names their flow, if any."""
    traits = awaits, strict, allow_sync, flow
    return _roots.get(traits) or _roots.setdefault(traits, Prefix(0))


def find(before: Prefix, call: Call) -> Prefix | None:
    """Return `before` extended by a call to `Chain.next`, or None if that is not known."""
    key = _key_of(before, call)
    prefix = _young.get(key)
    if prefix is None:
        prefix = _old.get(key)
        if prefix is not None:
            _enter(key, prefix)
    return prefix


def after_next(before: Prefix, call: Call, name: str, after: tuple[str, ...]) -> Prefix | None:
    """Return `before` extended by a call to `Chain.next`, or None if the call has no key.

    Args:
        before: the calls before it.
        call: its arguments.
        name: the name of the step.
        after: the names of the steps that it follows.
    """
    return _found_or_made(_key_of(before, call), before, name, after)


def after_put(before: Prefix, name: str) -> Prefix | None:
    """Return `before` extended by ``put(name, ...)``, or None if it is too long."""
    return _found_or_made((before, _PUT, name), before)


def _found_or_made(
    key: Any, before: Prefix, name: str = "", after: tuple[str, ...] = ()
) -> Prefix | None:
    prefix = _young.get(key)
    if prefix is None and key is not None:
        prefix = _old.get(key)
        if prefix is None and before.depth < _DEEPEST:
            prefix = Prefix(before.depth + 1, name, after)
        if prefix is not None:
            _enter(key, prefix)
    return prefix


def _enter(key: Any, prefix: Prefix) -> None:
    global _young, _old
    if len(_young) >= LIMIT:
        _young, _old = {}, _young
    _young[key] = prefix


# --- keys -----------------------------------------------------------------------------------------


class _NoKeyError(LookupError):
    """A value that cannot be part of a key."""


def _key_of(before: Prefix, call: Call) -> Any:
    """Return the key of a call to `Chain.next` after `before`, or None if it has none."""
    function, out, args, kwargs, name, log_fmt, options = call
    if (
        (type(args) is not list and type(args) is not tuple)
        or (out is not None and type(out) is not str)
        or (name is not None and type(name) is not str)
        or (log_fmt is not None and type(log_fmt) is not str)
    ):
        return None
    try:
        operands = (*args,)
        for each in operands:
            if type(each) is not str:
                operands = tuple([_key_of_operand(each) for each in args])
                break
        usual = kwargs is None and options is None  # as most steps are
        if usual and type(function) is FunctionType and not function.__dict__:
            code, own_name = ref(function.__code__), function.__name__
            return before, code, own_name, out, operands, name, log_fmt
        others = _key(function), _key_of_kwargs(kwargs), _key(options)
    except _NoKeyError:
        return None
    return before, others, out, operands, name, log_fmt


def _key(value: Any) -> Any:
    kind = type(value)
    if kind is str or value is None:
        return value
    make = _KEYS.get(kind)
    if make is None:
        raise _NoKeyError
    return make(value)


def _key_of_operand(value: Any) -> Any:
    return _key(value) if isinstance(value, str | Reference) else _LITERAL


def _key_of_kwargs(kwargs: Mapping[str, Any] | None) -> Any:
    if kwargs is None:
        return None
    if type(kwargs) is not dict:
        raise _NoKeyError
    return tuple([(_key(name), _key_of_operand(each)) for name, each in kwargs.items()])


def _key_of_function(function: Any) -> Any:
    # An attribute may mark a function as one of another kind, such as a coroutine function.
    mark = ref(function) if function.__dict__ else None
    return FunctionType, ref(function.__code__), function.__name__, mark


def _key_of_partial(function: Any) -> Any:
    if function.__dict__:
        raise _NoKeyError
    return partial, _key(function.func)


_KEYS: dict[type, Callable[[Any], Any]] = {
    FunctionType: _key_of_function,
    BuiltinFunctionType: lambda function: (BuiltinFunctionType, function.__name__),
    MethodType: lambda method: (MethodType, _key(method.__func__)),
    partial: _key_of_partial,
    type: lambda kind: (type, kind.__name__, issubclass(kind, BaseException)),
    Reference: lambda reference: (Reference, *[_key(part) for part in reference.parts]),
    tuple: lambda values: tuple([_key(each) for each in values]),
    bool: lambda value: (bool, value),
    int: lambda value: (int, value),
    float: lambda value: (float, value),
}
