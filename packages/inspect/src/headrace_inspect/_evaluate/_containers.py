"""Lists and mappings: their items, and what is added to them later."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from ._expressions import await_, call_special
from ._values import (
    UNKNOWN,
    Arguments,
    Instance,
    Items,
    Parallel,
    Pending,
    Table,
    Value,
    options_of,
    union,
)

if TYPE_CHECKING:
    from ._engine import Engine
    from ._frame import Frame


class Containers:
    """The items of containers, and those added after these were made, by where that was."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._added: dict[ast.AST, dict[tuple[object, Value], None]] = {}

    def put(self, container: Items | Table, key: object, value: Value) -> None:
        """Add something to a list or mapping after it was made."""
        if container.origin is not None and value is not UNKNOWN:
            self._added.setdefault(container.origin, {})[key, value] = None

    def entries(self, container: Items | Table) -> list[tuple[object, Value]]:
        """Return the items of a container by their keys."""
        entries: list[tuple[object, Value]] = (
            [*enumerate(container.values)] if isinstance(container, Items) else [*container.entries]
        )
        if container.origin is not None:
            entries += self._added.get(container.origin, ())
        return entries

    def contents(self, value: Value) -> Arguments:
        """Return the items of a container, in their order."""
        found: list[Value] = []
        for option in options_of(value):
            match option:
                case Items() | Table():
                    found += [one for _, one in self.entries(option)]
                case Pending(result=result):
                    found += self.contents(result)
                case Parallel(members=members):
                    found += members
                case _:
                    pass
        return tuple(found)

    def item(self, value: Value, key: object) -> Value:
        """Return the item of a container at `key`, or all of them where that is None."""
        results: list[Value] = []
        for option in options_of(value):
            if isinstance(option, Pending):
                results.append(self.item(option.result, key))
            if not isinstance(option, Items | Table):
                continue
            entries = self.entries(option)
            exact = [one for known, one in entries if key is not None and known == key]
            if isinstance(option, Table):
                exact = exact[-1:]  # what is put later replaces what was there
            is_uniform = isinstance(option, Items) and len(option.values) == 1
            results += exact or [
                one
                for known, one in entries
                if is_uniform or key is None or known is None or isinstance(known, Value)
            ]
        return union(*results)

    def element(self, frame: Frame, value: Value) -> Value:
        """Return what iterating over `value` gives."""
        results: list[Value] = []
        for option in options_of(value):
            special = self._engine.registry.elements.get(type(option))
            if special is not None:
                results.append(special(frame, option))
            elif isinstance(option, Instance):
                results.append(self._iterated(frame, option))
            elif not isinstance(option, Table):
                results += self.contents(option)
        return union(*results)

    def _iterated(self, frame: Frame, value: Instance) -> Value:
        node = ast.Pass(lineno=frame.context.line)
        for name in ("__iter__", "__aiter__"):
            made = call_special(frame, value, name, node)
            await_(frame, made, node)
            if made is not UNKNOWN:
                return union(*self.contents(made))
        return UNKNOWN
