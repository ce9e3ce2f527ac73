"""From verdicts to a report: places, ignore comments, order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from headrace_inspect._flows._reading import place_of
from headrace_inspect._source._discovery import shown
from headrace_inspect._source._lines import line_of, lines_of

from . import _messages as messages
from ._ignoring import find_ignores, silence
from ._report import Edge, Finding, Place, Problem, Report
from ._suggesting import suggestions

if TYPE_CHECKING:
    from headrace_inspect._names._entities import Function
    from headrace_inspect._running._trees import Where

    from ._analysis import Analysis
    from ._verdicts import Fault, Judge

_definition = re.compile(r"\bdef\s+(\w+)")


def report_of(
    analysis: Analysis, judge: Judge, contents: Mapping[str, bytes], problems: Iterable[Problem]
) -> Report:
    """Return what `judge` found as a report.

    Args:
        analysis: what is known of the steps.
        judge: has judged their edges.
        contents: the content of each file that could be read, by path.
        problems: what is wrong with the others.
    """
    lines = Lines(contents)
    wrong = sorted(problems)
    missing = messages.while_missing(len({problem.file for problem in wrong}))
    findings = [_finding(lines, fault, missing if fault.is_open else "") for fault in judge.faults]
    findings += [_unreadable(lines, *found) for found in analysis.declared.unreadable]
    ignores = find_ignores({shown(path): content for path, content in contents.items()})
    findings = silence(findings, ignores, is_complete=not wrong)
    edges = [
        Edge(
            judged.link.target[0],
            judged.link.source,
            judged.link.target[1],
            judged.verdict,
            judged.kind,
            _places(judged.evidence),
        )
        for judged in judge.edges
    ]
    return Report(
        sorted(findings, key=lambda one: (one.place, one.code, one.source or "", one.message)),
        sorted(edges, key=lambda edge: (edge.flow, edge.target, edge.source)),
        wrong,
        [] if wrong else suggestions(analysis, judge),
        len(contents),
        len(analysis.declared.steps),
    )


class Lines:
    """The lines of files; each file is decoded when the first is asked for."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self._contents = contents
        self._lines: dict[str, list[str]] = {}

    def of(self, path: str, number: int) -> str:
        """Return a line of the file `path`."""
        if path not in self._lines:
            self._lines[path] = lines_of(self._contents.get(path, b""))
        return line_of(self._lines[path], number)


def _finding(lines: Lines, fault: Fault, because: str) -> Finding:
    step = fault.step
    text = lines.of(step.path, step.line)
    return Finding(
        fault.code,
        fault.verdict,
        step.flow,
        fault.source,
        step.name,
        fault.kind,
        Place(shown(step.path), step.line),
        fault.message + because,
        *_span(text, step.column, step.width, is_definition=step.kind != "chain"),
        _places(fault.related),
        text,
    )


def _unreadable(lines: Lines, function: Function, what: str) -> Finding:
    path = function.module.path
    line, column, width = place_of(function)
    text = lines.of(path, line)
    return Finding(
        *("HR101", "unresolved", None, None, function.name, None),
        Place(shown(path), line),
        messages.unreadable_name(function.name, what),
        *_span(text, column, width, is_definition=True),
        text=text,
    )


def _span(text: str, column: int, width: int, *, is_definition: bool) -> tuple[int, int]:
    """Return the column and width in characters, of the name in a definition, else as given.

    Syntax trees count bytes, and do not tell where a function's name stands.
    """
    found = _definition.search(text) if is_definition else None
    if found:
        return found.start(1) + 1, found.end(1) - found.start(1)
    before = text.encode("utf-8", "surrogatepass")[: column - 1]
    return len(before.decode("utf-8", "replace")) + 1, width


def _places(places: Iterable[Where]) -> tuple[Place, ...]:
    return tuple(Place(shown(where.path), where.line) for where in places)
