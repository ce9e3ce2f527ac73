"""Words that the formats share, and how text is laid out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from headrace.commands import counted, printable
from headrace_inspect._report import Report


@dataclass(frozen=True, slots=True)
class View:
    """How a report is shown as text.

    Attributes:
        verbose: whether every edge is listed.
        colors: whether text is coloured.
        width: how many columns a line of source may take, with its number.
    """

    verbose: bool = False
    colors: bool = False
    width: int = 120


def headline(report: Report) -> str:
    """Return how many findings there are, and whether the check is complete."""
    words = counted(len(report.findings), "finding") if report.findings else "no findings"
    if not report.problems:
        return words
    paths = counted(len({problem.file for problem in report.problems}), "path")
    head = f"incomplete: {paths} could not be analysed"
    return f"{head}; in the rest {words}" if report.files else head


def summary(report: Report) -> str:
    """Return the line that sums up."""
    return f"{headline(report)}; {totals(report)}"


def totals(report: Report) -> str:
    """Return what was looked at, and how much of it is shown."""
    if not report.files:
        return "no file was read"
    # A file that does not parse was read, and counts.
    return f"{_declared(report)}; {counted(report.files, 'file')}"


def _declared(report: Report) -> str:
    if not report.steps:
        return "no flow is declared in these files"
    by_tests = sum(edge.by == ("tests",) for edge in report.edges)
    hidden = sum(not edge.by for edge in report.edges)
    seen = f"{len(report.edges) - hidden} shown"
    if by_tests:
        seen += f" ({by_tests} by tests alone)"
    edges = counted(len(report.edges), "edge")
    return f"{counted(len(report.steps), 'step')}, {edges}: {seen}, {hidden} not shown"


def changes(report: Report) -> Iterator[str]:
    """Yield a line for each change since a revision that fails nothing."""
    since = report.since
    if since is None:
        return
    for word, found in (("step", since.steps), ("edge", since.edges)):
        yield from (f"+ {word} {one}" for one in found.added)
        yield from (f"- {word} {one}" for one in found.removed)
    yield from (f"~ edge {one}: rerouted" for one in since.edges.rerouted)
    yield from (f"~ edge {one.edge}: {one.was} -> {one.now}" for one in since.edges.boundary)


def since_line(report: Report) -> str:
    """Return what was compared, and how many changes there are that fail nothing."""
    if report.since is None:
        return ""
    count = len([*changes(report)])
    words = counted(count, "change") if count else "no changes"
    return printable(f"since {report.since.revision} ({report.since.base[:12]}): {words}")
