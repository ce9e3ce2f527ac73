"""Ignore comments: ``# headrace: ignore[HR101]`` on the line of the ``def``."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from headrace_inspect._source._lines import line_of, lines_of

from . import _messages as messages
from ._codes import CODES
from ._report import Finding, Place, Verdict

_MARK = b"headrace:"
_comment = re.compile(r"#\s*headrace:\s*ignore\b(?:\s*\[([^\]]*)\])?")


class Ignore(NamedTuple):
    """An ignore comment.

    Attributes:
        place: its file, as it is shown, and its line.
        column: where it begins in the line, from 1.
        width: its length.
        codes: what it names.
        text: its line.
    """

    place: Place
    column: int
    width: int
    codes: tuple[str, ...]
    text: str


def find_ignores(contents: Mapping[str, bytes]) -> list[Ignore]:
    """Return the ignore comments in files, by the path under which each is shown."""
    return [
        ignore
        for file, content in contents.items()
        if _MARK in content
        for ignore in _ignores_in(file, content)
    ]


def silence(
    findings: Iterable[Finding], ignores: Iterable[Ignore], *, is_complete: bool
) -> list[Finding]:
    """Return the findings without those that are ignored, and with one for each idle comment.

    Args:
        findings: what was found.
        ignores: the comments.
        is_complete: whether all files could be read; else what is missing may be in the others.
    """
    found = list(findings)
    ignored = {(ignore.place, code) for ignore in ignores for code in ignore.codes}
    known = {(finding.place, finding.code) for finding in found}
    kept = [finding for finding in found if (finding.place, finding.code) not in ignored]
    verdict: Verdict = "contradicted" if is_complete else "unresolved"
    for ignore in ignores:
        if not ignore.codes:
            kept.append(_idle(ignore, messages.ignores_no_code(), verdict))
        for code in ignore.codes:
            if (ignore.place, code) not in known:
                lines = [p.line for p, c in known if c == code and p.file == ignore.place.file]
                message = messages.idle_ignore(code, sorted(lines), is_known=code in CODES)
                kept.append(_idle(ignore, message, verdict))
    return kept


def _idle(ignore: Ignore, message: str, verdict: Verdict) -> Finding:
    return Finding(
        *("HR108", verdict, None, None, None, None, ignore.place, message),
        column=ignore.column,
        width=ignore.width,
        text=ignore.text,
    )


def _ignores_in(file: str, content: bytes) -> Iterator[Ignore]:
    lines = lines_of(content)
    try:
        for token in tokenize.tokenize(io.BytesIO(content).readline):
            if token.type != tokenize.COMMENT:
                continue
            for found in _comment.finditer(token.string):
                names = [name.strip() for name in (found[1] or "").split(",")]
                codes = tuple(dict.fromkeys(name for name in names if name))
                line, column = token.start[0], token.start[1] + found.start() + 1
                width = found.end() - found.start()
                yield Ignore(Place(file, line), column, width, codes, line_of(lines, line))
    except (tokenize.TokenError, SyntaxError, ValueError):
        return  # it does not parse, which is reported
