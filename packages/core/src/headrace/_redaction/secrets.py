"""The search for secrets among the values of a chain, which never runs the values' own code.

The value of a named key is a secret: in a mapping, in a record, or as an attribute of an object.
Attributes are read from an object's ``__dict__`` and slots, never with `getattr`: a property may
fail, and an ORM attribute may query the database.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from itertools import repeat
from types import (
    FunctionType,
    GetSetDescriptorType,
    MappingProxyType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any

LIMIT = 500_000
"""Maximum number of values searched; beyond it the secrets are unknown."""

_ATOMS = frozenset([bool, bytes, complex, float, int, str, type(None)])
_WORDS = frozenset([bool, bytearray, bytes, complex, float, int, memoryview, str])
_BUILTINS = _WORDS | {deque, dict, frozenset, list, MappingProxyType, set, tuple}
_RECORDS = (
    "__attrs_attrs__",
    "__dataclass_fields__",
    "__pydantic_fields__",
    "__struct_fields__",
    "model_fields",
)
_DEFINITIONS = (FunctionType, MethodType, ModuleType, type)
# A value is open, a secret, or a part of a secret object.
_OPEN, _SECRET, _PART = 0, 1, 2

_mro_of = type.__dict__["__mro__"].__get__
_namespace_of = type.__dict__["__dict__"].__get__

_Items = list[tuple[Any, Any]]


def find_secrets(values: Iterable[Any], names: frozenset[str]) -> list[Any] | None:
    """Return the values under the keys `names`, at any depth; None if some are unknown.

    Args:
        values: the values to search; cycles are allowed.
        names: the keys.
    """
    search = _Search(names)
    try:
        search.run(values)
    except (_UnknownError, RuntimeError):  # or another thread changes a dict during the search
        return None
    return search.found


def text_of_key(key: Any) -> str | None:
    """Return a key as a plain `str` if it is a kind of `str`, such as a member of a `StrEnum`."""
    return str.__str__(key) if issubclass(type(key), str) else None


class _UnknownError(Exception):
    """There are too many values, or some cannot be read without running their code."""


class _Search:
    """One search; see `find_secrets`."""

    __slots__ = ("_left", "_names", "_seen", "_shapes", "_waiting", "found")

    def __init__(self, names: frozenset[str]) -> None:
        self.found: list[Any] = []
        self._names = names
        self._left = LIMIT
        self._shapes: dict[int, Shape] = {}
        self._waiting: tuple[list[Any], ...] = ([], [], [])  # by state, like `_seen`
        self._seen: tuple[set[int], ...] = (set(), set(), set())

    def run(self, values: Iterable[Any]) -> None:
        self._waiting[_OPEN].extend(values)
        while any(self._waiting):
            for state in (_OPEN, _SECRET, _PART):
                self._run(state, self._waiting[state], self._seen[state])

    def _run(self, state: int, waiting: list[Any], seen: set[int]) -> None:
        while waiting:
            value = waiting.pop()
            if id(value) in seen:
                continue
            seen.add(id(value))
            kind = type(value)
            # Fast path: nearly all values of a large context are in plain dicts and lists.
            if kind is dict and not state:
                self._take(len(value))
                self._search_dict(value)
            elif kind is list and not state:
                self._take(len(value))
                waiting += [child for child in value if type(child) not in _ATOMS]
            else:
                self._search_value(value, state)

    def _take(self, count: int) -> None:
        self._left -= count + 1
        if self._left < 0:
            raise _UnknownError

    def _search_dict(self, value: dict[Any, Any]) -> None:
        names, waiting = self._names, self._waiting
        for key, child in value.items():
            if (key if type(key) is str else text_of_key(key)) in names:
                (self.found if type(child) in _ATOMS else waiting[_SECRET]).append(child)
            elif type(child) not in _ATOMS:
                waiting[_OPEN].append(child)

    def _search_value(self, value: Any, state: int) -> None:
        kind = type(value)
        shape = self._shapes.get(id(kind))
        if shape is None:
            shape = self._shapes[id(kind)] = Shape(kind, self._names)
        children = shape.children(value, state)
        if children is None:
            raise _UnknownError
        self._take(len(children))
        inherited = _PART if state and shape.is_object else state
        for key, child in children:
            inner = inherited or (_SECRET if text_of_key(key) in self._names else _OPEN)
            if type(child) not in _ATOMS:
                self._waiting[inner].append(child)
            elif inner:
                self.found.append(child)


class Shape:
    """Where objects of a type store their values.

    Args:
        kind: the type.
        names: the keys whose values are secrets.

    Attributes:
        is_object: whether the type is neither a built-in container nor a kind of text or number.
    """

    __slots__ = (
        "_base",
        "_computed",
        "_constants",
        "_dict",
        "_fields",
        "_is_definition",
        "_is_record",
        "_names",
        "_slots",
        "_text",
        "is_object",
    )

    def __init__(self, kind: type, names: frozenset[str]) -> None:
        self._names = names
        self._base: Any = next((base for base in _mro_of(kind) if base in _BUILTINS), None)
        self.is_object = self._base is None
        spaces = [_namespace_of(base) for base in _mro_of(kind)]
        if not self.is_object:
            self._fields = _first(spaces, "_fields")  # of a named tuple
            return
        self._is_definition = issubclass(kind, _DEFINITIONS)
        self._is_record = issubclass(kind, Mapping | Sequence | AbstractSet) or any(
            name in space for name in _RECORDS for space in spaces
        )
        self._dict = _first(spaces, "__dict__")
        slots = [item for space in spaces for item in space.items()]
        self._slots = [
            (name, member) for name, member in slots if type(member) is MemberDescriptorType
        ]
        self._constants: _Items = []
        self._computed: list[tuple[str, bool]] = []
        for name in names:
            self._sort(name, _first(spaces, name))
        self._text = _source_of_text(kind)

    def children(self, value: Any, state: int) -> _Items | None:
        """Return the items of `value`, each with its key (None in a sequence).

        For an object that is neither a secret nor a record, these are only the attributes with a
        secret's name. None means that reading them would run the object's code.
        """
        if self.is_object:
            return self._attributes(value, state)
        if self._base in _WORDS:
            return [(None, _exact(self._base, value))] if state else []
        if self._base.__len__(value) > LIMIT:
            return None
        if self._base in {dict, MappingProxyType}:
            with suppress(Exception):  # a proxy may wrap a mapping with its own code
                return list(self._base.items(value))
            return None
        keys = self._fields if isinstance(self._fields, tuple) else repeat(None)
        return list(zip(keys, self._base.__iter__(value), strict=False))

    def hides(self, value: Any) -> bool:
        """Return whether reading a secret of the object `value` would run its code."""
        if not self.is_object or not self._computed:
            return False
        held = self._held(value)
        return any(name not in held for name, _ in self._computed)

    def _attributes(self, value: Any, state: int) -> _Items | None:
        held, names = self._held(value), self._names
        for name, is_property in self._computed:
            # A property often wraps an attribute with a leading underscore. An attribute that an
            # ORM or a cache has not loaded yet cannot have leaked.
            if is_property and name not in held and f"_{name}" not in held:
                return None
        if state and self._is_definition:
            return []
        if not state and not self._is_record:
            found = [
                (name, held[key]) for name in names for key in (name, f"_{name}") if key in held
            ]
            return found + self._constants
        items = [*held.items(), *self._constants]
        if state:
            if self._text == "known":
                with suppress(Exception):
                    items.append((None, str(value)))
            elif self._text == "foreign" and not items and state == _SECRET:
                return None
        return items

    def _held(self, value: Any) -> dict[Any, Any]:
        held: dict[Any, Any] = {}
        if type(self._dict) in {GetSetDescriptorType, MemberDescriptorType}:
            own = self._dict.__get__(value)
            if isinstance(own, dict):
                held.update(dict.items(own))
        for name, member in self._slots:
            with suppress(AttributeError):  # not set yet
                held.setdefault(name, member.__get__(value))
        return held

    def _sort(self, name: str, found: Any) -> None:
        """Classify the class attribute `found` under a secret's name."""
        if found is None or type(found) is MemberDescriptorType or isinstance(found, FunctionType):
            return
        if any("__get__" in _namespace_of(base) for base in _mro_of(type(found))):
            self._computed.append((name, issubclass(type(found), property)))
        else:
            self._constants.append((name, found))


def _first(spaces: list[Mapping[str, Any]], name: str) -> Any:
    return next((space[name] for space in spaces if name in space), None)


def _source_of_text(kind: type) -> str:
    """Return ``known``, ``foreign`` or ``none``: the code that makes the text of an object."""
    for name in ("__str__", "__repr__"):
        owner = next(base for base in _mro_of(kind) if name in _namespace_of(base))
        if owner is object:
            continue
        space = _namespace_of(owner)
        module = str(space.get("__module__")).partition(".")[0]
        is_known = type(space[name]) is WrapperDescriptorType or module in sys.stdlib_module_names
        return "known" if is_known else "foreign"
    return "none"


def _exact(base: Any, value: Any) -> Any:
    """Return an instance of a subclass of `str`, `bytes` or a number type as plain data."""
    if base in {bytes, bytearray, memoryview}:
        return memoryview(value).tobytes()
    return str.__str__(value) if base is str else base.__repr__(value)
