"""References into a chain's context, such as ``"order.customer.name"``, compiled once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._errors import UnresolvedReferenceError

if TYPE_CHECKING:
    from ._result import ChainResult

    Getter = Callable[[ChainResult], Any]

MISSING: Any = object()


@dataclass(frozen=True, slots=True)
class Reference:
    """A value of the context, by its dotted path; see `ref`."""

    path: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that is passed as it is; see `literal`."""

    value: Any


def ref(path: str) -> Reference:
    """Refer to a value of the chain's context, for `args`, `kwargs` and `when`.

    A plain `str` there means the same.

    Args:
        path: a key of the context, and behind dots the keys of mappings or attributes:
            ``"order.customer.name"``.

    Raises:
        TypeError: `path` is not a string.
        ValueError: `path` has an empty part, or reaches for a double-underscore name.
    """
    split(path, "ref()")
    return Reference(path)


def literal(value: Any) -> Literal:
    """Pass `value` itself to a step, where a `str` would be taken for a reference."""
    return Literal(value)


def split(path: str, where: str) -> tuple[str, ...]:
    """Return the parts of a dotted path.

    Args:
        path: the path.
        where: what holds it, for the message of an error.

    Raises:
        TypeError: `path` is not a string.
        ValueError: it has an empty part, or reaches for a double-underscore name.
    """
    if not isinstance(path, str):
        raise TypeError(f"{where} takes a dotted path such as 'order.id', not {path!r}")
    if path.isidentifier() and path[0] != "_":
        return (path,)
    parts = tuple(path.split("."))
    if not all(parts):
        raise ValueError(f"{where}: the reference {path!r} has an empty part")
    for part in parts:
        if part.startswith("__") and part.endswith("__") and part != "__len__":
            raise ValueError(
                f"{where}: the reference {path!r} reaches for {part!r}; of double-underscore names "
                f"only __len__ can be reached"
            )
    return parts


def hop(value: Any, part: str) -> Any:
    """Return what `part` leads to from `value`: a mapping's key, else an attribute; or MISSING."""
    if isinstance(value, Mapping) and part in value:
        return value[part]
    return getattr(value, part, MISSING)


def follow(context: Mapping[str, Any], parts: tuple[str, ...]) -> Any:
    """Return what `parts` lead to from `context`, or MISSING."""
    value = context.get(parts[0], MISSING)
    for part in parts[1:]:
        if value is MISSING:
            break
        value = hop(value, part)
    return value


def getter(parts: tuple[str, ...], step: str, strict: bool) -> Getter:
    """Return a function that resolves a reference; without `strict`, to None at the worst."""
    key = parts[0]
    if strict:
        return _strict_getter(parts, step)
    if len(parts) == 1:
        return lambda context: context.get(key)

    def get(context: ChainResult) -> Any:
        value = follow(context, parts)
        return None if value is MISSING else value

    return get


def _strict_getter(parts: tuple[str, ...], step: str) -> Getter:
    def get(context: ChainResult) -> Any:
        value = follow(context, parts)
        if value is MISSING:
            raise _unresolved(parts, step, context)
        return value

    return get


def _unresolved(
    parts: tuple[str, ...], step: str, context: ChainResult
) -> UnresolvedReferenceError:
    known = 0
    while follow(context, parts[: known + 1]) is not MISSING:
        known += 1
    where = (
        f"{'.'.join(parts[:known])!r} has no {parts[known]!r}"
        if known
        else (f"the context has {', '.join(map(repr, context)) or 'no keys'}")
    )
    error = UnresolvedReferenceError(
        step, f"the reference {'.'.join(parts)!r} leads nowhere: {where}"
    )
    error.result = context
    return error
