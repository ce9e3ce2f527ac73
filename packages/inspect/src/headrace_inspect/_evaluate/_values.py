"""Values of expressions, as far as they are known.

Equal values are one object, so that they hash and compare fast; none is ever changed. An analysis
begins with `forget_values`, since the values of a program hold on to its syntax trees.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

if TYPE_CHECKING:
    from headrace_inspect._symbols._entities import Class, Function, Module

    from ._contexts import Context

_WIDEST = 8
_DEEPEST = 4
_LONGEST = 200
_MOST = 64

T = TypeVar("T")
Arguments = tuple["Value", ...]
Named = tuple[tuple[str, "Value"], ...]


class _Interned(type):
    """Makes one object of equal values."""

    made: ClassVar[dict[Any, Any]] = {}

    def __call__(cls: type[T], *args: Any, **named: Any) -> T:
        key = (cls, args, tuple(named.items())) if named else (cls, args)
        found = _Interned.made.get(key)
        if found is None:
            value = type.__call__(cls, *args, **named)
            fields = (cls, tuple([getattr(value, name) for name in fields_of(cls)]))
            found = _Interned.made[key] = _Interned.made.setdefault(fields, value)
        made: T = found
        return made


def fields_of(cls: type) -> tuple[str, ...]:
    """Return the names of the fields of a class of values."""
    names: tuple[str, ...] = cls.__dict__["__match_args__"]
    return names


@dataclass(slots=True, eq=False)
class Value(metaclass=_Interned):
    """The value of an expression; this class itself is an unknown value."""

    flat: ClassVar[tuple[tuple[str, Any], ...] | None] = ()
    """What the fields become where the value is nested too deeply; None: nothing is known."""

    def but(self, **changed: Any) -> Self:
        """Return the same value with other fields."""
        return type(self)(*[
            changed[name] if name in changed else getattr(self, name)
            for name in fields_of(type(self))
        ])


UNKNOWN = Value()


@dataclass(slots=True, eq=False)
class Constant(Value):
    """A text, number, truth value or None."""

    value: object
    kind: type = field(default=str)


NONE = Constant(None, type(None))


@dataclass(slots=True, eq=False)
class ModuleValue(Value):
    """A module of the source, or a folder that is a namespace package."""

    module: Module | str


@dataclass(slots=True, eq=False)
class FunctionValue(Value):
    """A function, what it is bound to, and the variables of the enclosing one that it uses."""

    flat = (("receiver", None), ("captured", ()))
    function: Function
    receiver: Value | None = None
    captured: Named = ()


@dataclass(slots=True, eq=False)
class ClassValue(Value):
    """A class of the source."""

    cls: Class


@dataclass(slots=True, eq=False)
class Instance(Value):
    """An object of a class, or of one below unless `is_exact`, and what its constructor stored."""

    flat = (("fields", ()),)
    cls: Class
    is_exact: bool = False
    fields: Named = ()


@dataclass(slots=True, eq=False)
class Super(Value):
    """``super()`` in a method of `cls`."""

    cls: Class
    receiver: Value


@dataclass(slots=True, eq=False)
class External(Value):
    """A module, function or class of a library, by its dotted name."""

    name: str


@dataclass(slots=True, eq=False)
class Object(Value):
    """An object that a class or function of a library returned, with the arguments."""

    flat = (("arguments", ()), ("keywords", ()))
    made_by: str
    arguments: Arguments = ()
    keywords: Named = ()

    def keyword(self, name: str) -> Value | None:
        """Return the argument passed as `name`."""
        return dict(self.keywords).get(name)


@dataclass(slots=True, eq=False)
class Bound(Value):
    """An attribute of an object that is not of the source."""

    owner: Value
    name: str


@dataclass(slots=True, eq=False)
class Items(Value):
    """A list, tuple or set; `origin` is where it is made, so that later additions are found."""

    flat = None
    values: Arguments
    origin: ast.AST | None = field(default=None)


@dataclass(slots=True, eq=False)
class Table(Value):
    """A mapping; the key of an entry is None where it is computed."""

    flat = None
    entries: tuple[tuple[object, Value], ...]
    origin: ast.AST | None = field(default=None)

    @property
    def named(self) -> Named:
        """Return the entries as keyword arguments."""
        return tuple([(key, value) for key, value in self.entries if isinstance(key, str)])


@dataclass(slots=True, eq=False)
class Partial(Value):
    """A callable with some of its arguments."""

    flat = None
    inner: Value
    arguments: Arguments
    keywords: Named


@dataclass(slots=True, eq=False)
class Wrapper(Value):
    """A callable in place of another one, and bound to an object as that one is."""

    flat = None
    inner: Value


@dataclass(slots=True, eq=False)
class Handing(Wrapper):
    """A callable that hands `inner` over when called, such as a queue's ``delay``."""

    kind: str


