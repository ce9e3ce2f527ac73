"""Lists and mappings: their items, and what is added to them later."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from ._values import (
    UNKNOWN,
    Arguments,
    Constant,
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
        self._added: dict[ast.AST, list[tuple[object, Value]]] = {}

    def put(self, container: Items | Table, key: object, value: Value) -> None:
        """Add something to a list or mapping after it was made."""
        if container.origin is not None and value is not UNKNOWN:
            added = self._added.setdefault(container.origin, [])
            if (key, value) not in added:
                added.append((key, value))

    def entries(self, container: Items | Table) -> list[tuple[object, Value]]:
        """Return the items of a container by their keys."""
        if isinstance(container, Items):
            entries: list[tuple[object, Value]] = list(enumerate(container.values))
        else:
            entries = list(container.entries)
        if container.origin is not None:
            entries += self._added.get(container.origin, [])
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
            if isinstance(option, Items | Table):
                entries = self.entries(option)
                exact = [one for known, one in entries if key is not None and known == key]
                if isinstance(option, Table):
                    exact = exact[-1:]  # what is put later replaces what was there
                if not exact:
                    is_uniform = isinstance(option, Items) and len(option.values) == 1
                    exact = [
                        one
                        for known, one in entries
                        if is_uniform or key is None or known is None or isinstance(known, Value)
                    ]
                results += exact
            elif isinstance(option, Pending):
                results.append(self.item(option.result, key))
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
        for start, following in (("__iter__", "__next__"), ("__aiter__", "__anext__")):
            made = self._engine.call_special(frame, value, start, node)
            for option in options_of(made):
                if isinstance(option, Pending):
                    frame.emit(option.targets, node)
                elif isinstance(option, Instance):
                    result = self._engine.call_special(frame, option, following, node)
                    return self._engine.await_(frame, result, node)
            if made is not UNKNOWN:
                return union(*self.contents(made))
        return UNKNOWN


def key_of(value: Value | None) -> object:
    """Return the key that a value is, or None where it is computed."""
    return value.value if isinstance(value, Constant) else None
