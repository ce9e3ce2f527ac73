"""Inheritance: superclasses and subclasses."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from headrace_inspect._symbols._entities import Class, Function
from headrace_inspect._symbols._syntax import Definition

from ._values import ClassValue, External, Instance, Value, options_of

if TYPE_CHECKING:
    from ._engine import Engine

Ancestor = Class | str
_MAX_SUBCLASSES = 48
_COMMON_METHODS = frozenset(
    name for kind in (str, bytes, int, dict, list, set, object) for name in dir(kind)
) | frozenset([
    "aggregate", "all", "annotate", "bulk_create", "cancel", "clean", "close", "commit", "connect",
    "create", "critical", "debug", "delete", "dispatch", "done", "dump", "dumps", "error",
    "exception", "execute", "exists", "filter", "first", "flush", "get_or_create", "handle", "info",
    "is_valid", "json", "last", "load", "loads", "log", "open", "order_by", "patch", "post",
    "prefetch_related", "process", "put", "read", "refresh", "render", "request", "reset", "result",
    "rollback", "run", "save", "select_related", "send", "setup", "start", "stop", "submit",
    "update_or_create", "validate", "values_list", "wait", "warning", "write",
])  # fmt: skip
"""Method names that are common in libraries."""


class Classes:
    """The class hierarchy of the program."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._orders: dict[Class, list[Ancestor]] = {}
        self._sources: dict[Class, list[Class]] = {}
        self._bases: dict[Class, list[Value]] = {}
        self._below: dict[Class, list[Class]] = defaultdict(list)
        self._owners: dict[str, list[Class]] | None = None
        self._overriding: dict[tuple[Class, str], list[Class]] = {}
        self._by_name: dict[str, Class | None] | None = None
        self._names_below: dict[Class, set[str]] = {}
        self._names_used: dict[tuple[Class, Function], set[str]] = {}

    def all(self) -> list[Class]:
        """Return all classes of the program."""
        return [one for module in self._engine.program.modules for one in module.classes]

    def order(self, cls: Class) -> list[Ancestor]:
        """Return the method resolution order; a library class is a dotted name."""
        found = self._orders.get(cls)
        if found is None:
            self._orders[cls] = [cls]
            lists: list[list[Ancestor]] = []
            for base in self.bases(cls):
                if isinstance(base, ClassValue):
                    lists.append([*self.order(base.cls)])
                elif isinstance(base, External):
                    lists.append([base.name])
            found = self._orders[cls] = [cls, *_merge([*lists, [chain[0] for chain in lists]])]
            self._sources[cls] = [one for one in found if isinstance(one, Class)]
        return found

    def sources(self, cls: Class) -> list[Class]:
        """Return the class and its superclasses in the source."""
        found = self._sources.get(cls)
        if found is None:  # also while the order is being computed, if that needs the class itself
            self.order(cls)
            found = self._sources.get(cls, [cls])
        return found

    def bases(self, cls: Class) -> list[Value]:
        """Return the base classes."""
        if cls not in self._bases:
            self._bases[cls] = []
            for node in cls.bases:
                inner = node[1] if isinstance(node, tuple) and node[0] == "s" else node
                base = self._engine.evaluate(cls.home, inner)
                self._bases[cls].append(next(iter(options_of(base)), None))
        return self._bases[cls]

    def is_a(self, cls: Class, *names: str) -> bool:
        """Tell whether `cls` inherits from one of these library classes."""
        return any(base in names for base in self.order(cls) if isinstance(base, str))

    def find(self, cls: Class, name: str, after: Class | None = None) -> Class | None:
        """Return the class that defines the member `name`."""
        if after is None:
            return next((one for one in self.sources(cls) if name in one.names), None)
        order = self.order(cls)
        order = order[order.index(after) + 1 :] if after in order else self.order(after)[1:]
        return next((one for one in order if isinstance(one, Class) and name in one.names), None)

    def method(self, cls: Class, name: str) -> Function | None:
        """Return the method `name` of a class, if that is what defines the name."""
        found = self.find(cls, name)
        return None if found is None else found.methods.get(name)

    def definition(self, cls: Class, name: str) -> Definition:
        """Return the definition of the member `name` that a class itself defines."""
        made: Definition = cls.code.definitions[cls.names[name][-1]]
        return made

    def defines(self, value: Value, name: str) -> bool:
        """Tell whether the source defines the member `name` of an instance."""
        return isinstance(value, Instance) and self.find(value.cls, name) is not None

    def methods_of(self, cls: Class) -> list[Function]:
        """Return the methods of a class in the source, including inherited ones."""
        found: dict[str, Function] = {}
        for base in self.sources(cls):
            for name, method in base.methods.items():
                found.setdefault(name, method)
        return list(found.values())

    def names_used(self, cls: Class, method: Function) -> set[str]:
        """Return the members of ``self`` that a method uses, directly or through other methods."""
        found = self._names_used.get((cls, method))
        if found is None:
            found, waiting = set(method.syntax.own), [*method.syntax.own]
            while waiting:
                name = waiting.pop()
                for one in [one for one in self.sources(cls) if name in one.methods]:
                    new = one.methods[name].syntax.own - found
                    found |= new
                    waiting += new
            self._names_used[cls, method] = found
        return found

    def overriding(self, cls: Class, name: str) -> list[Class]:
        """Return the direct and indirect subclasses that define `name` themselves."""
        key = (cls, name)
        if key not in self._overriding:
            found = [one for one in self.subclasses(cls) if name in one.names]
            self._overriding[key] = found[:_MAX_SUBCLASSES]
        return self._overriding[key]

    def find_subclasses(self) -> None:
        """Find the direct subclasses of each class."""
        for one in self.all():
            for base in self.bases(one):
                if isinstance(base, ClassValue):
                    self._below[base.cls].append(one)

    def subclasses(self, cls: Class) -> list[Class]:
        """Return the direct and indirect subclasses, the nearest first."""
        found: dict[Class, None] = {}
        waiting = [*self._below.get(cls, ())]
        while waiting:
            one = waiting.pop(0)
            if one not in found:
                found[one] = None
                waiting += self._below.get(one, ())
        return list(found)

    def names_below(self, cls: Class) -> set[str]:
        """Return the names of the members that subclasses define."""
        if cls not in self._names_below:
            names = self._names_below[cls] = set[str]()
            for one in self._below.get(cls, ()):
                names |= one.names.keys() | self.names_below(one)
        return self._names_below[cls]

    def named_after(self, name: str | None) -> Class | None:
        """Return the only class that ``"app.ParcelLabel"`` or ``"parcellabel"`` may mean."""
        if self._by_name is None:
            self._by_name = {}
            for cls in [one for one in self.all() if not one.module.is_test]:
                key = cls.name.lower()
                self._by_name[key] = None if key in self._by_name else cls
        return self._by_name.get((name or "").rpartition(".")[2].lower())

    def only_owner(self, name: str) -> Class | None:
        """Return the class that defines this method, if all others that do are its subclasses."""
        if self._owners is None:
            self._owners = defaultdict(list)
            for cls in [one for one in self.all() if not one.module.is_test]:
                for member in cls.methods:
                    self._owners[member].append(cls)
        found = self._owners.get(name, []) if name not in _COMMON_METHODS else []
        tops = [cls for cls in found if not any(one in found for one in self.sources(cls)[1:])]
        return tops[0] if len(tops) == 1 and len(found) <= 3 and not name.startswith("__") else None


def _merge(lists: list[list[Ancestor]]) -> list[Ancestor]:
    merged: list[Ancestor] = []
    rest = [chain for chain in lists if chain]
    while rest:
        heads = [chain[0] for chain in rest]
        free = [one for one in heads if not any(one in chain[1:] for chain in rest)]
        merged.append((free or heads)[0])  # if nothing is free, no consistent order exists
        rest = [kept for chain in rest if (kept := [one for one in chain if one != merged[-1]])]
    return merged
