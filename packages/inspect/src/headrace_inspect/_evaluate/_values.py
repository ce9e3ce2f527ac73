"""What expressions stand for."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace_inspect._symbols._entities import Class, Function, Module

    from ._contexts import Context

_WIDEST = 8
_DEEPEST = 4
_LONGEST = 200
_MOST = 64


@dataclass(frozen=True, slots=True)
class Value:
    """What an expression stands for; this class itself is an unknown value."""


UNKNOWN = Value()


@dataclass(frozen=True, slots=True)
class Constant(Value):
    """A text, number, truth value or None."""

    value: object
    kind: type = field(default=str)


@dataclass(frozen=True, slots=True)
class ModuleValue(Value):
    """A module of the source, or a folder that is a namespace package."""

    module: Module | str


@dataclass(frozen=True, slots=True)
class FunctionValue(Value):
    """A function of the source.

    Attributes:
        receiver: the object or class that it is a method of, where it is bound.
        captured: the variables of the enclosing function that it uses.
    """

    function: Function
    receiver: Value | None = None
    captured: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class ClassValue(Value):
    """A class of the source."""

    cls: Class
    captured: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class Instance(Value):
    """An object of a class of the source.

    Attributes:
        is_exact: whether it was constructed; otherwise it may be of a subclass.
        fields: what the constructor stored.
    """

    cls: Class
    is_exact: bool = False
    fields: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class Super(Value):
    """``super()`` in a method of `cls`."""

    cls: Class
    receiver: Value


@dataclass(frozen=True, slots=True)
class External(Value):
    """A module, function or class of a library, by its dotted name."""

    name: str


@dataclass(frozen=True, slots=True)
class Object(Value):
    """An object that a class or function of a library returned, with the arguments."""

    made_by: str
    arguments: tuple[Value, ...] = ()
    keywords: tuple[tuple[str, Value], ...] = ()

    def keyword(self, name: str) -> Value | None:
        """Return the argument passed as `name`."""
        return dict(self.keywords).get(name)


@dataclass(frozen=True, slots=True)
class Bound(Value):
    """An attribute of an object that is not of the source."""

    owner: Value
    name: str


@dataclass(frozen=True, slots=True)
class Items(Value):
    """A list, tuple or set; `origin` is where it is made, so that later additions are found."""

    values: tuple[Value, ...]
    origin: ast.AST | None = field(default=None)


@dataclass(frozen=True, slots=True)
class Table(Value):
    """A mapping; the key of an entry is None where it is computed."""

    entries: tuple[tuple[object, Value], ...]
    origin: ast.AST | None = field(default=None)


@dataclass(frozen=True, slots=True)
class Partial(Value):
    """A callable with some of its arguments."""

    inner: Value
    arguments: tuple[Value, ...]
    keywords: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class Wrapper(Value):
    """A callable that stands for another one, and is bound to an object as that one is."""

    inner: Value


@dataclass(frozen=True, slots=True)
class Handing(Wrapper):
    """A callable that hands `inner` over when called: a queue's ``delay``, say."""

    kind: str


@dataclass(frozen=True, slots=True)
class Property(Wrapper):
    """A method that is read as an attribute."""


@dataclass(frozen=True, slots=True)
class Static(Value):
    """A static or class method; `is_class` tells which."""

    inner: Value
    is_class: bool


@dataclass(frozen=True, slots=True)
class Manager(Wrapper):
    """A generator function that is used as a context manager."""


@dataclass(frozen=True, slots=True)
class Pending(Value):
    """A coroutine or generator that has not run yet; `result` is what it gives."""

    targets: tuple[Context, ...]
    result: Value
    is_generator: bool


@dataclass(frozen=True, slots=True)
class Parallel(Value):
    """Work that runs side by side when awaited."""

    members: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Union(Value):
    """One of several values."""

    options: tuple[Value, ...]


def options_of(value: Value) -> tuple[Value, ...]:
    """Return the values that `value` may be."""
    return value.options if isinstance(value, Union) else (value,)


def union(*values: Value) -> Value:
    """Return a value that may be each of `values`; what is known wins over what is not."""
    told = [value for value in values if value is not UNKNOWN]
    if len(told) < 2:
        return told[0] if told else UNKNOWN
    found: dict[Value, None] = {}
    for value in told:
        for option in options_of(value):
            if option is not UNKNOWN:
                found.setdefault(option)
    if len(found) > 1:
        found.pop(Constant(None, type(None)), None)
    if not found:
        return UNKNOWN
    options = tuple(found)[:_WIDEST]
    return options[0] if len(options) == 1 else Union(options)


def function_in(value: Value | None) -> Function | None:
    """Return the function in `value`, wrappers aside."""
    match value:
        case FunctionValue(function=function):
            return function
        case Wrapper(inner=inner) | Partial(inner=inner) | Static(inner=inner):
            return function_in(inner)
    return None


def constant(value: object) -> Constant:
    """Return the value of a literal."""
    return Constant(value, type(value))


def text_of(value: Value | None) -> str | None:
    """Return the text that `value` is, or None."""
    if isinstance(value, Constant) and isinstance(value.value, str):
        return value.value
    return None


def shallow(value: Value, depth: int = _DEEPEST) -> Value:
    """Return `value` without what is nested too deeply to be worth telling apart."""
    if isinstance(value, Union):
        return union(*[shallow(one, depth) for one in value.options])
    if isinstance(value, Constant):
        is_long = isinstance(value.value, str | bytes) and len(value.value) > _LONGEST
        return UNKNOWN if is_long else value
    return _flat(value) if depth <= 0 else _nested(value, depth - 1)


def _flat(value: Value) -> Value:
    match value:
        case Instance():
            return replace(value, fields=())
        case FunctionValue():
            return replace(value, captured=(), receiver=None)
        case Object():
            return replace(value, arguments=(), keywords=())
        case Pending():
            return replace(value, result=UNKNOWN)
        case Items() | Table() | Partial() | Parallel() | Wrapper():
            return UNKNOWN
    return value


def _nested(value: Value, depth: int) -> Value:
    match value:
        case Instance(fields=fields) if fields:
            return replace(value, fields=_shallow_named(fields, depth))
        case Items(values=values):
            return UNKNOWN if len(values) > _MOST else replace(value, values=_all(values, depth))
        case Table(entries=entries):
            kept = tuple([(key, shallow(one, depth)) for key, one in entries])
            return replace(value, entries=kept)
        case Pending(result=result):
            return replace(value, result=shallow(result, depth))
        case FunctionValue(captured=captured, receiver=receiver) if captured or receiver:
            bound = None if receiver is None else shallow(receiver, depth)
            return replace(value, captured=_shallow_named(captured, depth), receiver=bound)
        case Partial(arguments=arguments, keywords=keywords):
            named = _shallow_named(keywords, depth)
            return replace(value, arguments=_all(arguments, depth), keywords=named)
        case Object(arguments=arguments, keywords=keywords) if arguments or keywords:
            named = _shallow_named(keywords, depth)
            return replace(value, arguments=_all(arguments, depth), keywords=named)
        case Wrapper(inner=inner):
            return replace(value, inner=shallow(inner, depth))
    return value


def _all(values: tuple[Value, ...], depth: int) -> tuple[Value, ...]:
    return tuple([shallow(one, depth) for one in values])


def _shallow_named(
    values: tuple[tuple[str, Value], ...], depth: int
) -> tuple[tuple[str, Value], ...]:
    return tuple([(name, shallow(one, depth)) for name, one in values])
