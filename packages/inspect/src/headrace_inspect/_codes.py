"""The codes of findings, and the texts that explain them."""

from __future__ import annotations

from importlib.resources import files
from typing import NamedTuple

CODES = ("HR101", "HR102", "HR103", "HR104", "HR105", "HR106", "HR107", "HR108")


class Explanation(NamedTuple):
    """What a code means.

    Attributes:
        code: the code.
        title: the meaning in a few words.
        text: what it means at length, an example and its mend, as Markdown without the title.
    """

    code: str
    title: str
    text: str


def explanation(code: str) -> Explanation:
    """Return what one of `CODES` means."""
    text = files("headrace_inspect").joinpath("explanations", f"{code}.md").read_text("utf-8")
    heading, _, rest = text.partition("\n")
    return Explanation(code, heading.removeprefix(f"# {code}: "), rest.strip("\n"))
