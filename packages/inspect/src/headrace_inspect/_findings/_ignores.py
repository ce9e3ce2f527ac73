"""Ignore comments: ``# headrace: ignore[HR101]`` on the line of the ``def``."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Collection, Iterable, Iterator, Mapping

from headrace_inspect._codes import CODES
from headrace_inspect._report import Finding, Ignore, Place

_MARK = b"headrace:"
COMMENT = re.compile(r"#\s*headrace:\s*ignore\b(?:\s*\[([^\]]*)\])?")


def find_ignores(contents: Mapping[str, bytes]) -> list[Ignore]:
    """Return the ignore comments in files, by the path under which each is shown."""
    return [
        ignore
        for file, content in contents.items()
        if _MARK in content
        for ignore in _ignores_in(file, content)
    ]


def silence(
    findings: Iterable[Finding], ignores: Iterable[Ignore], sought: Collection[str]
) -> list[Finding]:
    """Return the findings that are not ignored, and one for each comment that matches nothing.

    Args:
        findings: what was found.
        ignores: the comments.
        sought: the codes that were looked for everywhere; comments of others may match nothing.
    """
    found = list(findings)
    ignored = {(ignore.place, code) for ignore in ignores for code in ignore.codes}
    kept = [one for one in found if (one.place, one.code) not in ignored]
    if "HR108" in sought:
        for ignore in ignores:
            kept += [
                Finding("HR108", None, None, None, ignore.place, message)
                for message in _messages(ignore, found, sought)
            ]
    return kept


def _messages(ignore: Ignore, found: list[Finding], sought: Collection[str]) -> Iterator[str]:
    if not ignore.codes:
        yield "the comment names no code: write it as # headrace: ignore[HR101]"
    for code in ignore.codes:
        same = [one.place for one in found if one.code == code]
        if code not in CODES:
            yield f"the comment ignores {code!r}, and there is no such code"
        elif code in sought and ignore.place not in same:
            lines = sorted({place.line for place in same if place.file == ignore.place.file})
            hint = f"; there is one on line {', '.join(map(str, lines))}" if lines else ""
            yield f"the comment ignores {code}, and there is no such finding on this line{hint}"


def _ignores_in(file: str, content: bytes) -> Iterator[Ignore]:
    try:
        for token in tokenize.tokenize(io.BytesIO(content).readline):
            for found in COMMENT.finditer(token.string) if token.type == tokenize.COMMENT else ():
                names = [name.strip() for name in (found[1] or "").split(",")]
                codes = tuple(dict.fromkeys(name for name in names if name))
                yield Ignore(Place(file, token.start[0]), codes)
    except (tokenize.TokenError, SyntaxError, ValueError):
        return  # it does not parse, which is reported
