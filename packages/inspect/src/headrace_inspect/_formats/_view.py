"""What of a report is shown, and words that the formats share."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.commands import counted, printable
from headrace_inspect._report import VERDICTS, Finding, Report


@dataclass(frozen=True, slots=True)
class View:
    """How a report is shown.

    Attributes:
        strict: whether unresolved findings fail.
        verbose: whether unresolved findings are shown.
        suggest: whether suggestions are shown.
        colors: whether text is coloured.
        width: so many columns a line of the source may take, with its number.
    """

    strict: bool = False
    verbose: bool = False
    suggest: bool = False
    colors: bool = False
    width: int = 120

    def findings(self, report: Report) -> list[Finding]:
        """Return the findings to be shown."""
        return report.failing(strict=self.strict or self.verbose)

    def fails(self, finding: Finding) -> bool:
        """Tell whether `finding` makes the check fail."""
        return finding.fails(strict=self.strict)


def headline(report: Report, view: View) -> str:
    """Return how many findings fail the check, and how many do not; and whether it is complete."""
    failing = len(report.failing(strict=view.strict))
    unresolved = len(report.findings) - failing
    if unresolved:
        fails = f"{counted(failing, 'finding')} fail{'s' if failing == 1 else ''}"
        words = f"{fails if failing else 'no finding fails'}, {unresolved} "
        words += "is unresolved" if unresolved == 1 else "are unresolved"
    else:
        words = counted(failing, "finding") if failing else "no findings"
    if not report.problems:
        return words
    paths = counted(len({problem.file for problem in report.problems}), "path")
    head = f"incomplete: {paths} could not be analysed"
    return f"{head}; in the rest {words}" if report.files else head


def summary(report: Report, view: View) -> str:
    """Return the line that sums up."""
    return f"{headline(report, view)}: {totals(report)}"


def totals(report: Report) -> str:
    """Return what was looked at: steps, edges, files."""
    if not report.files:
        return "no file was read"
    # A file that does not parse was read, and counts.
    return f"{_declared(report)}; {counted(report.files, 'file')}"


def message_of(finding: Finding) -> str:
    """Return the message, with what is not sure marked as that."""
    mark = "unresolved: " if finding.verdict == "unresolved" else ""
    return printable(mark + finding.message)


def _declared(report: Report) -> str:
    if not report.steps and not report.findings:
        return "no flow is declared in these files"
    verdicts = [edge.verdict for edge in report.edges]
    counts = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in VERDICTS)
    edges = counted(len(report.edges), "edge")
    return f"{counted(report.steps, 'step')}, {edges} ({counts})"
