"""Text for people: the message, the line of source with a caret below, the evidence."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from headrace.commands import counted, printable
from headrace_inspect._report import Edge, Finding, Link, Report

from ._words import View, changes, headline, totals

_COLORS = {"fails": "1;31", "frame": "1;34", "good": "1;32", "strong": "1"}
_LONGEST = 100
"""The most characters of a line of source."""
_MOST_LINKS = 3


def render(report: Report, view: View) -> str:
    """Return the findings, the edges if asked for, the changes, and a line that sums up."""
    blocks = ["\n".join(_finding(finding, view)) for finding in report.findings]
    if view.verbose and report.edges:
        blocks.append("\n".join(_edge(edge) for edge in report.edges))
    if report.since is not None:
        blocks.append("\n".join(changes(report)))
    color = "fails" if report.exit_status() else "good"
    closing = f"{_paint(headline(report), color, view)}; {totals(report)}"
    return "\n\n".join([*blocks, closing])


def _edge(edge: Edge) -> str:
    if not edge.by:
        return printable(f"{edge.id}: not shown")
    calls = " > ".join(_call(link) for link in edge.evidence) or "in tests"
    return printable(f"{edge.id}: {edge.kind}, {calls}")


def _call(link: Link) -> str:
    return f"{link.place.file}:{link.place.line} {link.text}"


def _finding(finding: Finding, view: View) -> Iterator[str]:
    place = printable(f"{finding.place.file}:{finding.place.line}:{finding.column}")
    number = str(finding.place.line)
    indent = " " * len(number)
    before, marked, after = _excerpt(finding)
    arrow, bar, frame = (_paint(sign, "frame", view) for sign in ("-->", "|", "="))
    caret = _paint("^" * max(_width(marked), 1), "fails", view)
    message = _paint(printable(finding.message), "strong", view)
    yield f"{_paint(finding.code, 'fails', view)} {message}"
    yield f"{indent}{arrow} {place}"
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
    text, start, end = finding.text, finding.column - 1, finding.column - 1 + finding.width
    before, marked, after = (
        part.replace("\t", "    ") for part in (text[:start], text[start:end], text[end:])
    )
    if len(before) + len(marked) + len(after) > _LONGEST:
        kept = before[-(_LONGEST // 3) :]
        marked = marked[: _LONGEST - len(kept)]
        rest = after[: _LONGEST - len(kept) - len(marked)]
        before = kept if kept == before else f"...{kept}"
        after = rest if rest == after else f"{rest}..."
    return printable(before), printable(marked), printable(after)


def _width(text: str) -> int:
    """Return how many columns of a terminal `text` takes."""
    wide = sum(unicodedata.east_asian_width(character) in {"F", "W"} for character in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))


def _paint(text: str, color: str, view: View) -> str:
    return f"\x1b[{_COLORS[color]}m{text}\x1b[0m" if view.colors else text
