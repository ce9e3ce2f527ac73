"""Foreign values as text that is safe to print: nothing in it moves a cursor or starts a line."""

from __future__ import annotations

import re
from functools import cache


def printable(text: str) -> str:
    """Return `text` with Python's escape for each character that cannot be seen."""
    if text.isprintable():
        return text
    return _unprintable().sub(lambda found: repr(found.group())[1:-1], text)


def plain_text(value: object) -> str:
    """Return a value from outside as text that is safe in a line of plain text.

    Each character that cannot be seen, such as a line break or a terminal's escape, stands as
    Python writes it.

    Args:
        value: the value. Where its ``str()`` raises, the text is the name of the error.
    """
    try:
        text = str(value)
        return text if text.isprintable() else printable(text)
    except Exception as error:
        return f"<{type(error).__name__}>"


@cache
def _unprintable() -> re.Pattern[str]:
    # Controls, what turns the direction of the text, line separators, and halves of a surrogate
    # pair. The joiners stay, which emoji and several scripts need.
    return re.compile(
        "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202f\u2060-\u206f"
        "\ud800-\udfff\ufeff\ufff0-\uffff]"
    )
