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
PRECISION_OF_CONTRADICTED = 1.00
PRECISION_OF_CONFIRMED = 0.98
RECALL = 0.90


@dataclass(frozen=True)
class Labels:
    """What a careful person says of a project: verdict and kind per edge, and the findings."""

    edges: dict[str, tuple[str, str]]
    contradicted: set[str]


def labels_of(project: str) -> Labels:
    labels = tomllib.loads((CORPUS / project / "edges.toml").read_text("utf-8"))
    edges = {edge: (verdict, kind) for edge, (verdict, kind) in labels["edges"].items()}
    return Labels(edges, set(labels["contradicted"]["findings"]))


def report_on(project: str) -> Report:
    return check([str(CORPUS / project)])


def edges_in(report: Report) -> dict[str, tuple[str, str]]:
    return {edge.id: (edge.verdict, edge.kind) for edge in report.edges}


def contradicted_in(report: Report) -> set[str]:
    """Return the findings that fail a check, as the labels write them."""
    return {
        f"{one.code} {one.flow} {one.target}"
        for one in report.findings
        if one.verdict == "contradicted"
    }


@dataclass
class Score:
    """Counts over the whole corpus: of what the check said, of what the labels say."""

    contradicted: int = 0
    rightly_contradicted: int = 0
    confirmed: int = 0
    rightly_confirmed: int = 0
    decidable: int = 0
    found: int = 0

    def add(self, labels: Labels, report: Report) -> None:
        """Count one project: its edges, and its findings that are about no one edge."""
        found = edges_in(report)
        for edge, (label, _) in labels.edges.items():
            verdict = found[edge][0] if edge in found else "missing"
            self.decidable += label != "unresolved"
            self.found += label != "unresolved" and verdict == label
            self.confirmed += verdict == "confirmed"
            self.rightly_confirmed += verdict == label == "confirmed"
            self.contradicted += verdict == "contradicted"
            self.rightly_contradicted += verdict == label == "contradicted"
        findings = contradicted_in(report)
        self.contradicted += len(findings)
        self.rightly_contradicted += len(findings & labels.contradicted)

    def lines(self) -> list[tuple[str, float, float]]:
        """Return what is measured, its value, and the least that is good enough."""
        return [
            (
                "precision of contradicted",
                self.rightly_contradicted / self.contradicted,
                PRECISION_OF_CONTRADICTED,
            ),
            (
                "precision of confirmed",
                self.rightly_confirmed / self.confirmed,
                PRECISION_OF_CONFIRMED,
            ),
            ("recall of decidable edges", self.found / self.decidable, RECALL),
        ]


def score() -> Score:
    total = Score()
    for project in PROJECTS:
        total.add(labels_of(project), report_on(project))
    return total


def main() -> int:
    total = score()
    print(f"{len(PROJECTS)} projects, {total.decidable} decidable edges")  # noqa: T201 - a program
    is_good = True
    for name, value, least in total.lines():
        print(f"{name:28} {value:.3f} (at least {least:.2f})")  # noqa: T201 - a program
        is_good = is_good and value >= least
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