@dataclass(slots=True, eq=False)
class Property(Wrapper):
    """A method that is read as an attribute."""


@dataclass(slots=True, eq=False)
class Static(Value):
    """A static method, or a class method if `is_class`."""

    inner: Value
    is_class: bool


@dataclass(slots=True, eq=False)
class Manager(Wrapper):
    """A generator function that is used as a context manager."""


@dataclass(slots=True, eq=False)
class Pending(Value):
    """A coroutine or generator that has not run yet; `result` is what it gives."""

    flat = (("result", UNKNOWN),)
    targets: tuple[Context, ...]
    result: Value
    is_generator: bool


@dataclass(slots=True, eq=False)
class Parallel(Value):
    """Work that runs side by side when awaited."""

    flat = None
    members: Arguments


@dataclass(slots=True, eq=False)
class Union(Value):
    """One of several values."""

    options: Arguments


_unions: dict[Arguments, Value] = {}
_shallow: dict[tuple[Value, int], Value] = {}


def forget_values() -> None:
    """Let go of the values of an earlier program."""
    for memory in (_Interned.made, _unions, _shallow):
        memory.clear()
    for value in (UNKNOWN, NONE):
        fields = tuple([getattr(value, name) for name in fields_of(type(value))])
        _Interned.made[type(value), fields] = value


def options_of(value: Value) -> Arguments:
    """Return the values that `value` may be."""
    return value.options if isinstance(value, Union) else (value,)


def union(*values: Value) -> Value:
    """Return a value that may be each of `values`; a known one wins over an unknown one."""
    found = _unions.get(values)
    if found is None:
        joined = dict.fromkeys([option for value in values for option in options_of(value)])
        joined.pop(UNKNOWN, None)
        if len(joined) > 1:
            joined.pop(NONE, None)
        options = tuple(joined)[:_WIDEST]
        found = Union(options) if len(options) > 1 else options[0] if options else UNKNOWN
        _unions[values] = found
    return found


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


def key_of(value: Value | None) -> object:
    """Return the key that a value is, or None where it is computed."""
    return value.value if isinstance(value, Constant) else None


def text_of(value: Value | None) -> str | None:
    """Return the text that `value` is, or that a member of an enumeration stands for, or None."""
    if isinstance(value, Instance):
        value = dict(value.fields).get("_value_")
    if isinstance(value, Constant) and isinstance(value.value, str):
        return value.value
    return None


def shallow(value: Value, depth: int = _DEEPEST) -> Value:
    """Return `value` without what is nested too deeply to be worth knowing."""
    key = (value, depth)
    found = _shallow.get(key)
    if found is None:
        found = _shallow[key] = _cut(value, depth)
    return found


def _cut(value: Value, depth: int) -> Value:
    if isinstance(value, Union):
        return union(*[shallow(one, depth) for one in value.options])
    if isinstance(value, Constant):
        is_long = isinstance(value.value, str | bytes) and len(value.value) > _LONGEST
        return UNKNOWN if is_long else value
    if isinstance(value, Items) and len(value.values) > _MOST:
        return UNKNOWN
    if depth <= 0:
        return UNKNOWN if value.flat is None else value.but(**dict(value.flat))
    names = fields_of(type(value))
    return type(value)(*[_cut_in(getattr(value, name), depth - 1) for name in names])


def _cut_in(part: Any, depth: int) -> Any:
    if isinstance(part, tuple):
        return tuple([_cut_in(one, depth) for one in part])
    return shallow(part, depth) if isinstance(part, Value) else part
