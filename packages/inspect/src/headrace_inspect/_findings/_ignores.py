"""Ignore comments: ``# headrace: ignore[HR101]`` on the line of the ``def``."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Collection, Iterator, Mapping, Sequence

from headrace_inspect._explain import CODES
from headrace_inspect._report import Finding, Ignore, Place

_MARK = b"headrace:"
_COMMENT = re.compile(r"#\s*headrace:\s*ignore\b(?:\s*\[([^\]]*)\])?")


def find_ignores(contents: Mapping[str, bytes]) -> Iterator[Ignore]:
    """Yield the ignore comments in files, by the path under which each is shown."""
    for file, content in contents.items():
        try:
            tokens = [*tokenize.tokenize(io.BytesIO(content).readline)] if _MARK in content else []
        except (tokenize.TokenError, SyntaxError, ValueError):
            continue  # it does not parse, which is reported
        for token in [one for one in tokens if one.type == tokenize.COMMENT]:
            for found in _COMMENT.finditer(token.string):
                codes = filter(None, map(str.strip, (found[1] or "").split(",")))
                yield Ignore(Place(file, token.start[0]), tuple(dict.fromkeys(codes)))


def silence(
    findings: Sequence[Finding], ignores: Sequence[Ignore], sought: Collection[str]
) -> list[Finding]:
    """Return the findings that are not ignored, and one for each comment that matches nothing.

    Only a comment that ignores one of the codes in `sought` has to match.
    """
    ignored = {(ignore.place, code) for ignore in ignores for code in ignore.codes}
    kept = [one for one in findings if (one.place, one.code) not in ignored]
    for ignore in ignores if "HR108" in sought else ():
        messages = _messages(ignore, findings, sought)
        kept += [Finding("HR108", None, None, None, ignore.place, message) for message in messages]
    return kept


def _messages(
    ignore: Ignore, findings: Sequence[Finding], sought: Collection[str]
) -> Iterator[str]:
    if not ignore.codes:
        yield "the comment names no code: write it as # headrace: ignore[HR101]"
    for code in ignore.codes:
        same = [one.place for one in findings if one.code == code]
        if code not in CODES:
            yield f"the comment ignores {code!r}, and there is no such code"
        elif code in sought and ignore.place not in same:
            lines = sorted({place.line for place in same if place.file == ignore.place.file})
            hint = f"; there is one on line {', '.join(map(str, lines))}" if lines else ""
            yield f"the comment ignores {code}, and there is no such finding on this line{hint}"
