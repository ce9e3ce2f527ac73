"""The codes of findings, and the texts that explain them."""

from __future__ import annotations

import re
import textwrap
from importlib.resources import files
from typing import NamedTuple

from headrace.commands import CommandError, name_hint

_fence = re.compile(r"^```\w*(?:\n|\Z)", re.MULTILINE)
_wrap = re.compile(r"(?<=\S)\n(?=\S)")
_comment = re.compile(r"<!--.*?-->\n\n?", re.DOTALL)

CODES = (
    *("HR101", "HR104", "HR105", "HR106", "HR108", "HR109", "HR110", "HR111", "HR112"),
    *("HR201", "HR202", "HR203", "HR204"),
    *("HR300", "HR301", "HR302", "HR303", "HR304", "HR305", "HR306"),
    *("HR307", "HR308"),
)
SOUGHT = frozenset([code for code in CODES if code < "HR3"]) - {"HR110", "HR111"}
"""The codes that every check looks for."""
GONE = frozenset(["HR302", "HR308"])
"""Those of findings in the old code."""
REFUTABLE = frozenset([
    *("HR101", "HR104", "HR108", "HR112", "HR300", "HR301", "HR302", "HR307", "HR308")
])
"""Those of findings that a file which could not be analysed may refute."""


class Explanation(NamedTuple):
    """What a code means: in a few words, and at length as Markdown, with an example."""

    title: str
    text: str

    @property
    def summary(self) -> str:
        """The first paragraph of the text, as one line."""
        return " ".join(self.text.partition("\n\n")[0].split())

    @property
    def plain(self) -> str:
        """The text without Markdown's fences: examples are indented, paragraphs are one line."""
        parts = _fence.split(self.text)
        parts[::2] = [_wrap.sub(" ", paragraphs) for paragraphs in parts[::2]]
        parts[1::2] = [textwrap.indent(example, "    ") for example in parts[1::2]]
        return "".join(parts).rstrip("\n")


def known_code(code: str) -> str:
    """Return one of `CODES`, which may be written in lower case.

    Raises:
        CommandError: there is no such code.
    """
    if code.upper() in CODES:
        return code.upper()
    raise CommandError(f"there is no code {code!r}; {name_hint(code, CODES)}")


def explanation(code: str) -> Explanation:
    """Return what one of `CODES` means."""
    text = files("headrace_inspect").joinpath("explanations", f"{code}.md").read_text("utf-8")
    heading, _, rest = text.partition("\n")
    return Explanation(heading.removeprefix(f"# {code}: "), _comment.sub("", rest).strip("\n"))
