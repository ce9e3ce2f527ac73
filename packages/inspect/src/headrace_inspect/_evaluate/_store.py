"""Values shared between bodies: attributes, items, results and classes of arguments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from ._contexts import Context
from ._values import Value, shallow, union

_MAX_ITEMS = 64


class Store:
    """Values by key. A body that read a value before it grew is evaluated again."""

    def __init__(self) -> None:
        self._values: dict[object, Value] = {}
        self._added: dict[object, dict[tuple[Any, Value], None]] = defaultdict(dict)
        self._readers: dict[object, dict[Context, None]] = defaultdict(dict)
        self._outdated: dict[Context, None] = {}

    def put(self, key: object, value: Value) -> None:
        """Add a value to those under `key`."""
        known = self._values.get(key)
        made = union(known, shallow(value, 2))
        if made is not None and made != known:
            self._values[key] = made
            self._outdated.update(self._readers.get(key, ()))

    def get(self, key: object, reader: Context) -> Value:
        """Return the union of the values under `key` so far."""
        found = self._values.get(key)
        if found is None and reader.function is not None:
            self._readers[key][reader] = None
        return found

    def add(self, origin: object, key: Any, value: Value) -> None:
        """Store an item added to the container created at `origin`."""
        added, entry = self._added[origin], (key, shallow(value, 2))
        if entry not in added and len(added) < _MAX_ITEMS:
            added[entry] = None
            self._outdated.update(self._readers.get(origin, ()))

    def added(self, origin: object, reader: Context) -> Iterable[tuple[Any, Value]]:
        """Return the items added to a container so far."""
        if reader.function is not None:
            self._readers[origin][reader] = None
        return self._added.get(origin, ())

    def outdated(self) -> list[Context]:
        """Return and clear the bodies to evaluate again."""
        found, self._outdated = self._outdated, {}
        return list(found)
