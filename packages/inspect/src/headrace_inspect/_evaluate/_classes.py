"""Inheritance: the classes above a class and those below it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from headrace_inspect._symbols._entities import Binding, Class

from ._values import ClassValue, External, Value, options_of

if TYPE_CHECKING:
    from ._engine import Engine

Ancestor = Class | str
_MOST = 12


class Classes:
    """The class hierarchy of the program."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._orders: dict[Class, list[Ancestor]] = {}
        self._children: dict[Class, list[Class]] | None = None
        self._bases: dict[Class, list[Value]] = {}

    def order(self, cls: Class) -> list[Ancestor]:
        """Return the method resolution order; a class of a library is a dotted name."""
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
        return found

    def bases(self, cls: Class) -> list[Value]:
        """Return the base classes."""
        if cls not in self._bases:
            self._bases[cls] = []
            frame = self._engine.quiet(cls.scope)
            for node in cls.node.bases:
                inner = node.value if isinstance(node, ast.Subscript) else node
                self._bases[cls] += options_of(self._engine.evaluate(frame, inner))[:1]
        return self._bases[cls]

    def is_a(self, cls: Class, *names: str) -> bool:
        """Return whether `cls` inherits from one of these classes of libraries."""
        return any(base in names for base in self.order(cls) if isinstance(base, str))

    def find(
        self, cls: Class, name: str, after: Class | None = None
    ) -> tuple[Class, list[Binding]] | None:
        """Return the class that defines the member `name`, and what it is bound to."""
        order = self.order(cls)
        if after is not None:
            order = order[order.index(after) + 1 :] if after in order else self.order(after)[1:]
        for base in order:
            if isinstance(base, Class) and name in base.members:
                return base, base.members[name]
        return None

    def overriding(self, cls: Class, name: str) -> list[Class]:
        """Return the direct and indirect subclasses that define `name` themselves."""
        if self._children is None:
            self._children = {}
            for one in self._engine.all_classes():
                for base in self.bases(one):
                    if isinstance(base, ClassValue):
                        self._children.setdefault(base.cls, []).append(one)
        below: dict[Class, None] = {}
        waiting = [*self._children.get(cls, ())]
        while waiting:
            one = waiting.pop(0)
            if one not in below:
                below[one] = None
                waiting += self._children.get(one, ())
        return [one for one in below if name in one.members][:_MOST]


def _merge(lists: list[list[Ancestor]]) -> list[Ancestor]:
    merged: list[Ancestor] = []
    rest = [chain for chain in lists if chain]
    while rest:
        heads = [chain[0] for chain in rest]
        free = [one for one in heads if not any(one in chain[1:] for chain in rest)]
        merged.append((free or heads)[0])  # where nothing is free, no consistent order exists
        rest = [kept for chain in rest if (kept := [one for one in chain if one != merged[-1]])]
    return merged
