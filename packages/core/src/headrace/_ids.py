"""Identifiers from a private random pool, unique despite ``random.seed()`` and ``fork``."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ID_RULE = (
    "1 to 256 characters from A-Z a-z 0-9 . _ ~ : / + = @ | -, starting with a letter, a digit or |"
)
"""The rule for correlation IDs, as text for error messages."""

EDGE_RULE = "1 to 128 characters from A-Z a-z 0-9 . _ -, starting with a letter or a digit"
"""The narrower rule for IDs in requests, unless a validator replaces it."""

match_id = re.compile(r"[A-Za-z0-9|][A-Za-z0-9._~:/+=@|-]{0,255}").fullmatch
"""Match a `str` that follows `ID_RULE`."""

_match_edge_id = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}").fullmatch
_POOL_BYTES = 4096


def is_edge_id(text: str) -> bool:
    """Return whether `text` follows `EDGE_RULE`."""
    # Most IDs are hexadecimal, and this check takes half as long as the regular expression. On
    # `str` instead of `bytes`, isalnum() is slow.
    is_simple = len(text) <= 128 and text.isascii() and text.encode().isalnum()
    return is_simple or _match_edge_id(text) is not None


def valid_id(value: object) -> str | None:
    """Return `value` if it is a valid correlation ID, else None.

    An ID is a `str` of 1 to 256 characters from ``A-Z a-z 0-9 . _ ~ : / + = @ | -`` that starts
    with a letter, a digit or ``|``.
    """
    if not isinstance(value, str) or match_id(value) is None:
        return None
    # In a log or header, a subclass may render differently from the text checked here.
    return value if type(value) is str else str.__str__(value)


def is_valid_id(text: object) -> bool:
    """Return whether `text` is a valid correlation ID, safe in headers and logs; see `valid_id`."""
    return valid_id(text) is not None


def check_id(correlation_id: object) -> str:
    """Return `correlation_id` if it is valid.

    Raises:
        ValueError: the ID is invalid; the message does not quote it.
    """
    checked = valid_id(correlation_id)
    if checked is None:
        raise ValueError(f"correlation_id must be a string of {ID_RULE}; omit it to generate one")
    return checked


def _hex_pool(size: int) -> tuple[Callable[[], str], Callable[[], str]]:
    """Return two functions that make random identifiers of `size` bytes in lower-case hex.

    The first always succeeds; the second is faster but raises `IndexError` when the pool is empty.
    """
    zero = "00" * size
    pool: list[str] = []
    take = pool.pop  # atomic: no two threads get the same ID

    def make() -> str:
        while True:
            try:
                return take()
            except IndexError:
                text = os.urandom(_POOL_BYTES).hex("-", size)
                if zero not in text:
                    pool.extend(text.split("-"))

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=pool.clear)
    return make, take


new_correlation_id, take_correlation_id = _hex_pool(16)
"""Make a correlation ID: 32 lower-case hex digits, never all zero, so a valid W3C trace ID."""

new_unit_id, _ = _hex_pool(8)
"""Make a unit ID: 16 lower-case hex digits, never all zero, so a valid W3C span ID."""
