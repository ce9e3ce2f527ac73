"""Values shared between bodies: attributes, items and the classes of arguments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from ._contexts import Context
from ._values import Constant, Value, shallow, union

_MAX_ITEMS = 64


class Store:
    """Values by key. A body is evaluated again if what it read would be different now."""

    def __init__(self) -> None:
        self._values: dict[object, Value] = {}
        self._added: dict[object, dict[tuple[Any, Value], None]] = defaultdict(dict)
        self._readers: dict[object, dict[Context, None]] = defaultdict(dict)
        self._outdated: dict[Context, None] = {}

    def put(self, key: object, value: Value) -> None:
        """Add a value to those under `key`."""
        known = self._values.get(key)
        made = union(known, shallow(value, 2))
        if made is not known:
            self._values[key] = made
            if matters(made):
                self._outdated.update(self._readers.get(key, ()))

    def get(self, key: object, reader: Context) -> Value:
        """Return the union of the values under `key` so far; `reader` waits for the first."""
        found = self._values.get(key)
        if not matters(found):
            self._readers[key][reader] = None
        return found

    def wait(self, key: object, reader: Context) -> None:
        """Evaluate `reader` again once there is a value under `key`."""
        self._readers[key][reader] = None

    def is_awaited(self, key: object) -> bool:
        """Tell whether a body waits for a value under `key`."""
        return key in self._readers

    def add(self, origin: object, key: Any, value: Value) -> None:
        """Store an item added to the container created at `origin`."""
        added, item = self._added[origin], shallow(value, 2)
        if (key, item) not in added and len(added) < _MAX_ITEMS:
            added[key, item] = None
            if matters(item):
                self._outdated.update(self._readers.get(("items", origin), ()))

    def added(self, origin: object, reader: Context) -> Iterable[tuple[Any, Value]]:
        """Return the items added to a container so far; `reader` waits for more."""
        self._readers["items", origin][reader] = None
        return self._added.get(origin, ())

    def outdated(self) -> list[Context]:
        """Return the bodies to evaluate again."""
        found, self._outdated = list(self._outdated), {}
        return found


def matters(value: Value) -> bool:
    """Return whether calls may depend on a value; on a number or a flag they never do."""
    return value is not None and (not isinstance(value, Constant) or isinstance(value.value, str))
