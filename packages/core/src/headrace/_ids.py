"""Identifiers, from a private pool that neither ``random.seed()`` nor ``fork`` can make repeat."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_ID_LENGTH = 128
"""Longest accepted identifier, in characters."""

_POOL_BYTES = 4096
match_id = re.compile(rf"[A-Za-z0-9._-]{{1,{MAX_ID_LENGTH}}}").fullmatch
"""Match a `str` that is a valid correlation ID; see `is_valid_id`."""

_visible = re.compile(rf"[!-~]{{1,{MAX_ID_LENGTH}}}").fullmatch


def is_valid_id(text: object) -> bool:
    """Tell whether `text` is a correlation ID that is safe in headers and logs.

    That is a `str` of 1 to 128 characters out of ``A-Z a-z 0-9 . _ -``.
    """
    return isinstance(text, str) and match_id(text) is not None


def is_visible_ascii(text: str) -> bool:
    """Tell whether `text` has 1 to 128 characters, each of them visible ASCII."""
    return _visible(text) is not None


def _hex_pool(size: int) -> tuple[Callable[[], str], Callable[[], str]]:
    """Return two functions that make random identifiers of `size` bytes in lower-case hex.

    The first always does; the second is the quicker one, and raises `IndexError` now and then.
    """
    zero = "00" * size
    pool: list[str] = []
    take = pool.pop  # atomic: no two threads get the same one

    def make() -> str:
        while True:
            try:
                return take()
            except IndexError:
                pieces = os.urandom(_POOL_BYTES).hex("-", size).split("-")
                while zero in pieces:
                    pieces.remove(zero)
                pool.extend(pieces)

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=pool.clear)
    return make, take


new_correlation_id, take_correlation_id = _hex_pool(16)
"""Make a correlation ID: 32 lower-case hex digits, never all zero, so a valid W3C trace ID."""

new_unit_id, _ = _hex_pool(8)
"""Make a unit ID: 16 lower-case hex digits, never all zero, so a valid W3C span ID."""
