"""Ignore comments: ``# headrace: ignore[HR101]`` on the line of the ``def``."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Collection, Iterator, Mapping, Sequence

from headrace_inspect._explain import CODES
from headrace_inspect._report import Finding, Ignore, Place

_MARK = b"headrace:"
COMMENT = re.compile(r"#\s*headrace:\s*ignore\b(?:\s*\[([^\]]*)\])?")


def find_ignores(contents: Mapping[str, bytes]) -> list[Ignore]:
    """Return the ignore comments in files, by the path under which each is shown."""
    marked = [(file, content) for file, content in contents.items() if _MARK in content]
    return [ignore for file, content in marked for ignore in _ignores_in(file, content)]


def _ignores_in(file: str, content: bytes) -> Iterator[Ignore]:
    try:
        for token in tokenize.tokenize(io.BytesIO(content).readline):
            for found in COMMENT.finditer(token.string) if token.type == tokenize.COMMENT else ():
                names = [name.strip() for name in (found[1] or "").split(",")]
                yield Ignore(Place(file, token.start[0]), tuple(dict.fromkeys(filter(None, names))))
    except (tokenize.TokenError, SyntaxError, ValueError):
        return  # it does not parse, which is reported


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
