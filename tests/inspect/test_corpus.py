"""The corpus: every labelled edge gets the verdict of its label."""

from __future__ import annotations

import pytest

from tests.inspect.corpus_kit import (
    PROJECTS,
    contradicted_in,
    edges_in,
    labels_of,
    report_on,
    score,
)


@pytest.mark.parametrize("project", PROJECTS)
def test_meets_the_labels_of_a_project(project: str) -> None:
    """Each declared edge of a project has the verdict and the kind of its label, and no other."""
    report = report_on(project)

    assert edges_in(report) == labels_of(project).edges
    assert contradicted_in(report) == labels_of(project).contradicted
    assert report.problems == []
    assert report.exit_status() == (1 if labels_of(project).contradicted else 0)


def test_is_precise_over_the_whole_corpus() -> None:
    """Contradicted is always right, confirmed nearly always, and little is left unresolved."""
    for name, value, least in score().lines():
        assert value >= least, name


def test_is_large_enough_to_tell() -> None:
    """The corpus has the edges that its figures need, of all three verdicts."""
    verdicts = [verdict for one in PROJECTS for verdict, _ in labels_of(one).edges.values()]

    assert len(verdicts) >= 150
    assert {"confirmed", "contradicted", "unresolved"} == set(verdicts)
