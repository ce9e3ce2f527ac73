"""JSON text of any Python object (RFC 8259), on one line and in ASCII, without raising."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from functools import cache
from json.encoder import encode_basestring_ascii as _quoted
from math import isfinite
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_DECIMALS = 3
_MAX_DEPTH = 20
_MAX_VALUES = 10_000
_MAX_INT = 2**63  # log stores keep integers of 64 bits with a sign


def json_object(entry: Mapping[str, Any]) -> str:
    """Return the JSON object of `entry`.

    Numbers have at most three decimals; NaN and infinity are null; an integer of more than 64 bits
    is text. Everything else that JSON lacks is text: bytes are decoded as UTF-8, dates are in ISO
    format, objects are their ``str()``. Of a value with cycles, more than 20 levels or more than
    10,000 parts, the rest is ``...``.
    """
    line = ", ".join([
        f"{_quoted(name)}: {_quoted(value) if type(value) is str else _json(value)}"
        for name, value in entry.items()
    ])
    if "\\ud" in line:
        line = _escape().sub(_without_lone_surrogate, line)
    return f"{{{line}}}"


def as_text(value: object) -> str:
    """Return ``str(value)``, or the name of the error that it raises, such as ``<ValueError>``."""
    try:
        return str.__str__(str(value))
    except Exception as error:
        return f"<{type(error).__name__}>"


def is_mapping(value: object) -> bool:
    """Return whether `value` becomes an object."""
    try:
        return isinstance(value, Mapping)
    except Exception:  # a hostile `__class__`
        return False


def _json(value: Any) -> str:
    kind = type(value)
    if kind is float:
        return _number(value)
    if kind is int and -_MAX_INT <= value < _MAX_INT:
        return repr(value)
    try:
        return json.dumps(_Copy().of(value))
    except Exception as error:  # the value's own code
        return _quoted(f"<{type(error).__name__}>")


def _number(value: float) -> str:
    return repr(round(value, _DECIMALS)) if isfinite(value) else "null"


class _Copy:
    """Copies one value into the types that JSON has."""

    def __init__(self) -> None:
        self._open: set[int] = set()  # the containers around the current value
        self._left = _MAX_VALUES

    def of(self, value: Any) -> Any:
        if value is None or value is True or value is False:
            return value
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, Integral):
            whole = int(value)
            return whole if -_MAX_INT <= whole < _MAX_INT else as_text(whole)
        if isinstance(value, Real):
            number = float(value)
            return round(number, _DECIMALS) if isfinite(number) else None
        return self._of_others(value)

    def _of_others(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            with self._opened(value) as is_open:
                return self._of_items(value) if is_open else "..."
        if isinstance(value, (list, tuple, AbstractSet)):
            with self._opened(value) as is_open:
                return self._of_parts(value) if is_open else "..."
        if isinstance(value, (bytes, bytearray)):
            return value.decode("utf-8", "backslashreplace")
        if callable(getattr(type(value), "isoformat", None)):
            return as_text(value.isoformat())
        return as_text(value)

    def _of_items(self, value: Mapping[Any, Any]) -> dict[str, Any]:
        copied: dict[str, Any] = {}
        for key, part in (value.copy() if type(value) is dict else value).items():
            if self._left <= 0:
                copied["..."] = "..."
                break
            add(copied, key, self._of_part(part))
        return copied

    def _of_parts(self, value: Any) -> list[Any]:
        copied = []
        for part in value.copy() if type(value) is list else value:
            if self._left <= 0:
                copied.append("...")
                break
            copied.append(self._of_part(part))
        return copied

    def _of_part(self, part: Any) -> Any:
        self._left -= 1
        try:
            return self.of(part)
        except Exception as error:  # the part's own code
            return f"<{type(error).__name__}>"

    @contextmanager
    def _opened(self, value: object) -> Iterator[bool]:
        if id(value) in self._open or len(self._open) >= _MAX_DEPTH:
            yield False
            return
        self._open.add(id(value))
        yield True
        self._open.discard(id(value))


def add(entry: dict[str, Any], name: object, value: Any) -> None:
    """Add `value` to `entry` under `name`, with ``_`` appended while that name is taken."""
    key = str.__str__(name) if isinstance(name, str) else as_text(name)
    while key in entry:
        key += "_"
    entry[key] = value


@cache
def _escape() -> re.Pattern[str]:
    # An escaped backslash, a surrogate pair, or a lone surrogate.
    return re.compile(r"\\\\|\\ud[89ab]..\\ud[c-f]..|(\\ud[89a-f]..)")


def _without_lone_surrogate(found: re.Match[str]) -> str:
    """Return the escape in `found`; Python's escape, as text, for what no encoding can hold."""
    return found.group() if found.group(1) is None else "\\" + found.group()
