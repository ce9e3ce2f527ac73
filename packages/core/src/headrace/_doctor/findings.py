"""Findings of the doctor, and their output."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

VERSION = 1


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A missing or broken piece of set-up.

    Attributes:
        file: the file, relative to the working directory; empty for a live object.
        line: the line, from 1; 0 if the finding concerns the file or an object.
        name: the kind of the finding, such as ``log-format``.
        message: the problem and its consequence. It names settings, never their values.
        add: the lines to add.
        to: where to add them.
    """

    file: str
    line: int
    name: str
    message: str
    add: tuple[str, ...] = ()
    to: str = ""

    def at(self, file: str, line: int) -> Finding:
        """Return the finding for a place in the source."""
        return replace(self, file=file, line=line)

    def __str__(self) -> str:
        """Return the place, the kind and the message in one line."""
        place = f"{self.file}:{self.line}: " if self.file else ""
        return f"{place}{self.name}: {self.message}"


@dataclass(slots=True)
class Report:
    """The result of an examination.

    Attributes:
        findings: what is missing.
        seen: what was examined: each application or set-up, with its place.
        problems: what could not be analysed, and why.
        decided: the kinds of findings for which live objects override the source.
    """

    findings: list[Finding] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    decided: frozenset[str] = frozenset()

    def add_source(self, source: Report) -> None:
        """Add the findings from the source, except those of kinds that live objects decide."""
        decided = self.decided | {one.name for one in self.findings}
        self.findings += [one for one in source.findings if one.name not in decided]
        self.problems += source.problems

    def exit_status(self) -> int:
        """Return 0 if nothing is missing, 1 if something is, 2 if something was not analysed."""
        if self.problems:
            return 2
        return 1 if self.findings else 0


def as_text(report: Report) -> str:
    """Return the report for people: each finding with its lines, then a summary."""
    blocks = ["\n".join(_block(finding)) for finding in report.findings]
    seen = "; ".join(report.seen) or "nothing"
    count = len(report.findings)
    verdict = "nothing is missing"
    if count:
        verdict = "1 thing is missing" if count == 1 else f"{count} things are missing"
    return "\n\n".join([*blocks, f"{verdict}; examined: {seen}"])


def _block(finding: Finding) -> Sequence[str]:
    where = f"  {finding.to}:" if finding.to else "  write:"
    lines = [where, *(f"    {line}".rstrip() for line in finding.add)] if finding.add else []
    return [str(finding), *lines]


def as_json(report: Report) -> str:
    """Return the report for programs."""
    findings = [asdict(one) | {"line": one.line or None} for one in report.findings]
    document = {
        "version": VERSION,
        "findings": findings,
        "seen": report.seen,
        "problems": report.problems,
    }
    return json.dumps(document, indent=2)
