"""Workflow commands, which GitHub Actions shows at the lines concerned.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from collections.abc import Mapping

from headrace.commands import printable
from headrace_inspect._report import Finding, Problem, Report, Suggestion

from ._view import View, message_of, summary

_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}


def render(report: Report, view: View) -> str:
    """Return a command for each finding, and a line that sums up."""
    lines = [_problem(problem) for problem in report.problems]
    lines += [_finding(finding, view) for finding in view.findings(report)]
    if view.suggest:
        lines += [_suggestion(one) for one in report.suggestions]
    return "\n".join([*lines, summary(report, view)])


def _finding(finding: Finding, view: View) -> str:
    level = "error" if view.fails(finding) else "warning"
    place: dict[str, str | int] = {
        "file": finding.place.file,
        "line": finding.place.line,
        "col": finding.column,
        "endColumn": finding.column + finding.width,
        "title": finding.code,
    }
    return _command(level, place, message_of(finding))


def _problem(problem: Problem) -> str:
    place: dict[str, str | int] = {"file": problem.file}
    if problem.line:
        place["line"] = problem.line
    return _command("error", {**place, "title": "headrace check"}, problem.message)


def _suggestion(one: Suggestion) -> str:
    place: dict[str, str | int] = {"file": one.place.file, "line": one.place.line}
    place["title"] = "headrace check"
    return _command("notice", place, f"{one.step!r}: the code implies {one.code}")


def _command(level: str, properties: Mapping[str, str | int], message: str) -> str:
    words = ",".join(
        f"{name}={_escaped(str(value), _PROPERTY)}" for name, value in properties.items()
    )
    return f"::{level} {words}::{_escaped(message, _DATA)}"


def _escaped(text: str, escapes: Mapping[str, str]) -> str:
    return "".join(escapes.get(character, character) for character in printable(text))
