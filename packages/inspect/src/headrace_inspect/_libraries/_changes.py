"""Methods that change what a variable holds: lists that grow, chains that are built on."""

from __future__ import annotations

from headrace_inspect._names._library_values import ChainValue, Signature
from headrace_inspect._names._values import UNKNOWN, Choice, Items, Many, Table, Value


def changed_by(owner: Value, name: str, result: Value) -> Value | None:
    """Return what a variable with `owner` holds after a call of its method `name`.

    None where it is what it was.
    """
    if isinstance(owner, ChainValue) and name in {"next", "parallel", "put"}:
        return result
    if isinstance(owner, Signature) and name in {"set", "link", "link_error", "on_error"}:
        return result
    if isinstance(owner, Items | Many) and name in _GROWING | _ORDERING:
        return result
    if isinstance(owner, Items | Many) and name in {"pop", "popleft"}:
        return Many(owner.items)
    if isinstance(owner, Table):
        if name == "update":
            return result
        return Table((*owner.items, UNKNOWN)) if name in _TAKING else None
    return None


def is_changeable(value: Value) -> bool:
    """Tell whether calls of methods may change what `value` is."""
    if isinstance(value, Choice):
        return any(is_changeable(option) for option in value.options)
    return isinstance(value, ChainValue | Items | Many | Table)


_ORDERING = frozenset(["clear", "remove", "reverse", "sort"])
_TAKING = frozenset(["clear", "pop", "popitem", "setdefault"])
_GROWING = frozenset(["append", "extend", "insert", "add", "appendleft", "update"])
