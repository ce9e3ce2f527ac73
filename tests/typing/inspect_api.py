"""Uses every public name of headrace_inspect the way a typed program does: never run."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, assert_type

from headrace_inspect import (
    Boundary,
    Changes,
    Edge,
    Finding,
    Link,
    Lost,
    Place,
    Problem,
    Report,
    RevisionError,
    Since,
    Step,
    check,
)

try:
    report = check(
        ["src"],
        exclude=["tests"],
        cache=Path(".headrace_cache"),
        require_shown=["order"],
        since="main",
        disable=["HR108"],
        accept=["HR302 shop.gone"],
        evidence="evidence.json",
    )
except RevisionError as error:
    raise SystemExit(str(error)) from error
assert_type(report, Report)
assert_type(report.exit_status(), int)
assert_type(report.files, int)

for edge in report.edges:
    assert_type(edge, Edge)
    assert_type(edge.id, str)
    assert_type(edge.verdict, Literal["shown", "not_shown"])
    assert_type(edge.by, tuple[str, ...])
    assert_type(edge.evidence, tuple[Link, ...])

for finding in report.findings:
    assert_type(finding, Finding)
    assert_type(finding.flow, str | None)
    assert_type(finding.place, Place)
    assert_type(finding.place.line, int)

for problem in report.problems:
    assert_type(problem, Problem)
    assert_type(str(problem), str)

for step in report.steps:
    assert_type(step, Step)
    assert_type(step.id, str)

since = report.since
if since is not None:
    assert_type(since, Since)
    assert_type(since.lost, tuple[Lost, ...])
    assert_type(since.breaking, tuple[Finding, ...])
    assert_type(since.steps, Changes)
    assert_type(since.edges.boundary, tuple[Boundary, ...])
