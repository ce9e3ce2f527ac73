"""Values of expressions, as far as they are known; None is a value of which nothing is known.

Equal values are one object, so that they hash and compare fast; none is ever changed. An analysis
begins with `forget_values`, since the values of a program hold on to its syntax.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar

from headrace_inspect._symbols._entities import Class, Function, Module

_WIDEST = 32
_MOST = 64
_DEEPEST = 3


T = TypeVar("T")


class _Interned(type):
    """Makes one object of equal values."""

    made: ClassVar[dict[Any, Any]] = {}

    def __call__(cls: type[T], /, *args: Any, **named: Any) -> T:
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
class Known(metaclass=_Interned):
    """A value of which something is known."""


Value = Known | None
Arguments = tuple[Value, ...]
Named = tuple[tuple[str, Value], ...]


@dataclass(slots=True, eq=False)
class Constant(Known):
    """A text, number, truth value or None; `kind` tells 1 from True."""

    value: Any
    kind: type


NONE = Constant(None, type(None))


@dataclass(slots=True, eq=False)
class ModuleValue(Known):
    """A module of the source, or a folder that is a namespace package."""

    module: Module | str


@dataclass(slots=True, eq=False)
class FunctionValue(Known):
    """A function, what it is bound to, and the variables of the enclosing one that it uses."""

    function: Function
    receiver: Value = None
    captured: Named = ()


@dataclass(slots=True, eq=False)
class ClassValue(Known):
    """A class of the source."""

    cls: Class


@dataclass(slots=True, eq=False)
class Instance(Known):
    """An object of a class, or of one below unless `is_exact`; `text` is that of an enumeration."""

    cls: Class
    is_exact: bool = False
    text: str | None = None


@dataclass(slots=True, eq=False)
class Super(Known):
    """``super()`` in a method of `cls`."""

    cls: Class
    receiver: Value


@dataclass(slots=True, eq=False)
class External(Known):
    """A module, function or class of a library, by its dotted name."""

    name: str


@dataclass(slots=True, eq=False)
class Object(Known):
    """An object that a class or function of a library returned, with the arguments."""

    made_by: str
    arguments: Arguments = ()
    keywords: Named = ()

    def keyword(self, name: str) -> Value:
        """Return the argument passed as `name`."""
        return dict(self.keywords).get(name)


@dataclass(slots=True, eq=False)
class Bound(Known):
    """An attribute of an object that is not of the source."""

    owner: Value
    name: str


@dataclass(slots=True, eq=False)
class Items(Known):
    """A list, tuple or set; `origin` is where it is made, so that later additions are found."""

    values: Arguments
    origin: object = None


@dataclass(slots=True, eq=False)
class Table(Known):
    """A mapping; the key of an entry is None where it is computed."""

    entries: tuple[tuple[Any, Value], ...]
    origin: object = None

    @property
    def named(self) -> Named:
        """Return the entries as keyword arguments."""
        return tuple([(key, value) for key, value in self.entries if isinstance(key, str)])


@dataclass(slots=True, eq=False)
class Pending(Known):
    """A coroutine, or a generator, and what awaiting it gives, or going through it.

    Attributes:
        made_by: the body of the generator.
    """

    result: Value
    is_generator: bool
    made_by: Any = None


@dataclass(slots=True, eq=False)
class Partial(Known):
    """A callable with some of its arguments."""

    inner: Value
    arguments: Arguments
    keywords: Named


@dataclass(slots=True, eq=False)
class Wrapper(Known):
    """A callable in place of another one, and bound to an object as that one is."""

    inner: Value


@dataclass(slots=True, eq=False)
class Handing(Wrapper):
    """A callable that hands `inner` over when called, such as a queue's ``delay``."""

    kind: str


@dataclass(slots=True, eq=False)
class Property(Wrapper):
    """A method that is read as an attribute."""


@dataclass(slots=True, eq=False)
class Static(Known):
    """A static method, or a class method if `is_class`."""

    inner: Value
    is_class: bool


