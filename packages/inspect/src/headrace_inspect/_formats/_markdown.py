"""Markdown as GitHub and GitLab read it: a comment on a change."""

from __future__ import annotations

import re
from collections.abc import Iterator

from headrace.commands import counted, printable
from headrace_inspect._report import Place, Report

from ._words import View, changes, headline, totals

_special = re.compile(r"""[!"#$%&*+:<=>?@\[\\\]^_`{|}~]""")

LONGEST = 65_536
"""So many characters are the most that GitHub takes as a comment."""
_BESIDES = 1_000  # more than all that is no row


def render(report: Report, _: View) -> str:
    """Return a heading, tables of the findings and of what else there is, and a line that sums up.

    It fits into a comment: if need be rows are left out, and a line says how many.
    """
    parts, left_out = [f"### headrace check: {headline(report)}"], []
    room = LONGEST - _BESIDES
    for word, head, rows in _tables(report):
        table = [_row(*head), _row(*["---"] * len(head))]
        for row in rows:
            if len(row) < room:
                room -= len(row) + 1
                table.append(row)
        missing = len(rows) + 2 - len(table)
        if missing:
            left_out.append(f"{missing} of {counted(len(rows), word)}")
        if missing < len(rows):
            parts.append("\n".join(table))
    if left_out:
        parts.append(
            f"Left out, since a comment holds {LONGEST} characters: {', '.join(left_out)}. "
            f"The same check with `--format text` shows them all."
        )
    return "\n\n".join([*parts, totals(report)])


def _tables(report: Report) -> Iterator[tuple[str, tuple[str, ...], list[str]]]:
    """Yield for each table what a row of it is, its head and its rows."""
    problems = [_row(_place(Place(p.file, p.line)), _escaped(p.message)) for p in report.problems]
    yield "problem", ("could not be analysed", "why"), problems
    found = [_row(one.code, _place(one.place), _escaped(one.message)) for one in report.findings]
    yield "finding", ("code", "where", "what"), found
    for head, *rest in [changes(report)] if report.since is not None else []:
        yield "change", (_escaped(head),), [_row(_code(one)) for one in rest]
    hidden = [_row(_code(edge.id)) for edge in report.edges if not edge.by]
    yield "edge", ("not shown",), hidden


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _place(place: Place) -> str:
    return _code(f"{place.file}:{place.line}" if place.line else place.file)


def _code(text: str) -> str:
    return f"<code>{_escaped(text)}</code>"


def _escaped(text: str) -> str:
    """Return `text` so that nothing in it is markup, an address, or a mention of somebody."""
    return _special.sub(_entity, printable(text))


def _entity(found: re.Match[str]) -> str:
    # The comment keeps "@name" and "#1" apart: entities are read before mentions are looked for.
    apart = "<!-- -->" if found.group() in "@#" else ""
    return f"&#{ord(found.group())};{apart}"
