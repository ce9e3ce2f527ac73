"""The corpus: every labelled edge is shown, or not, as its label says."""

from __future__ import annotations

import pytest

from tests.inspect.corpus_kit import PROJECTS, errors_in, labels_of, report_on, score


@pytest.mark.parametrize("project", PROJECTS)
def test_meets_the_labels_of_a_project(project: str) -> None:
    """What is labelled shown is shown, with evidence and as that kind; what is wrong is not."""
    report, labels = report_on(project), labels_of(project)
    edges = {edge.id: edge for edge in report.edges}

    assert edges.keys() == labels.edges.keys()
    for name, (verdict, kind) in labels.edges.items():
        edge = edges[name]
        if verdict == "shown":
            assert (edge.by, edge.kind) == (("code",), kind), name
            assert edge.evidence, name
        elif verdict == "not shown":
            assert (edge.by, edge.evidence) == ((), ()), name
    assert errors_in(report) == labels.errors
    assert report.problems == []
    assert report.exit_status() == (1 if labels.errors else 0)


def test_is_precise_over_the_whole_corpus() -> None:
    """What is shown is nearly always right, and little is missing."""
    for name, value, least in score().lines():
        assert value >= least, name


def test_is_large_enough_to_tell() -> None:
    """The corpus has the edges that its figures need, with all three labels."""
    verdicts = [verdict for one in PROJECTS for verdict, _ in labels_of(one).edges.values()]

    assert len(verdicts) >= 800
    assert {"shown", "not shown", "open"} == set(verdicts)
