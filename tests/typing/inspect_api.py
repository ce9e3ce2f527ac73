"""Uses every public name of headrace_inspect the way a typed program does: never run."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

from headrace_inspect import (
    Edge,
    Finding,
    Place,
    Problem,
    Report,
    Suggestion,
    Verdict,
    check,
)

report = check(["src"], exclude=["tests"], cache=Path(".headrace_cache"))
assert_type(report, Report)
assert_type(report.exit_status(strict=True), int)
assert_type(report.failing(), list[Finding])
assert_type(report.files + report.steps, int)

for edge in report.edges:
    assert_type(edge, Edge)
    assert_type(edge.id, str)
    verdict: Verdict = edge.verdict
    assert_type(edge.evidence, tuple[Place, ...])

for finding in report.findings:
    assert_type(finding.flow, str | None)
    assert_type(finding.place.line, int)
    assert_type(finding.fails(strict=True), bool)

for problem in report.problems:
    assert_type(problem, Problem)
    assert_type(str(problem), str)

for suggestion in report.suggestions:
    assert_type(suggestion, Suggestion)
    assert_type(suggestion.implied, tuple[str, ...])
    assert_type(suggestion.code, str)
