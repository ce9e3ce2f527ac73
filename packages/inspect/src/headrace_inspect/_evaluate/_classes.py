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
        self._below: dict[Class, list[Class]] = {}
        self._bases: dict[Class, list[Value]] = {}

    def order(self, cls: Class) -> list[Ancestor]:
        """Return the method resolution order; a class of a library is a dotted name."""
        found = self._orders.get(cls)
        if found is None:
            self._orders[cls] = [cls]
            lists = [self._order_of(base) for base in self.bases(cls)]
            heads: list[Ancestor] = [chain[0] for chain in lists if chain]
            found = self._orders[cls] = [cls, *_merge([*lists, heads])]
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

    def _order_of(self, base: Value) -> list[Ancestor]:
        if isinstance(base, ClassValue):
            return list(self.order(base.cls))
        return [base.name] if isinstance(base, External) else []

    def is_a(self, cls: Class, *names: str) -> bool:
        """Return whether `cls` inherits from one of these classes of libraries."""
        return any(base in names for base in self.order(cls) if isinstance(base, str))

    def below(self, cls: Class) -> list[Class]:
        """Return the direct and indirect subclasses."""
        if self._children is None:
            self._children = {}
            for one in self._engine.all_classes():
                for base in self.bases(one):
                    if isinstance(base, ClassValue):
                        self._children.setdefault(base.cls, []).append(one)
        found = self._below.get(cls)
        if found is None:
            seen: dict[Class, None] = {}
            waiting = list(self._children.get(cls, ()))
            while waiting:
                one = waiting.pop(0)
                if one not in seen:
                    seen[one] = None
                    waiting.extend(self._children.get(one, ()))
            found = self._below[cls] = list(seen)
        return found

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
        """Return the subclasses that define `name` themselves."""
        return [one for one in self.below(cls) if name in one.members][:_MOST]


def _merge(lists: list[list[Ancestor]]) -> list[Ancestor]:
    merged: list[Ancestor] = []
    rest = [chain for chain in lists if chain]
    while rest:
        for chain in rest:
            head = chain[0]
            if not any(head in other[1:] for other in rest):
                break
        else:  # no consistent order exists
            head = rest[0][0]
        merged.append(head)
        rest = [kept for chain in rest if (kept := [one for one in chain if one != head])]
    return merged
