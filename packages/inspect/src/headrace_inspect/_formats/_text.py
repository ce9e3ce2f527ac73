"""Text for people: the message, the line of the source and a caret below it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from headrace.commands import counted, printable
from headrace_inspect._report import Finding, Report, Suggestion

from ._view import View, headline, message_of, totals

_COLORS = {"fails": "1;31", "unsure": "1;33", "frame": "1;34", "good": "1;32", "strong": "1"}
_TAB = "    "
_BESIDES = len(" | ......")
_MOST_RELATED = 3


def render(report: Report, view: View) -> str:
    """Return the findings, the suggestions, and a line that sums up."""
    blocks = ["\n".join(_finding(finding, report, view)) for finding in view.findings(report)]
    if view.suggest:
        blocks.append("\n".join(_suggestions(report.suggestions, view)))
    hidden = len(report.failing(strict=True)) - len(view.findings(report))
    head = headline(report, view)
    color = "fails" if report.exit_status(strict=view.strict) else "good"
    closing = f"{_paint(head, color, view)}: {totals(report)}"
    if hidden:
        closing += "\n--verbose shows what is unresolved"
    return "\n\n".join([*blocks, closing])


def _finding(finding: Finding, report: Report, view: View) -> Iterator[str]:
    code = _paint(finding.code, "fails" if view.fails(finding) else "unsure", view)
    place = printable(f"{finding.place.file}:{finding.place.line}:{finding.column}")
    number = str(finding.place.line)
    indent = " " * len(number)
    before, marked, after = _excerpt(finding, view.width - len(indent) - _BESIDES)
    yield f"{code} {_paint(message_of(finding), 'strong', view)}"
    yield f"{indent}{_paint('-->', 'frame', view)} {place}"
    bar = _paint("|", "frame", view)
    yield f"{indent} {bar}"
    yield f"{_paint(number, 'frame', view)} {bar} {before}{marked}{after}".rstrip()
    caret = _paint("^" * max(_width(marked), 1), "fails" if view.fails(finding) else "unsure", view)
    yield f"{indent} {bar} {' ' * _width(before)}{caret}"
    frame = _paint("=", "frame", view)
    for related in finding.related[:_MOST_RELATED]:
        yield f"{indent} {frame} see {printable(f'{related.file}:{related.line}')}"
    if more := len(finding.related[_MOST_RELATED:]):
        yield f"{indent} {frame} and {counted(more, 'place')} more"


def _excerpt(finding: Finding, room: int) -> tuple[str, str, str]:
    """Return the line of the source in three parts, of which the second is what is meant.

    Of a line with more than `room` characters what stands around the second part is returned.
    """
    end = finding.column - 1 + finding.width
    parts = (finding.text[: finding.column - 1], finding.text[:end], finding.text)
    start, end, length = (len(part.replace("\t", _TAB)) for part in parts)
    text = finding.text.replace("\t", _TAB)
    first = max(0, start - room // 3) if length > room else 0
    last = min(length, first + room)
    end = min(end, last)
    before = ("..." if first else "") + text[first:start]
    after = text[end:last] + ("..." if last < length else "")
    return printable(before), printable(text[start:end]), printable(after)


def _width(text: str) -> int:
    """Return how many columns of a terminal `text` takes."""
    return sum(
        0
        if unicodedata.combining(character)
        else 2
        if unicodedata.east_asian_width(character) in {"F", "W"}
        else 1
        for character in text
    )


def _suggestions(suggestions: list[Suggestion], view: View) -> Iterator[str]:
    if not suggestions:
        yield "nothing to suggest"
    for one in suggestions:
        place = printable(f"{one.place.file}:{one.place.line}")
        words = f"{place}: {printable(repr(one.step))} of flow {printable(repr(one.flow))}:"
        yield f"{words} the code implies {_paint(one.code, 'strong', view)}"


def _paint(text: str, color: str, view: View) -> str:
    return f"\x1b[{_COLORS[color]}m{text}\x1b[0m" if view.colors else text
