"""References into the context of a chain, such as ``"order.customer.name"``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from inspect import getattr_static
from types import CodeType, FrameType, MemberDescriptorType, TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

from headrace._messages.hints import did_you_mean

from .errors import UnresolvedReferenceError

if TYPE_CHECKING:
    from .result import ChainResult

    Getter = Callable[[ChainResult], Any]
    Path = tuple[str, ...]
    Operand: TypeAlias = "Path | Literal"
    Bind = Callable[[Callable[..., Any]], Callable[[ChainResult], Any]]

MISSING: Any = object()
UNKNOWN: Any = object()
"""Stands for a value that is known only at run time."""

# Frames and code objects give access to every variable of a program. The list is Jinja's
# (``jinja2/sandbox.py``), plus the attributes of frames and greenlets themselves.
_INNER_NAMES = frozenset([
    "ag_code",
    "ag_frame",
    "cr_code",
    "cr_frame",
    "f_back",
    "f_builtins",
    "f_code",
    "f_generator",
    "f_globals",
    "f_locals",
    "gi_code",
    "gi_frame",
    "gr_frame",
    "tb_frame",
])
_INNER_TYPES = frozenset([CodeType, FrameType, TracebackType])  # these cannot be subclassed
CONTAINERS = frozenset([dict, list, tuple])
"""Types whose lookups run no code of the application."""

_NOT_INDEXED = (str, bytes, bytearray)
_SHOWN_KEYS = 10


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to a value in the context, as the parts of its path; see `ref`."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Literal:
    """A value to pass as it is; see `literal`."""

    value: Any


def ref(path: str, *parts: str) -> Reference:
    """Return a reference to a value in the context, for `args`, `kwargs` and `when`.

    A plain `str` there means the same as ``ref`` of that `str`.

    Args:
        path: a key of the context, followed by dotted keys of mappings, indexes of sequences or
            attributes: ``"order.items.0.sku"``.
        parts: more parts, for keys that contain dots: ``ref("order", "a.b")``. With these, `path`
            is one key of the context, and nothing is split at dots.

    Raises:
        TypeError: a part is not a string.
        ValueError: a part is empty, or names a double-underscore attribute, a frame or a code
            object.
    """
    if not parts:
        return Reference(split(path, "ref()"))
    return Reference(_checked((path, *parts), "ref()"))


def literal(value: Any) -> Literal:
    """Return `value` as an argument to pass as it is, even if it is a `str`."""
    return Literal(value)


def split(path: str, where: str) -> Path:
    """Return the parts of a dotted path.

    Args:
        path: the path.
        where: the option that holds it, for error messages.

    Raises:
        TypeError: `path` is not a string.
        ValueError: a part is empty, or names a double-underscore attribute, a frame or a code
            object.
    """
    if not isinstance(path, str):
        raise TypeError(f"{where} takes a dotted path such as 'order.id', not {path!r}")
    if path.isidentifier() and path[0] != "_":
        return (path,)
    return _checked(tuple(path.split(".")), where)


def _checked(parts: Path, where: str) -> Path:
    for i, part in enumerate(parts):
        if not isinstance(part, str):
            raise TypeError(f"{where}: parts of a path must be strings, not {part!r}")
        if not part:
            raise ValueError(f"{where}: the reference {spelled(parts)!r} has an empty part")
        if part.startswith("__") and part.endswith("__") and part != "__len__":
            raise ValueError(
                f"{where}: the reference {spelled(parts)!r} contains {part!r}; "
                f"the only double-underscore name allowed is __len__"
            )
        if i and part in _INNER_NAMES:
            raise ValueError(
                f"{where}: the reference {spelled(parts)!r} contains {part!r}; frames and code "
                f"objects are off limits"
            )
    return parts


def spelled(parts: Iterable[str]) -> str:
    """Return a path as text."""
    return ".".join(map(str, parts))


def hop(value: Any, part: str) -> Any:
    """Return the value at `part` of `value`, or MISSING.

    In a mapping a part is a key, never an attribute or a method; digits index a sequence; anything
    else is an attribute. Frames and code objects are off limits in both directions.
    """
    if type(value) in _INNER_TYPES:
        return MISSING
    if isinstance(value, Mapping):
        found = value.get(part, MISSING)
    elif part.isdecimal():
        found = _item(value, part)
    else:
        found = getattr(value, part, MISSING)
    return MISSING if type(found) in _INNER_TYPES else found


def _item(value: Any, part: str) -> Any:
    if not isinstance(value, Sequence) or isinstance(value, _NOT_INDEXED) or len(part) > 18:
        return MISSING
    index = int(part)
    return value[index] if index < len(value) else MISSING


def follow(context: Mapping[str, Any], parts: Path) -> Any:
    """Return the value at the path `parts`, or MISSING."""
    value = context.get(parts[0], MISSING)
    for part in parts[1:]:
        if value is MISSING:
            break
        value = hop(value, part)
    return value


def stored(context: Mapping[str, Any], parts: Path) -> Any:
    """Return the value at `parts` or None; MISSING if finding it would run application code."""
    value = context.get(parts[0])
    for part in parts[1:]:
        if type(value) in CONTAINERS:
            value = hop(value, part)
            if value is MISSING:
                return None
        else:
            value = _kept(value, part)
    return value


def _kept(value: Any, part: str) -> Any:
    """Return a stored attribute or None; MISSING if the attribute is computed."""
    kind = type(value)
    found = getattr_static(value, part, MISSING)
    if type(found) is MemberDescriptorType:  # a slot
        with suppress(AttributeError):
            return found.__get__(value)
        return None
    if found is MISSING:
        return MISSING if issubclass(kind, Mapping) or hasattr(kind, "__getattr__") else None
    return MISSING if hasattr(type(found), "__get__") else found


def getter(parts: Path, step: str, strict: bool) -> Getter:
    """Return a function that resolves a reference; without `strict`, to None if unresolved."""
    key = parts[0]
    if strict:
        return _strict_getter(parts, step)
    if len(parts) == 1:
        return lambda context: context.get(key)

    def get(context: ChainResult) -> Any:
        value = follow(context, parts)
        return None if value is MISSING else value

    return get


def _strict_getter(parts: Path, step: str) -> Getter:
    def get(context: ChainResult) -> Any:
        value = follow(context, parts)
        if value is MISSING:
            raise _unresolved_error(context, parts, step)
        return value

    return get


def _unresolved_error(context: ChainResult, parts: Path, step: str) -> UnresolvedReferenceError:
    # A separate function, since a frame that raises its own local variable forms a reference cycle.
    error = UnresolvedReferenceError(step, unresolved(context, parts))
    error.result = context
    return error


def unresolved(context: Mapping[str, Any], parts: Path) -> str:
    """Describe an unresolved reference: its path, and the first part that is missing.

    Args:
        context: the values.
        parts: the path.
    """
    known, value = 0, context.get(parts[0], MISSING)
    while value is not MISSING:
        known += 1
        value = hop(value, parts[known])
    if known:
        where = f"{spelled(parts[:known])!r} has no {parts[known]!r}"
    else:
        where = f"the context has {_listed(context) or 'no keys'}"
        hint = did_you_mean(parts[0], context)
        where += hint and f"; {hint}"
    return f"the reference {spelled(parts)!r} cannot be resolved: {where}"


def is_unresolved(context: Mapping[str, Any], parts: Path) -> bool:
    """Return whether a reference is unresolved. An attribute that raises does not count."""
    try:
        return follow(context, parts) is MISSING
    except Exception:
        return False


def _listed(keys: Mapping[str, Any]) -> str:
    shown = ", ".join([repr(key) for key, _ in zip(keys, range(_SHOWN_KEYS), strict=False)])
    return f"{shown} and {len(keys) - _SHOWN_KEYS} more" if len(keys) > _SHOWN_KEYS else shown


def why_missing(parts: Path, known: dict[str, Any], *, hints: bool) -> str:
    """Return why a reference cannot be resolved, as far as the values are known.

    Args:
        parts: the path.
        known: the values; `UNKNOWN` for those known only at run time.
        hints: whether to suggest the nearest key.

    Returns:
        The reason, or "" if the reference may be resolved.
    """
    root = parts[0]
    if root not in known:
        hint = did_you_mean(root, sorted(known)) if hints else ""
        return f"no earlier step, put() or input provides {root!r}{hint and f'; {hint}'}"
    value = known[root]
    for i, part in enumerate(parts[1:], 1):
        if type(value) not in CONTAINERS or part == "__len__":
            break
        # A list may have any attribute; only its indexes are known.
        if type(value) is not dict and not part.isdecimal():
            break
        value = hop(value, part)
        if value is MISSING:
            return f"{spelled(parts[:i])!r} has no {part!r}"
    return ""


# --- the arguments of steps -----------------------------------------------------------------------


def operand(where: str, value: Any) -> Operand:
    """Return an argument of a step as the path of a reference, or as a literal.

    Args:
        where: the option of `Chain.next` that holds it.
        value: the argument.

    Raises:
        ValueError: a reference is invalid.
    """
    if isinstance(value, str):
        return split(value, where)
    if isinstance(value, Reference):
        return value.parts
    return value if isinstance(value, Literal) else Literal(value)


def binding(
    args: Sequence[Operand], kwargs: Mapping[str, Operand], step: str, *, strict: bool
) -> Bind:
    """Return a function that turns a function into a call with arguments from a context.

    Args:
        args: the positional arguments.
        kwargs: the keyword arguments.
        step: the name of the step.
        strict: whether an unresolved reference raises.
    """
    getters = [_operand_getter(each, step, strict) for each in args]
    if kwargs:
        named = [(key, _operand_getter(each, step, strict)) for key, each in kwargs.items()]
        return lambda function: (
            lambda context: function(
                *[get(context) for get in getters], **{key: get(context) for key, get in named}
            )
        )
    if not getters:
        return lambda function: lambda context: function()
    if len(getters) == 1:
        (get,) = getters
        return lambda function: lambda context: function(get(context))
    return lambda function: lambda context: function(*[get(context) for get in getters])


def _operand_getter(operand: Operand, step: str, strict: bool) -> Getter:
    if isinstance(operand, Literal):
        value = operand.value
        return lambda context: value
    return getter(operand, step, strict)
