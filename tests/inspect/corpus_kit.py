"""The labelled projects of the corpus, and how well a check meets their labels.

`python -m tests.inspect.corpus_kit` prints precision and recall, and fails where they are too low.
"""

from __future__ import annotations

import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from headrace_inspect._check import check
from headrace_inspect._report import Report

CORPUS = Path(__file__).parent / "corpus"
PROJECTS = sorted(path.parent.name for path in CORPUS.glob("*/edges.toml"))
PRECISION = 0.98
RECALL = 0.98


@dataclass(frozen=True)
class Labels:
    """What a careful person says of a project: verdict and kind of each edge, and the errors."""

    edges: dict[str, tuple[str, str]]
    errors: set[str]


def labels_of(project: str) -> Labels:
    labels = tomllib.loads((CORPUS / project / "edges.toml").read_text("utf-8"))
    edges = {edge: (verdict, kind) for edge, (verdict, kind) in labels["edges"].items()}
    return Labels(edges, set(labels["errors"]["findings"]))


def report_on(project: str) -> Report:
    return check([str(CORPUS / project)])


def errors_in(report: Report) -> set[str]:
    """Return the findings, as the labels write them."""
    return {f"{one.code} {one.flow} {one.target}" for one in report.findings}


@dataclass
class Score:
    """Counts over the whole corpus. Edges that are labelled open count for nothing."""

    shown: int = 0
    rightly_shown: int = 0
    labelled: int = 0

    def add(self, labels: Labels, report: Report) -> None:
        """Count the edges of one project."""
        shown = {edge.id for edge in report.edges if edge.by}
        for edge, (label, _) in labels.edges.items():
            self.labelled += label == "shown"
            self.shown += label != "open" and edge in shown
            self.rightly_shown += label == "shown" and edge in shown

    def lines(self) -> list[tuple[str, float, float]]:
        """Return what is measured, its value, and the least that is good enough."""
        return [
            ("precision of shown", self.rightly_shown / self.shown, PRECISION),
            ("recall of shown", self.rightly_shown / self.labelled, RECALL),
        ]


def score() -> Score:
    total = Score()
    for project in PROJECTS:
        total.add(labels_of(project), report_on(project))
    return total


def main() -> int:
    total = score()
    print(f"{len(PROJECTS)} projects, {total.labelled} edges to show")  # noqa: T201 - a program
    is_good = True
    for name, value, least in total.lines():
        print(f"{name:20} {value:.3f} (at least {least:.2f})")  # noqa: T201 - a program
        is_good = is_good and value >= least
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
