"""Lists and mappings: their items, including those added later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._contexts import Context
from ._expressions import call_special
from ._values import (
    Instance,
    Items,
    Known,
    Pending,
    Table,
    Value,
    options_of,
    union,
)

if TYPE_CHECKING:
    from ._engine import Engine


class Containers:
    """Reads and adds items of containers."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put(self, container: Value, key: Any, value: Value) -> None:
        """Add an item to an existing list or mapping."""
        if isinstance(container, Items | Table) and container.origin and value is not None:
            self._engine.store.add(container.origin, key, value)

    def _entries(self, frame: Context, container: Items | Table) -> list[tuple[Any, Value]]:
        entries: list[tuple[Any, Value]] = (
            [*enumerate(container.values)] if isinstance(container, Items) else [*container.entries]
        )
        if container.origin:
            entries += self._engine.store.added(container.origin, frame)
        return entries

    def contents(self, frame: Context, value: Value) -> list[Value]:
        """Return the items of a container, in order."""
        found: list[Value] = []
        for option in options_of(value):
            if isinstance(option, Items | Table):
                found += [one for _, one in self._entries(frame, option)]
            elif isinstance(option, Pending):
                found += [option.result] if option.is_generator else []
        return found

    def item(self, frame: Context, value: Value, key: Any) -> Value:
        """Return the item of a container at `key`, or the union of all items if `key` is None."""
        results: list[Value] = []
        for option in options_of(value):
            if isinstance(option, Pending):
                results.append(self.item(frame, option.result, key))
            if not isinstance(option, Items | Table):
                continue
            entries = self._entries(frame, option)
            exact = [one for known, one in entries if key is not None and known == key]
            if isinstance(option, Table):
                exact = exact[-1:]  # a later entry replaces an earlier one
            is_uniform = isinstance(option, Items) and len(option.values) == 1
            results += exact or [
                one
                for known, one in entries
                if is_uniform or key is None or known is None or isinstance(known, Known)
            ]
        return union(*results)

    def element(self, frame: Context, value: Value, node: Any = None) -> Value:
        """Return the union of the elements that iterating over `value` yields."""
        results: list[Value] = []
        for option in options_of(value):
            special = self._engine.registry.elements.get(type(option))
            if special is not None:
                results.append(special(frame, option))
            elif isinstance(option, Instance):
                for name in ("__iter__", "__aiter__"):
                    made = call_special(frame, option, name, node)
                    results += self.contents(frame, made)
            elif not isinstance(option, Table):
                results += self.contents(frame, option)
        return union(*results)
