"""Abstract values of expressions; None is an unknown value.

Values are interned and immutable, so that they hash and compare by identity. Each analysis starts
with `forget_values`, since the values of a program keep its syntax alive.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar

from headrace_inspect._symbols._entities import Class, Function, Module

_MAX_OPTIONS = 32
_MAX_ITEMS = 64
_MAX_DEPTH = 3


T = TypeVar("T")


class _Interned(type):
    """Interns values: equal values are the same object."""

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
    """Return the field names of a value class."""
    names: tuple[str, ...] = cls.__dict__["__match_args__"]
    return names


@dataclass(slots=True, eq=False)
class Known(metaclass=_Interned):
    """A value that is at least partly known."""


Value = Known | None
Arguments = tuple[Value, ...]
Named = tuple[tuple[str, Value], ...]


@dataclass(slots=True, eq=False)
class Constant(Known):
    """A string, number, boolean or None; `kind` distinguishes 1 from True."""

    value: Any
    kind: type


NONE = Constant(None, type(None))


@dataclass(slots=True, eq=False)
class ModuleValue(Known):
    """A module of the source, or the folder of a namespace package."""

    module: Module | str


@dataclass(slots=True, eq=False)
class FunctionValue(Known):
    """A function, its receiver, and the variables it closes over."""

    function: Function
    receiver: Value = None
    captured: Named = ()


@dataclass(slots=True, eq=False)
class ClassValue(Known):
    """A class of the source."""

    cls: Class


@dataclass(slots=True, eq=False)
class Instance(Known):
    """An instance of a class, or of a subclass unless `is_exact`.

    Attributes:
        text: the string value of an enum member.
    """

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
    """A module, function or class of a library, by dotted name."""

    name: str


@dataclass(slots=True, eq=False)
class Object(Known):
    """The result of calling a library class or function with these arguments."""

    made_by: str
    arguments: Arguments = ()
    keywords: Named = ()

    def keyword(self, name: str) -> Value:
        """Return the argument passed as `name`."""
        return dict(self.keywords).get(name)


@dataclass(slots=True, eq=False)
class Bound(Known):
    """An attribute that the source does not define."""

    owner: Value
    name: str


@dataclass(slots=True, eq=False)
class Items(Known):
    """A list, tuple or set; `origin` identifies where it is created, to find items added later."""

    values: Arguments
    origin: object = None


@dataclass(slots=True, eq=False)
class Table(Known):
    """A mapping; a computed key is None."""

    entries: tuple[tuple[Any, Value], ...]
    origin: object = None

    @property
    def named(self) -> Named:
        """Return the entries as keyword arguments."""
        return tuple([(key, value) for key, value in self.entries if isinstance(key, str)])


@dataclass(slots=True, eq=False)
class Pending(Known):
    """A coroutine or generator.

    Attributes:
        result: the result of awaiting it, or the element of iterating over it.
        made_by: the body of the generator.
    """

    result: Value
    is_generator: bool
    made_by: Any = None


@dataclass(slots=True, eq=False)
class Partial(Known):
    """A callable with some arguments bound, as ``functools.partial`` returns."""

    inner: Value
    arguments: Arguments
    keywords: Named


@dataclass(slots=True, eq=False)
class Wrapper(Known):
    """A callable that replaces another one, and binds to an object in the same way."""

    inner: Value


@dataclass(slots=True, eq=False)
class HandOver(Wrapper):
    """A callable that hands over `inner` when called, such as a queue's ``delay``."""

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
    """Discard the values of a previous program."""
    for memory in (_Interned.made, _unions, _shallow):
        memory.clear()
    _Interned.made[Constant, (None, type(None))] = NONE


def options_of(value: Value) -> tuple[Known, ...]:
    """Return the known alternatives of `value`."""
    return () if value is None else value.options if isinstance(value, Union) else (value,)


def union(*values: Value) -> Value:
    """Return the union of `values`; unknown values are dropped."""
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
        options = tuple(joined)[:_MAX_OPTIONS]
        made = _unions[values] = Union(options) if len(options) > 1 else next(iter(options), None)
    return made


def function_in(value: Value) -> Function | None:
    """Return the function in `value`, without wrappers."""
    match value:
        case FunctionValue(function=function):
            return function
        case Wrapper(inner=inner) | Partial(inner=inner) | Static(inner=inner):
            return function_in(inner)
    return None


def constant(value: Any) -> Constant:
    """Return the value of a literal."""
    kind = type(value)
    found: Constant | None = _Interned.made.get((Constant, (value, kind)))
    return Constant(value, kind) if found is None else found


def key_of(value: Value) -> Any:
    """Return `value` as a key, or None if it is computed."""
    return value.value if isinstance(value, Constant) else None


def text_of(value: Value) -> str | None:
    """Return the string value of a constant or an enum member, or None."""
    if isinstance(value, Instance):
        return value.text
    if isinstance(value, Constant) and isinstance(value.value, str):
        return value.value
    return None


_FLAT = frozenset([type(None), Instance, Constant, ClassValue, External, ModuleValue, Bound])


def shallow(value: Value, depth: int = _MAX_DEPTH) -> Value:
    """Return `value`, truncated below `depth` levels of nesting."""
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
            return Items(_shallow_all(values, depth), origin) if len(values) <= _MAX_ITEMS else None
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
