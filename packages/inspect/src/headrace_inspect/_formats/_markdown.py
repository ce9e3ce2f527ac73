"""Markdown as GitHub and GitLab read it: a comment on a change."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator, Sequence

from headrace.commands import counted, printable
from headrace_inspect._report import Place, Report

from ._view import View, changes, headline, since_line, totals

_punctuation = re.compile(f"[{re.escape(string.punctuation)}]")
_PLAIN = " '(),-./;"

LONGEST = 65_536
"""So many characters are the most that GitHub takes as a comment."""
_BESIDES = 1_000  # more than all that is no row

_Row = Sequence[str]


def render(report: Report, _: View) -> str:
    """Return a heading, tables of the findings and of what else there is, and a line that sums up.

    It fits into a comment: if need be rows are left out, and a line says how many.
    """
    parts, left_out = [f"### headrace check: {headline(report)}"], []
    room = LONGEST - _BESIDES
    for word, heads, rows in _tables(report):
        shown = [*_fitting(_rows(rows), room)]
        room -= sum(len(row) + 1 for row in shown)
        if shown:
            parts.append("\n".join([*_rows([heads, ["---"] * len(heads)]), *shown]))
        if len(shown) < len(rows):
            left_out.append(f"{len(rows) - len(shown)} of {counted(len(rows), word)}")
    if left_out:
        parts.append(
            f"Left out, since a comment holds {LONGEST} characters: {', '.join(left_out)}. "
            f"The same check with `--format text` shows them all."
        )
    return "\n\n".join([*parts, totals(report)])


def _tables(report: Report) -> Iterator[tuple[str, Sequence[str], list[_Row]]]:
    """Yield for each table what a row of it is, its head and its rows."""
    if report.problems:
        rows = [(_place(Place(p.file, p.line)), _escaped(p.message)) for p in report.problems]
        yield "problem", ("could not be analysed", "why"), [*rows]
    if report.findings:
        found = [(f.code, _place(f.place), _escaped(f.message)) for f in report.findings]
        yield "finding", ("code", "where", "what"), [*found]
    if report.since is not None:
        yield "change", (_escaped(since_line(report)),), [(_code(one),) for one in changes(report)]
    if hidden := [edge for edge in report.edges if not edge.by]:
        yield "edge", ("not shown",), [(_code(edge.id),) for edge in hidden]


def _fitting(rows: Iterable[str], room: int) -> Iterator[str]:
    for row in rows:
        if len(row) < room:
            room -= len(row) + 1
            yield row


def _rows(rows: Iterable[_Row]) -> Iterator[str]:
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
