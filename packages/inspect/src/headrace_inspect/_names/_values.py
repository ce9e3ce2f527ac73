"""What an expression can stand for. Values are compared and hashed by what they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace_inspect._running._nodes import Hub, Node
    from headrace_inspect._running._trees import Tree

    from ._entities import Class, Function


class Value:
    """Anything that an expression can stand for; by itself, something unknown."""

    __slots__ = ()


class Unknown(Value):
    """Something of which nothing is known."""

    __slots__ = ()


class Nothing(Value):
    """None, and other constants that cannot be called."""

    __slots__ = ()


Key = str | int
UNKNOWN = Unknown()
NOTHING = Nothing()


@dataclass(slots=True, unsafe_hash=True)
class External(Value):
    """Something of a library: its dotted name, with ``()`` after each part that is called."""

    name: str


@dataclass(slots=True, unsafe_hash=True)
class ModuleValue(Value):
    """A module or package of the source."""

    dotted: str
    path: str


@dataclass(slots=True)
class FunctionValue(Value):
    """A function without its decorators, bound to a receiver or not, with what it closes over."""

    function: Function
    receiver: Value | None = None
    closure: tuple[tuple[str, Value], ...] = ()

    def __hash__(self) -> int:
        # What it closes over may be deep, and seldom tells two of them apart.
        return hash((self.function, self.receiver))


@dataclass(slots=True, unsafe_hash=True)
class StepValue(Value):
    """A function as the step that a decorator makes of it."""

    function: Function
    receiver: Value | None
    inner: Value


@dataclass(slots=True, unsafe_hash=True)
class TaskValue(Value):
    """A function as the Celery task that a decorator makes of it."""

    function: Function
    inner: Value


@dataclass(slots=True, unsafe_hash=True)
class PropertyValue(Value):
    """A function whose call an attribute access is."""

    inner: Value


@dataclass(slots=True, unsafe_hash=True)
class ContextValue(Value):
    """A generator function that makes a context manager."""

    inner: Value


@dataclass(slots=True, unsafe_hash=True)
class EnteredLater(Value):
    """A context manager made of a generator function, before it is entered."""

    node: Node


@dataclass(slots=True, unsafe_hash=True)
class PartialValue(Value):
    """A callable with some of its arguments."""

    inner: Value
    arguments: Arguments


@dataclass(slots=True, unsafe_hash=True)
class EnteringValue(PartialValue):
    """A callable around each call of which the context manager `manager` is entered."""

    manager: Value = UNKNOWN


@dataclass(slots=True, unsafe_hash=True)
class ClassValue(Value):
    """A class of the source."""

    cls: Class


@dataclass(slots=True, unsafe_hash=True)
class Instance(Value):
    """An instance of a class of the source.

    Attributes:
        cls: the class.
        exact: whether it is of that class, rather than perhaps of a subclass.
        fields: the functions that it is known to keep, by attribute.
    """

    cls: Class
    exact: bool = True
    fields: tuple[tuple[str, Value], ...] = ()


@dataclass(slots=True, unsafe_hash=True)
class SuperValue(Value):
    """What ``super()`` gives in a method of `cls`."""

    cls: Class
    receiver: Value


@dataclass(slots=True, unsafe_hash=True)
class Method(Value):
    """An attribute of something that has a model, or of something unknown."""

    owner: Value
    name: str


@dataclass(slots=True, unsafe_hash=True)
class Text(Value):
    """A string; None stands for a part that is not known."""

    parts: tuple[str | None, ...]

    @property
    def constant(self) -> str | None:
        """The string, if all of it is known."""
        known = [part for part in self.parts if part is not None]
        return "".join(known) if len(known) == len(self.parts) else None

    @property
    def pattern(self) -> str:
        """What fits all that it may be, with a star for each part that is not known."""
        return "".join(part or "*" for part in self.parts)


@dataclass(slots=True, unsafe_hash=True)
class Items(Value):
    """A list, tuple or set with these items, in this order."""

    items: tuple[Value, ...]


@dataclass(slots=True, unsafe_hash=True)
class Many(Value):
    """Any number of any of these items, in any order."""

    items: tuple[Value, ...]


@dataclass(slots=True, unsafe_hash=True)
class Table(Value):
    """A mapping to these.

    Attributes:
        items: the values.
        keys: their keys, if all are known; without them nothing tells which one a key gives.
    """

    items: tuple[Value, ...]
    keys: tuple[Key, ...] = ()

    def at(self, key: Key | None) -> Value | None:
        """Return what `key` gives, or None where that is not known."""
        known = dict(zip(self.keys, self.items, strict=False))
        return known.get(key) if key is not None else None

    def pairs(self) -> list[tuple[Key, Value]] | None:
        """Return the keys and values in order, or None where they are not known."""
        if len(self.keys) != len(self.items):
            return None
        return list(zip(self.keys, self.items, strict=True))

    def put(self, key: Key | None, value: Value) -> Table:
        """Return the table with `value` under `key`."""
        pairs = self.pairs()
        if key is None or pairs is None:
            return Table((*self.items, value))
        known = dict(pairs) | {key: value}
        return Table(tuple(known.values()), tuple(known))


@dataclass(slots=True, unsafe_hash=True)
class Choice(Value):
    """One of these, by the path that was taken."""

    options: tuple[Value, ...]


@dataclass(slots=True, unsafe_hash=True)
class Parameter(Value):
    """What a function's caller gives, where the caller is not known."""

    function: Function
    name: str


