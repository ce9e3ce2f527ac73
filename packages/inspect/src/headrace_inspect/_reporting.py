"""From verdicts to a report: places, ignore comments, order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from headrace_inspect._flows._reading import place_of
from headrace_inspect._source._discovery import shown

from . import _messages as messages
from ._report import Edge, Finding, Place, Problem, Report

if TYPE_CHECKING:
    from headrace_inspect._running._trees import Where

    from ._analysis import Analysis
    from ._verdicts import Fault, Judge


def report_of(
    analysis: Analysis, judge: Judge, contents: Mapping[str, bytes], problems: Iterable[Problem]
) -> Report:
    """Return what `judge` found as a report."""
    findings = [_finding(fault) for fault in judge.faults]
    findings += [
        Finding(
            "HR101",
            "unresolved",
            None,
            None,
            function.name,
            None,
            Place(shown(function.module.path), place_of(function)[0]),
            messages.unreadable_name(function.name, what),
            *place_of(function)[1:],
        )
        for function, what in analysis.declared.unreadable
    ]
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
        sorted(findings, key=lambda one: (one.place, one.code, one.source or "")),
        sorted(edges, key=lambda edge: (edge.flow, edge.target, edge.source)),
        sorted(problems),
        [],
        len(contents),
    )


def _finding(fault: Fault) -> Finding:
    step = fault.step
    return Finding(
        fault.code,
        fault.verdict,
        step.flow,
        fault.source,
        step.name,
        fault.kind,
        Place(shown(step.path), step.line),
        fault.message,
        step.column,
        step.width,
        _places(fault.related),
    )


def _places(places: Iterable[Where]) -> tuple[Place, ...]:
    return tuple(Place(shown(where.path), where.line) for where in places)