@dataclass(slots=True, eq=False)
class Union(Known):
    """One of several values."""

    options: tuple[Known, ...]


_unions: dict[Arguments, Value] = {}
_shallow: dict[tuple[Value, int], Value] = {}


def forget_values() -> None:
    """Let go of the values of an earlier program."""
    for memory in (_Interned.made, _unions, _shallow):
        memory.clear()
    _Interned.made[Constant, (None, type(None))] = NONE


def options_of(value: Value) -> tuple[Known, ...]:
    """Return the values that `value` may be, as far as they are known."""
    return () if value is None else value.options if isinstance(value, Union) else (value,)


def union(*values: Value) -> Value:
    """Return a value that may be each of `values`; a known one wins over an unknown one."""
    found: Value = None
    for one in values:
        if one is not None and one is not found:
            if found is not None:
                break
            found = one
    else:
        return found
    made = _unions.get(values)
    if made is None:
        joined = dict.fromkeys([option for value in values for option in options_of(value)])
        if len(joined) > 1:
            joined.pop(NONE, None)
        options = tuple(joined)[:_WIDEST]
        made = _unions[values] = Union(options) if len(options) > 1 else next(iter(options), None)
    return made


def function_in(value: Value) -> Function | None:
    """Return the function in `value`, wrappers aside."""
    match value:
        case FunctionValue(function=function):
            return function
        case Wrapper(inner=inner) | Partial(inner=inner) | Static(inner=inner):
            return function_in(inner)
    return None


def constant(value: Any) -> Constant:
    """Return the value of a literal."""
    return Constant(value, type(value))


def key_of(value: Value) -> Any:
    """Return the key that a value is, or None where it is computed."""
    return value.value if isinstance(value, Constant) else None


def text_of(value: Value) -> str | None:
    """Return the text that `value` is, or that a member of an enumeration stands for, or None."""
    if isinstance(value, Instance):
        return value.text
    if isinstance(value, Constant) and isinstance(value.value, str):
        return value.value
    return None


_FLAT = frozenset([type(None), Instance, Constant, ClassValue, External, ModuleValue, Bound])


def shallow(value: Value, depth: int = _DEEPEST) -> Value:
    """Return `value` without what is nested too deeply to be worth knowing."""
    if type(value) in _FLAT:
        return value
    key = (value, depth)
    if key not in _shallow:
        _shallow[key] = _cut(value, depth)
    return _shallow[key]


def _cut(value: Value, depth: int) -> Value:
    if isinstance(value, Union):
        return union(*[shallow(one, depth) for one in value.options])
    if not depth:
        return _flat(value)
    match value:
        case FunctionValue(captured=captured) if captured:
            return replace(value, captured=_shallow_named(captured, depth - 1))
        case Partial(inner=inner, arguments=arguments, keywords=named):
            inner = shallow(inner, depth - 1)
            return Partial(inner, _shallow_all(arguments, depth), _shallow_named(named, depth - 1))
        case Wrapper(inner=inner):
            return replace(value, inner=shallow(inner, depth - 1))
        case Items(values=values, origin=origin):
            return Items(_shallow_all(values, depth), origin) if len(values) <= _MOST else None
        case Table(entries=entries, origin=origin):
            return Table(_shallow_named(entries, depth - 1), origin)
        case Object(made_by=made_by, arguments=arguments, keywords=named):
            return Object(made_by, _shallow_all(arguments, depth), _shallow_named(named, depth - 1))
    return value


def _flat(value: Value) -> Value:
    match value:
        case FunctionValue():
            return replace(value, captured=())
        case Partial(inner=FunctionValue() as inner):
            return inner
        case Object(made_by=made_by):
            return Object(made_by)
        case Partial() | Wrapper() | Items() | Table():
            return None
    return value


def _shallow_all(values: Arguments, depth: int) -> Arguments:
    return tuple([shallow(one, depth - 1) for one in values])


def _shallow_named(named: tuple[tuple[Any, Value], ...], depth: int) -> Any:
    return tuple([(name, shallow(one, depth)) for name, one in named])
