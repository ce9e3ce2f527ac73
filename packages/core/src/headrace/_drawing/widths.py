"""Text widths in Helvetica or Arial, and line breaks that make text fit."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# In thousandths of the font size, from space to tilde: the metrics of Helvetica, which Arial and
# Liberation Sans share.
_ASCII = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
    1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
    333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
    556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
)  # fmt: skip
_WIDE, _OTHER, _PICTOGRAPH = 1000, 640, 1300
_break = re.compile(r"(?<=[_.\-/:,;\s])(?=\S)|(?<=[a-z0-9])(?=[A-Z])")


def text_width(text: str, size: float) -> float:
    """Return the approximate width of `text` in a font of `size`, in the same unit."""
    return sum(map(_width, text)) * size / 1000


@lru_cache(maxsize=1024)
def _width(char: str) -> int:
    code = ord(char)
    if 0x20 <= code < 0x7F:
        return _ASCII[code - 0x20]
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    base = ord(unicodedata.normalize("NFD", char)[0])
    if 0x20 <= base < 0x7F:
        return _ASCII[base - 0x20]
    if unicodedata.category(char) == "So":
        return _PICTOGRAPH
    return _WIDE if unicodedata.east_asian_width(char) in {"W", "F"} else _OTHER


def wrapped(text: str, size: float, width: float, limit: int) -> list[str]:
    """Break `text` into lines of at most `width`; after `limit` lines, an ellipsis ends the text.

    Lines break at spaces, at punctuation and between lower and upper case; they break elsewhere
    only in words that are too long for a line.
    """
    lines = [""]
    for piece in _pieces(text, size, width):
        if lines[-1] and text_width(lines[-1] + piece.rstrip(), size) > width:
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip()
    if len(lines) > limit:
        last = "".join(lines[limit - 1 :])
        lines = [*lines[: limit - 1], _cut(last, size, width)]
    return [line.strip() for line in lines]


def _pieces(text: str, size: float, width: float) -> list[str]:
    pieces: list[str] = []
    for word in _break.split(text):
        rest = word
        while text_width(rest, size) > width:
            fits = _fitting(rest, size, width)
            pieces.append(rest[:fits])
            rest = rest[fits:]
        pieces.append(rest)
    return pieces


def _fitting(text: str, size: float, width: float) -> int:
    """Return the number of characters of `text` that fit into `width`, at least one."""
    count = len(text)
    while count > 1 and text_width(text[:count], size) > width:
        count -= max(1, int((text_width(text[:count], size) - width) / (size * 1.3)))
    return max(1, count)


def _cut(text: str, size: float, width: float) -> str:
    return text[: _fitting(text, size, width - size)].rstrip() + "…"
