"""Keeping secrets out of everything that a chain writes: lines, reports, messages.

Named keys are masked where values are written out. Where text was made by others, such as the
message of an exception, every value that the context holds under a named key is blotted out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    Redact = Callable[[str], str] | Iterable[str] | None

MASK = "***"
CYCLE = "<cycle>"

_FIELD_LISTS = ("__dataclass_fields__", "model_fields", "__attrs_attrs__", "__struct_fields__")


class Redaction:
    """What a chain's `redact` says.

    Args:
        names: the keys whose values are masked.
        functions: applied to each line that is logged.
    """

    __slots__ = ("functions", "names")

    def __init__(
        self, names: frozenset[str] = frozenset(), functions: tuple[Callable[[str], str], ...] = ()
    ) -> None:
        self.names = names
        self.functions = functions

    def joined(self, other: Redaction) -> Redaction:
        """Return what hides all that this one and `other` hide."""
        return Redaction(self.names | other.names, (*self.functions, *other.functions))

    def blot(self, text: str, *values: Any) -> str:
        """Return `text` without any secret that the mappings and sequences in `values` hold."""
        if not self.names:
            return text
        return _blotted(text, {form for form in self._forms(values) if form in text})

    def plain(self, value: Any, *values: Any) -> Any:
        """Return `value` as JSON can take it: masked, cycles cut, objects as text.

        Args:
            value: what is to be shown.
            values: what may hold secrets besides it.
        """
        forms = set(self._forms((value, *values))) if self.names else set()
        return _plain(value, self.names, forms, ())

    def _forms(self, values: Iterable[Any]) -> Iterator[str]:
        for leaf in self._leaves(values):
            yield from _written_forms(leaf)

    def _leaves(self, values: Iterable[Any]) -> Iterator[Any]:
        """Yield each value that stands under a named key, at any depth; cycles are no harm."""
        seen: set[tuple[int, bool]] = set()
        waiting: list[tuple[Any, bool]] = [(value, False) for value in values]
        while waiting:
            value, is_secret = waiting.pop()
            children = _children(value)
            if children is None:
                if is_secret:
                    yield value
            elif (id(value), is_secret) not in seen:
                seen.add((id(value), is_secret))
                waiting += [(child, is_secret or key in self.names) for key, child in children]


NOTHING_HIDDEN = Redaction()


def checked_redaction(redact: Redact) -> Redaction:
    """Return what `redact` says.

    Raises:
        TypeError: it is neither a function nor a list of keys.
    """
    if redact is None:
        return NOTHING_HIDDEN
    if callable(redact):
        return Redaction(functions=(redact,))
    if not isinstance(redact, str | bytes | Mapping) and isinstance(redact, Iterable):
        names = frozenset(redact)
        if all(isinstance(name, str) for name in names):
            return Redaction(names)
    raise TypeError(
        f"redact takes a function of the log line, or a list of keys such as ['password'], not "
        f"{redact!r}"
    )


def _children(value: Any) -> list[tuple[object, Any]] | None:
    """Return what `value` is made of, each with its key (None in a sequence); None for a leaf."""
    if isinstance(value, str | bytes | int | float | None):
        return None
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, list | tuple | set | frozenset):
        names = getattr(value, "_fields", None)  # of a named tuple
        if names is not None:
            return list(zip(names, value, strict=False))
        return [(None, each) for each in value]
    for name in _FIELD_LISTS:
        fields = getattr(type(value), name, None)
        if fields is not None:
            names = [getattr(each, "name", each) for each in fields]
            return [(each, getattr(value, each, None)) for each in names]
    return None


def _plain(value: Any, names: frozenset[str], forms: set[str], above: tuple[int, ...]) -> Any:
    if value is None or isinstance(value, int | float):
        return value
    if id(value) in above:
        return CYCLE
    inner = (*above, id(value))
    if isinstance(value, Mapping):
        return {
            str(key): MASK if key in names else _plain(each, names, forms, inner)
            for key, each in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset) and not hasattr(value, "_fields"):
        return [_plain(each, names, forms, inner) for each in value]
    return _blotted(str(value), forms)


def _blotted(text: str, forms: set[str]) -> str:
    found = [form for form in forms if form in text]
    # The longest first: a secret may be a part of another.
    for form in sorted(found, key=len, reverse=True):
        text = text.replace(form, MASK)
    return text


def _written_forms(leaf: Any) -> set[str]:
    """Return how a value may appear in text: as it is, quoted by Python once or twice, by JSON."""
    if leaf is None or isinstance(leaf, bool):
        return set()
    forms = {repr(leaf)[2:-1]} if isinstance(leaf, bytes) else set()
    text = leaf.decode("utf-8", "replace") if isinstance(leaf, bytes) else str(leaf)
    quoted = repr(text)[1:-1]
    forms |= {text, quoted, repr(quoted)[1:-1]}
    forms |= {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
    return {form for form in forms if form}
