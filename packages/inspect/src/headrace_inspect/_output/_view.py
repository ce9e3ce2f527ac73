"""What of a report is shown, and words that the formats share."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.commands import printable
from headrace_inspect._report import VERDICTS, Finding, Report


@dataclass(frozen=True, slots=True)
class View:
    """How a report is shown.

    Attributes:
        strict: whether unresolved findings fail.
        verbose: whether unresolved findings are shown.
        suggest: whether suggestions are shown.
        colors: whether text is coloured.
    """

    strict: bool = False
    verbose: bool = False
    suggest: bool = False
    colors: bool = False

    def findings(self, report: Report) -> list[Finding]:
        """Return the findings to be shown."""
        return report.failing(strict=self.strict or self.verbose)

    def fails(self, finding: Finding) -> bool:
        """Tell whether `finding` makes the check fail."""
        return self.strict or finding.verdict == "contradicted"


def headline(report: Report, view: View) -> str:
    """Return how many findings make the check fail: ``2 findings``; and how many problems."""
    count = len(report.failing(strict=view.strict))
    findings = counted(count, "finding") if count else "no findings"
    problems = f"{counted(len(report.problems), 'problem')}, " if report.problems else ""
    return problems + findings


def totals(report: Report) -> str:
    """Return what was looked at: steps, edges, files."""
    return f"{_declared(report)}; {_files(report)}"


def message_of(finding: Finding) -> str:
    """Return the message, with what is not sure marked as that."""
    mark = "unresolved: " if finding.verdict == "unresolved" else ""
    return printable(mark + finding.message)


def counted(count: int, word: str) -> str:
    """Return ``1 step``, ``2 steps``."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def _declared(report: Report) -> str:
    if not report.steps:
        return "no flow is declared in these files"
    verdicts = [edge.verdict for edge in report.edges]
    counts = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in VERDICTS)
    edges = counted(len(report.edges), "edge")
    return f"{counted(report.steps, 'step')}, {edges}: {counts}"


def _files(report: Report) -> str:
    broken = len({problem.file for problem in report.problems})
    # A file that does not parse was read, and is counted already.
    return counted(report.files, "file") + (f", {broken} could not be read" if broken else "")
