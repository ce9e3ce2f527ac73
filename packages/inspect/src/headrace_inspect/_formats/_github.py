"""Workflow commands, which GitHub Actions shows at the lines concerned.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from collections.abc import Mapping

from headrace.commands import printable
from headrace_inspect._report import Finding, Problem, Report

from ._view import View, changes, since_line, summary

_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}


def render(report: Report, _: View) -> str:
    """Return a command for each finding, the other changes, and a line that sums up."""
    lines = [_problem(problem) for problem in report.problems]
    lines += [_finding(finding) for finding in report.findings]
    if report.since is not None:
        lines += [since_line(report), *map(printable, changes(report))]
    return "\n".join([*lines, summary(report)])


def _finding(finding: Finding) -> str:
    place: dict[str, str | int] = {
        "file": finding.place.file,
        "line": finding.place.line,
        "col": finding.column,
        "endColumn": finding.column + finding.width,
        "title": finding.code,
    }
    return _command(place, finding.message)


def _problem(problem: Problem) -> str:
    place: dict[str, str | int] = {"file": problem.file}
    if problem.line:
        place["line"] = problem.line
    return _command({**place, "title": "headrace check"}, problem.message)


def _command(properties: Mapping[str, str | int], message: str) -> str:
    words = ",".join(
        f"{name}={_escaped(str(value), _PROPERTY)}" for name, value in properties.items()
    )
    return f"::error {words}::{_escaped(message, _DATA)}"


def _escaped(text: str, escapes: Mapping[str, str]) -> str:
    return "".join(escapes.get(character, character) for character in printable(text))