@dataclass(slots=True, unsafe_hash=True)
class Dynamic(Value):
    """One of a set of functions; nothing tells which."""

    hub: Hub


@dataclass(slots=True, unsafe_hash=True)
class Possibly(Value):
    """This, or something that stands for it."""

    inner: Value


@dataclass(slots=True, unsafe_hash=True)
class Result(Value):
    """What a call of `node` returns; looked at only when it is needed."""

    node: Node


@dataclass(slots=True, unsafe_hash=True)
class Coroutine(Value):
    """Something to await: `tree` runs then, and `result` is what it gives."""

    tree: Tree
    result: Value


@dataclass(slots=True, unsafe_hash=True)
class Started(Value):
    """A task that runs `tree` since it was made; `result` is what it gives when it is awaited."""

    tree: Tree
    result: Value


@dataclass(slots=True, unsafe_hash=True)
class Arguments:
    """The arguments of a call; `starred` says that there are more than these."""

    positional: tuple[Value, ...] = ()
    named: tuple[tuple[str, Value], ...] = ()
    starred: bool = False

    def get(self, position: int | None, *names: str) -> Value | None:
        """Return the argument at `position`, or by one of `names`; None if it is not given."""
        if position is not None and position < len(self.positional):
            return self.positional[position]
        for name, value in self.named:
            if name in names:
                return value
        return None

    def after(self, count: int, *names: str) -> Arguments:
        """Return the arguments without the first `count` positional ones and without `names`."""
        named = tuple((name, value) for name, value in self.named if name not in names)
        return Arguments(self.positional[count:], named, self.starred)

    def values(self) -> tuple[Value, ...]:
        """Return all of them."""
        return (*self.positional, *(value for _, value in self.named))


def choice_of(options: list[Value] | tuple[Value, ...]) -> Value:
    """Return one of `options`, by the path taken; constants count as nothing."""
    if len(options) == 1:
        return options[0]
    flat: dict[Value, None] = {}
    for option in options:
        if isinstance(option, Choice):
            flat.update(dict.fromkeys(option.options))
        elif option is not NOTHING:
            flat[option] = None
    if not flat:
        return NOTHING if options else UNKNOWN
    if len(flat) == 1:
        return next(iter(flat))
    return Choice(tuple(flat)) if len(flat) <= _MOST_OPTIONS else UNKNOWN


def merged(one: Table, other: Value) -> Table:
    """Return ``one | other``."""
    pairs = other.pairs() if isinstance(other, Table) else None
    if pairs is None:
        return Table((*one.items, *(other.items if isinstance(other, Table) else ()), UNKNOWN))
    for key, item in pairs:
        one = one.put(key, item)
    return one


def one_list(value: Value) -> Value:
    """Return `value`, or for a choice of lists one list with any of their items."""
    if not isinstance(value, Choice):
        return value
    items: dict[Value, None] = {}
    for option in value.options:
        if not isinstance(option, Items | Many):
            return value
        items.update(dict.fromkeys(option.items))
    return Many(tuple(items))


_MOST_OPTIONS = 8
