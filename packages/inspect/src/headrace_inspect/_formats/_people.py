"""Formats for people: text, Markdown for a comment on a change, and GitHub's annotations.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from headrace.commands import counted, printable
from headrace_inspect._report import Edge, Finding, Link, Place, Report

from . import View

_COLORS = {"fails": "1;31", "frame": "1;34", "good": "1;32", "strong": "1"}
_LONGEST_LINE = 100
_MOST_LINKS = 3
LONGEST = 65_536
"""The maximum number of characters in a GitHub comment."""
_BESIDES = 1_000  # more than everything except rows
_SPECIAL = re.compile(r"""[!"#$%&*+:<=>?@\[\\\]^_`{|}~]""")
_DATA = "%\r\n"

# --- words that the formats share -----------------------------------------------------------------


def headline(report: Report) -> str:
    """Return how many findings there are, and whether the check is complete."""
    words = counted(len(report.findings), "finding") if report.findings else "no findings"
    if not report.problems:
        return words
    paths = counted(len({problem.file for problem in report.problems}), "path")
    head = f"incomplete: {paths} could not be analysed"
    return f"{head}; in the rest {words}" if report.files else head


def totals(report: Report) -> str:
    """Return what was checked, and how much of it is shown."""
    if not report.files:
        return "no file was read"
    # A file that does not parse was read, and counts.
    files = counted(report.files, "file")
    if not report.steps:
        return f"no flow is declared in these files; {files}"
    hidden = sum(not edge.by for edge in report.edges)
    shown = f"{len(report.edges) - hidden} shown"
    if by_tests := sum(edge.by == ("tests",) for edge in report.edges):
        shown += f" ({by_tests} by tests alone)"
    declared = f"{counted(len(report.steps), 'step')}, {counted(len(report.edges), 'edge')}"
    return f"{declared}: {shown}, {hidden} not shown; {files}"


def summary(report: Report) -> str:
    """Return the summary line."""
    return f"{headline(report)}; {totals(report)}"


def _changes(report: Report) -> list[str]:
    """Return a line on what was compared, and one for each change that fails nothing."""
    since = report.since
    if since is None:
        return []
    found: list[str] = []
    for word, of_kind in (("step", since.steps), ("edge", since.edges)):
        found += [f"+ {word} {one}" for one in of_kind.added]
        found += [f"- {word} {one}" for one in of_kind.removed]
    found += [f"~ edge {one}: rerouted" for one in since.edges.rerouted]
    found += [f"~ edge {one.edge}: {one.was} -> {one.now}" for one in since.edges.boundary]
    count = counted(len(found), "change") if found else "no changes"
    return [*map(printable, [f"since {since.revision} ({since.base[:12]}): {count}", *found])]


# --- text -----------------------------------------------------------------------------------------


def as_text(report: Report, view: View) -> str:
    """Return the findings, the edges if asked for, the changes, and a line that sums up."""
    blocks = ["\n".join(_excerpted(finding, view)) for finding in report.findings]
    if view.verbose and report.edges:
        blocks.append("\n".join(_edge(edge) for edge in report.edges))
    blocks += ["\n".join(_changes(report))] if report.since is not None else []
    color = "fails" if report.exit_status() else "good"
    closing = f"{_paint(headline(report), color, view)}; {totals(report)}"
    return "\n\n".join([*blocks, closing])


def _edge(edge: Edge) -> str:
    calls = " > ".join(map(_call, edge.evidence)) or "in tests"
    return printable(f"{edge.id}: {f'{edge.kind}, {calls}' if edge.by else 'not shown'}")


def _call(link: Link) -> str:
    return f"{link.place.file}:{link.place.line} {link.text}"


