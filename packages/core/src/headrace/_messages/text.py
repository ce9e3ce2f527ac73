"""Text for messages: escaped external values, and numbers with their nouns."""

from __future__ import annotations

import re
from functools import cache


def printable(text: str) -> str:
    """Return `text` with Python's escape for each unprintable character."""
    if text.isprintable():
        return text
    return _unprintable().sub(lambda found: repr(found.group())[1:-1], text)


def counted(count: int, word: str) -> str:
    """Return a number with its noun, such as ``1 step`` or ``2 steps``.

    Args:
        count: the number.
        word: the noun, whose plural ends in s.
    """
    return f"{count} {word}{'' if count == 1 else 's'}"


def plain_text(value: object) -> str:
    """Return an external value as text that is safe in a line of plain text.

    Each unprintable character, such as a line break or a terminal escape, is escaped as in a Python
    string.

    Args:
        value: the value. If its ``str()`` raises, the text is the name of the error.
    """
    try:
        text = str(value)
        return text if text.isprintable() else printable(text)
    except Exception as error:
        return f"<{type(error).__name__}>"


@cache
def _unprintable() -> re.Pattern[str]:
    # Control characters, bidirectional overrides, line separators and lone surrogates. Joiners are
    # allowed: emoji and several scripts need them.
    return re.compile(
        "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202f\u2060-\u206f"
        "\ud800-\udfff\ufeff\ufff0-\uffff]"
    )
