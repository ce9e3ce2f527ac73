"""JSON, for other programs. docs/check.schema.json describes it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from headrace_inspect._report import Edge, Finding, Link, Problem, Report, Since

from ._view import View

VERSION = 2

_risky = re.compile("[<&]")


def render(report: Report, _: View) -> str:
    """Return all of `report`, with names as they are, in ASCII."""
    return encoded(document_of(report))


def document_of(report: Report) -> dict[str, Any]:
    """Return `report` as the schema describes it."""
    document: dict[str, Any] = {
        "version": VERSION,
        "edges": [_edge(edge) for edge in report.edges],
        "findings": [_finding(finding) for finding in report.findings],
    }
    if report.problems:
        document["problems"] = [_problem(problem) for problem in report.problems]
    if report.since is not None:
        document["since"] = _since(report.since)
    return document


def encoded(document: dict[str, Any]) -> str:
    """Return `document` as JSON that is safe wherever it is put: in a terminal, in a page."""
    text = json.dumps(document, indent=2)
    return _risky.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def _edge(edge: Edge) -> dict[str, Any]:
    return {
        "id": edge.id,
        "verdict": edge.verdict,
        "by": [*edge.by],
        "kind": edge.kind,
        "evidence": links(edge.evidence),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "flow": finding.flow,
        "source": finding.source,
        "target": finding.target,
        "file": finding.place.file,
        "line": finding.place.line,
        "message": finding.message,
        "evidence": links(finding.evidence),
    }


def links(found: Iterable[Link]) -> list[dict[str, Any]]:
    return [{"file": one.place.file, "line": one.place.line, "text": one.text} for one in found]


def _problem(problem: Problem) -> dict[str, Any]:
    return {"file": problem.file, "line": problem.line or None, "message": problem.message}


def _since(since: Since) -> dict[str, Any]:
    return {
        "revision": since.revision,
        "base": since.base,
        "lost": [
            {"edge": one.edge, "was": _place(one.was), "broken_at": _place(one.broken_at)}
            for one in since.lost
        ],
        "steps": {"added": [*since.steps_added], "removed": [*since.steps_removed]},
        "edges": {
            "added": [*since.edges_added],
            "removed": [*since.edges_removed],
            "rerouted": [*since.rerouted],
            "boundary": [
                {"edge": edge, "was": was, "now": now} for edge, was, now in since.boundaries
            ],
        },
        "breaking": [
            {key: value for key, value in _finding(one).items() if key in _BREAKING}
            for one in since.breaking
        ],
    }


_BREAKING = ("code", "file", "line", "message")


def _place(link: Link) -> dict[str, Any]:
    return {"file": link.place.file, "line": link.place.line}