def _excerpted(finding: Finding, view: View) -> Iterator[str]:
    """Yield the message, the line of source with a caret below, and the evidence."""
    number = str(finding.place.line)
    indent = " " * len(number)
    before, marked, after = _excerpt(finding)
    arrow, bar, frame = (_paint(sign, "frame", view) for sign in ("-->", "|", "="))
    caret = _paint("^" * max(_width(marked), 1), "fails", view)
    message = _paint(printable(finding.message), "strong", view)
    yield f"{_paint(finding.code, 'fails', view)} {message}"
    yield f"{indent}{arrow} {printable(f'{finding.place.file}:{number}:{finding.column}')}"
    yield f"{indent} {bar}"
    yield f"{_paint(number, 'frame', view)} {bar} {before}{marked}{after}".rstrip()
    yield f"{indent} {bar} {' ' * _width(before)}{caret}"
    word = "was" if finding.code == "HR300" else "see"
    for link in finding.evidence[:_MOST_LINKS]:
        yield f"{indent} {frame} {word} {printable(_call(link))}"
    if more := len(finding.evidence[_MOST_LINKS:]):
        yield f"{indent} {frame} and {counted(more, 'place')} more"


def _excerpt(finding: Finding) -> tuple[str, str, str]:
    """Return the line of source in three parts; the second is what the finding is about.

    Of a long line what surrounds the second part is returned.
    """
    line, start, end = finding.text, finding.column - 1, finding.column - 1 + finding.width
    parts = (line[:start], line[start:end], line[end:])
    before, marked, after = (part.replace("\t", "    ") for part in parts)
    if len(before) + len(marked) + len(after) > _LONGEST_LINE:
        kept = before[-(_LONGEST_LINE // 3) :]
        marked = marked[: _LONGEST_LINE - len(kept)]
        rest = after[: _LONGEST_LINE - len(kept) - len(marked)]
        before = kept if kept == before else f"...{kept}"
        after = rest if rest == after else f"{rest}..."
    return printable(before), printable(marked), printable(after)


def _width(text: str) -> int:
    """Return how many columns of a terminal `text` takes."""
    wide = sum(unicodedata.east_asian_width(character) in {"F", "W"} for character in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))


def _paint(text: str, color: str, view: View) -> str:
    return f"\x1b[{_COLORS[color]}m{text}\x1b[0m" if view.colors else text


# --- Markdown -------------------------------------------------------------------------------------


def as_markdown(report: Report, _: View) -> str:
    """Return a heading, tables of the findings and of all other lists, and a summary line.

    It fits into a comment: if necessary, it leaves out rows, and a line says how many.
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
        left_out += [f"{missing} of {counted(len(rows), word)}"] if missing else []
        parts += ["\n".join(table)] if missing < len(rows) else []
    if left_out:
        parts.append(
            f"Left out, since a comment holds {LONGEST} characters: {', '.join(left_out)}. "
            f"The same check with `--format text` shows them all."
        )
    return "\n\n".join([*parts, totals(report)])


def _tables(report: Report) -> Iterator[tuple[str, tuple[str, ...], list[str]]]:
    """Yield for each table the name of a row, the head and the rows."""
    problems = [_row(_place(one.place), _escaped(one.message)) for one in report.problems]
    yield "problem", ("could not be analysed", "why"), problems
    found = [_row(one.code, _place(one.place), _escaped(one.message)) for one in report.findings]
    yield "finding", ("code", "where", "what"), found
    for head, *rest in [_changes(report)] if report.since is not None else []:
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
    """Return `text` so that nothing in it is markup, a link or a mention."""
    # The comment keeps "@name" and "#1" apart: entities are read before mentions are looked for.
    return _SPECIAL.sub(
        lambda found: f"&#{ord(found[0])};{'<!-- -->' if found[0] in '@#' else ''}",
        printable(text),
    )


# --- GitHub ---------------------------------------------------------------------------------------


def as_github(report: Report, _: View) -> str:
    """Return a command for each finding, the other changes, and a summary line."""
    commands = [_command(one.message, one.place, "headrace check") for one in report.problems]
    for one in report.findings:
        columns = {"col": one.column, "endColumn": one.column + one.width}
        commands.append(_command(one.message, one.place, one.code, **columns))
    return "\n".join([*commands, *_changes(report), summary(report)])


def _command(message: str, place: Place, title: str, **columns: int) -> str:
    properties = {"file": place.file, "line": place.line, **columns, "title": title}
    words = [
        f"{name}={_encoded(str(one), _DATA + ':,')}" for name, one in properties.items() if one
    ]
    return f"::error {','.join(words)}::{_encoded(message, _DATA)}"


def _encoded(text: str, special: str) -> str:
    codes = {ord(character): f"%{ord(character):02X}" for character in special}
    return printable(text).translate(codes)
