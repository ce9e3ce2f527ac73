"""Strings, as far as they are known: addresses and names are put together of parts."""

from __future__ import annotations

import re
from collections.abc import Iterable

from headrace_inspect._names._values import UNKNOWN, Items, Many, Text, Value

_PLACEHOLDER = re.compile(r"%(?:\(\w*\))?[-#0 +]*\d*(?:\.\d+)?[a-zA-Z]")
_FIELD = re.compile(r"\{[^{}]*\}")
_LONGEST = 40


def joined(values: Iterable[Value]) -> Text:
    """Return the values one after the other; those that are no known strings are gaps."""
    parts: list[str | None] = []
    for value in values:
        for part in value.parts if isinstance(value, Text) else (None,):
            if part is not None and parts and parts[-1] is not None:
                parts[-1] += part
            else:
                parts.append(part)
    return Text(tuple(parts[:_LONGEST]))


def added(left: Value, right: Value) -> Value:
    """Return ``left + right``, for strings and lists."""
    if isinstance(left, Text) or isinstance(right, Text):
        return joined([left, right])
    if isinstance(left, Items) and isinstance(right, Items):
        return Items(left.items + right.items)
    if isinstance(left, Items | Many) and isinstance(right, Items | Many):
        return Many(left.items + right.items)
    return UNKNOWN


def formatted(text: Text) -> Text:
    """Return what ``text % values`` gives, with gaps for the values."""
    return _with_gaps(text, _PLACEHOLDER)


def filled(text: Text) -> Text:
    """Return what ``text.format(...)`` gives, with gaps for the values."""
    return _with_gaps(text, _FIELD)


def _with_gaps(text: Text, gap: re.Pattern[str]) -> Text:
    pieces: list[Value] = []
    for part in text.parts:
        if part is None:
            pieces.append(UNKNOWN)
            continue
        first, *others = gap.split(part)
        pieces.append(Text((first,)))
        for other in others:
            pieces += [UNKNOWN, Text((other,))]
    return joined(pieces)
