"""``headrace explain``."""

from __future__ import annotations

import shutil
import sys
import textwrap

from headrace.commands import argument_parser, write

from ._codes import CODES, explanation, known_code

_WIDEST = 100


def main(words: list[str]) -> int:
    """Explain the codes in `words`, or list them all; return the exit status.

    Raises:
        CommandError: there is no such code.
    """
    parser = argument_parser("headrace explain", "Tell what the code of a finding means.")
    parser.add_argument("codes", nargs="*", metavar="CODE", help="such as HR101; all, unless given")
    codes = [known_code(code) for code in parser.parse_args(words).codes]
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    texts = [explained(code, width) for code in codes]
    write(
        sys.stdout, "\n\n".join(texts) or "\n".join(f"{c}  {explanation(c).title}" for c in CODES)
    )
    return 0


def explained(code: str, width: int) -> str:
    """Return what `code` means as plain text, in lines of at most `width` columns."""
    told = explanation(code)
    lines = f"{code}: {told.title}\n\n{told.plain}".split("\n")
    return "\n".join(
        line if line.startswith(" ") else textwrap.fill(line, width, break_on_hyphens=False)
        for line in lines
    )
