"""Words that the formats share, and how text is laid out."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.commands import counted, printable
from headrace_inspect._report import Report


@dataclass(frozen=True, slots=True)
class View:
    """How a report is shown as text.

    Attributes:
        verbose: whether every edge is listed.
        colors: whether text is coloured.
    """

    verbose: bool = False
    colors: bool = False


def headline(report: Report) -> str:
    """Return how many findings there are, and whether the check is complete."""
    words = counted(len(report.findings), "finding") if report.findings else "no findings"
    if not report.problems:
        return words
    paths = counted(len({problem.file for problem in report.problems}), "path")
    head = f"incomplete: {paths} could not be analysed"
    return f"{head}; in the rest {words}" if report.files else head


def totals(report: Report) -> str:
    """Return what was looked at, and how much of it is shown."""
    if not report.files:
        return "no file was read"
    # A file that does not parse was read, and counts.
    files = counted(report.files, "file")
    if not report.steps:
        return f"no flow is declared in these files; {files}"
    hidden = sum(not edge.by for edge in report.edges)
    shown = f"{len(report.edges) - hidden} shown"
    if by_tests := sum(edge.by == ("tests",) for edge in report.edges):
        shown += f" ({by_tests} by tests alone)"
    declared = f"{counted(len(report.steps), 'step')}, {counted(len(report.edges), 'edge')}"
    return f"{declared}: {shown}, {hidden} not shown; {files}"


def summary(report: Report) -> str:
    """Return the line that sums up."""
    return f"{headline(report)}; {totals(report)}"


def changes(report: Report) -> list[str]:
    """Return a line on what was compared, and one for each change that fails nothing."""
    since = report.since
    if since is None:
        return []
    found: list[str] = []
    for word, of_kind in (("step", since.steps), ("edge", since.edges)):
        found += [f"+ {word} {one}" for one in of_kind.added]
        found += [f"- {word} {one}" for one in of_kind.removed]
    found += [f"~ edge {one}: rerouted" for one in since.edges.rerouted]
    found += [f"~ edge {one.edge}: {one.was} -> {one.now}" for one in since.edges.boundary]
    count = counted(len(found), "change") if found else "no changes"
    return [*map(printable, [f"since {since.revision} ({since.base[:12]}): {count}", *found])]
