"""Markdown as GitHub and GitLab read it: a comment on a change."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator, Sequence

from headrace.commands import printable
from headrace_inspect._report import Place, Report

from ._view import View, headline, message_of, totals

_punctuation = re.compile(f"[{re.escape(string.punctuation)}]")
_PLAIN = " '(),-./;"


def render(report: Report, view: View) -> str:
    """Return a heading, a table of the findings, and a line that sums up."""
    parts = [f"### headrace check: {headline(report, view)}"]
    findings = view.findings(report)
    if report.problems:
        rows = [(_place(Place(p.file, p.line)), _escaped(p.message)) for p in report.problems]
        parts.append(_table(("could not be analysed", "why"), rows))
    if findings:
        found = [(f.code, _place(f.place), _escaped(message_of(f))) for f in findings]
        parts.append(_table(("code", "where", "what"), found))
    if view.suggest and report.suggestions:
        implied = [(_escaped(s.step), _place(s.place), _code(s.code)) for s in report.suggestions]
        parts.append(_table(("step", "where", "the code implies"), implied))
    return "\n\n".join([*parts, f"{totals(report)}"])


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(_rows([heads, ["---"] * len(heads), *rows]))


def _rows(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    return (f"| {' | '.join(row)} |" for row in rows)


def _place(place: Place) -> str:
    return _code(f"{place.file}:{place.line}" if place.line else place.file)


def _code(text: str) -> str:
    return f"<code>{_escaped(text)}</code>"


def _escaped(text: str) -> str:
    """Return `text` so that nothing in it is markup, an address, or a mention of somebody."""
    return _punctuation.sub(_entity, printable(text))


def _entity(found: re.Match[str]) -> str:
    character = found.group()
    if character in _PLAIN:
        return character
    # The comment keeps "@name" and "#1" apart: entities are read before mentions are looked for.
    apart = "<!-- -->" if character in "@#" else ""
    return f"&#{ord(character)};{apart}"
