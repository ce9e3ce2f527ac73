"""Pickles of the values of a run, with their secrets masked."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from .rules import MASK
from .secrets import find_secrets, text_of_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .rules import Blotter


def pack(values: Mapping[str, Any], names: frozenset[str], blot: Blotter) -> dict[str, bytes]:
    """Pickle the `values` with their secrets masked; skip those that cannot be pickled.

    Args:
        values: the context of a run.
        names: the keys of secrets.
        blot: masks the secrets in a text.
    """
    masking = _Masking(names, blot) if names else None
    packed: dict[str, bytes] = {}
    for key, value in values.items():
        data = _pickled(value) if masking is None else masking.pickled(key, value)
        if data is not None:
            packed[key] = data
    return packed


def unpack(packed: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the unpickled values; skip those that this process cannot load."""
    values: dict[str, Any] = {}
    for key, data in packed.items():
        try:
            values[key] = pickle.loads(data)  # noqa: S301 - already inside a pickle
        except Exception:  # noqa: S112 - for example, a type that this process lacks
            continue
    return values


def _pickled(value: Any) -> bytes | None:
    try:
        return pickle.dumps(value)
    except Exception:  # a lock, a connection, a lambda
        return None


class _Masking:
    """Makes copies of values with their secrets masked."""

    def __init__(self, names: frozenset[str], blot: Blotter) -> None:
        self._names = names
        self._blot = blot
        self._copies: dict[int, Any] = {}

    def pickled(self, key: str, value: Any) -> bytes | None:
        try:
            copy = self._of(key, value)
        except RecursionError:
            return None
        data = _pickled(copy)
        # An object may store a secret where only its own code can find it.
        hides = data is None or isinstance(copy, str) or self._blot.leaves(data)
        return data if hides else _pickled(MASK)

    def _of(self, key: Any, value: Any) -> Any:
        if text_of_key(key) in self._names:
            return MASK
        kind = type(value)
        if value is None or kind is bool:
            return value
        if kind is str:
            return self._blot(value)
        if kind in {int, float, bytes, complex}:
            return value if self._blot.leaves(str(value).encode()) else MASK
        if id(value) not in self._copies:
            self._copies[id(value)] = MASK  # a tuple or an object that contains itself
            self._copies[id(value)] = self._copy(value, kind)
        return self._copies[id(value)]

    def _copy(self, value: Any, kind: type) -> Any:
        if kind is dict:
            copy = self._copies[id(value)] = {}
            copy.update((key, self._of(key, each)) for key, each in value.items())
            return copy
        if kind is list:
            items = self._copies[id(value)] = []
            items.extend(self._of(None, each) for each in value)
            return items
        if kind in {tuple, set, frozenset}:
            return kind(self._of(None, each) for each in value)
        return MASK if find_secrets([value], self._names) != [] else value
