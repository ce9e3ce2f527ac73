"""The codes of findings, the texts that explain them, and ``headrace explain``."""

from __future__ import annotations

import re
import sys

from headrace.commands import CommandError, argument_parser, name_hint, write

CODES = (
    *("HR101", "HR104", "HR105", "HR106", "HR108", "HR109", "HR110", "HR111", "HR112"),
    *("HR201", "HR202", "HR203", "HR204"),
    *("HR300", "HR301", "HR302", "HR303", "HR304", "HR305", "HR306", "HR307", "HR308"),
)
SOUGHT = frozenset([code for code in CODES if code < "HR3"]) - {"HR110", "HR111"}
"""The codes of findings that every check reports."""
REFUTABLE = frozenset([
    "HR101", "HR104", "HR108", "HR112", "HR300", "HR301", "HR302", "HR307", "HR308",
])  # fmt: skip
"""The codes of findings that an unanalysed file might refute."""

_COMMENT = re.compile(r"<!--.*?-->\n\n?", re.DOTALL)


def known_code(code: str) -> str:
    """Return one of `CODES`, which may be written in lower case.

    Raises:
        CommandError: there is no such code.
    """
    if code.upper() in CODES:
        return code.upper()
    raise CommandError(f"there is no code {code!r}; {name_hint(code, CODES)}")


def explanation(code: str) -> tuple[str, str]:
    """Return the title of one of `CODES`, and what it means, in Markdown with an example."""
    from importlib.resources import files  # only here: every check imports this module

    text = files("headrace_inspect").joinpath("explanations", f"{code}.md").read_text("utf-8")
    heading, _, rest = text.partition("\n")
    return heading.removeprefix(f"# {code}: "), _COMMENT.sub("", rest).strip("\n")


def main(words: list[str]) -> int:
    """Explain the codes in `words`, or list them all; return the exit status.

    Raises:
        CommandError: there is no such code.
    """
    parser = argument_parser("headrace explain", "Tell what the code of a finding means.")
    parser.add_argument("codes", nargs="*", metavar="CODE", help="such as HR101; all, unless given")
    codes = [known_code(code) for code in parser.parse_args(words).codes]
    texts = ["{}: {}\n\n{}".format(code, *explanation(code)) for code in codes]
    titles = [f"{code}  {explanation(code)[0]}" for code in CODES]
    write(sys.stdout, "\n\n".join(texts) or "\n".join(titles))
    return 0
