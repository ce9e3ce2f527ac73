"""Values shared between bodies: attributes, items, results and classes of arguments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from ._contexts import Context
from ._values import Constant, Value, shallow, union

_MAX_ITEMS = 64


class Store:
    """Values by key. A body is evaluated again if what it read would be different now."""

    def __init__(self) -> None:
        self._values: dict[object, Value] = {}
        self._added: dict[object, dict[tuple[Any, Value], None]] = defaultdict(dict)
        self._known_items: dict[object, Value] = {}
        self._readers: dict[object, dict[Context, None]] = defaultdict(dict)
        self._outdated: dict[Context, None] = {}

    def put(self, key: object, value: Value) -> None:
        """Add a value to those under `key`."""
        known = self._values.get(key)
        made = union(known, shallow(value, 2))
        if made is not known:
            self._values[key] = made
            if _matters(made):
                self._outdated.update(self._readers.get(key, ()))

    def get(self, key: object, reader: Context | None = None) -> Value:
        """Return the union of the values under `key` so far; `reader` waits for the first."""
        found = self._values.get(key)
        if reader is not None and reader.function is not None and not _matters(found):
            self._readers[key][reader] = None
        return found

    def add(self, origin: object, key: Any, value: Value) -> None:
        """Store an item added to the container created at `origin`."""
        added, item = self._added[origin], shallow(value, 2)
        if (key, item) in added or len(added) >= _MAX_ITEMS:
            return
        added[key, item] = None
        known = self._known_items.get(origin)
        made = self._known_items[origin] = union(known, item)
        if made is not known and _matters(item):
            self._outdated.update(self._readers.get((origin, None), ()))
        if key is not None and _matters(item):
            self._outdated.update(self._readers.get((origin, key), ()))

    def added(self, origin: object, key: Any, reader: Context) -> Iterable[tuple[Any, Value]]:
        """Return the items added to a container so far; `reader` waits for more at `key`."""
        if reader.function is not None:
            self._readers[origin, None][reader] = None
            if key is not None:
                self._readers[origin, key][reader] = None
        return self._added.get(origin, ())

    def outdated(self) -> Iterator[Context]:
        """Yield the bodies to evaluate again, each once."""
        found, self._outdated = self._outdated, {}
        for context in found:
            self._outdated.pop(context, None)
            yield context


def _matters(value: Value) -> bool:
    """Return whether calls may depend on a value; on a number or a flag they never do."""
    return value is not None and (not isinstance(value, Constant) or isinstance(value.value, str))
