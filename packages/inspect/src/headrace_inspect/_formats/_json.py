"""JSON, for other programs. docs/check.schema.json says what stands where."""

from __future__ import annotations

import json
import re
from typing import Any

from headrace_inspect._report import Edge, Finding, Problem, Report, Suggestion

from ._view import View

VERSION = 1

_risky = re.compile("[<&]")


def render(report: Report, view: View) -> str:
    """Return all of `report`, with names as they are, in ASCII."""
    document: dict[str, Any] = {
        "version": VERSION,
        "findings": [_finding(finding) for finding in report.findings],
        "edges": [_edge(edge) for edge in report.edges],
        "problems": [_problem(problem) for problem in report.problems],
    }
    if view.suggest:
        document["suggestions"] = [_suggestion(one) for one in report.suggestions]
    return encoded(document)


def encoded(document: dict[str, Any]) -> str:
    """Return `document` as JSON that is safe wherever it is put: in a terminal, in a page."""
    text = json.dumps(document, indent=2)
    return _risky.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "verdict": finding.verdict,
        "flow": finding.flow,
        "source": finding.source,
        "target": finding.target,
        "kind": finding.kind,
        "file": finding.place.file,
        "line": finding.place.line,
        "message": finding.message,
    }


def _edge(edge: Edge) -> dict[str, Any]:
    return {
        "id": edge.id,
        "verdict": edge.verdict,
        "kind": edge.kind,
        "evidence": [{"file": place.file, "line": place.line} for place in edge.evidence],
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {"file": problem.file, "line": problem.line or None, "message": problem.message}


def _suggestion(one: Suggestion) -> dict[str, Any]:
    return {
        "flow": one.flow,
        "step": one.step,
        "declared": list(one.declared),
        "implied": list(one.implied),
        "code": one.code,
        "file": one.place.file,
        "line": one.place.line,
    }
