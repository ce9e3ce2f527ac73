"""The corpus, by the new analyser: what is labelled confirmed is shown."""

from __future__ import annotations

import pytest

from tests.inspect.corpus_kit import CORPUS, PROJECTS, labels_of
from tests.inspect.shown_kit import analyse_folder

QUEUES_AND_CALLS = {
    "newsletter": [
        "subscribing:save->send_welcome",
        "subscribing:save->import_history",
        "subscribing:save->score",
        "subscribing:save->clean_list",
        "subscribing:save->greet_by_name",
    ],
    "observatory": ["night:match_catalog->crossmatch", "night:publish_night->notify_team"],
    "school": [
        "enrol:check_papers->assign_class",
        "enrol:order_books->pay_books",
        "camp:pay_deposit->stamp_card",
    ],
    "winery": ["order:send_receipt->archive_receipt", "order:sync_erp->notify_warehouse"],
}
"""Labelled contradicted for a queue where a call is declared, or the reverse: shown now."""
_SIGNALS = "call"


@pytest.mark.parametrize("project", PROJECTS)
def test_shows_what_is_confirmed(project: str) -> None:
    """Each edge that is labelled confirmed is shown, as the kind of its label.

    A signal was labelled as a call, and has a kind of its own now.
    """
    found = {one.edge.id: one for one in analyse_folder(CORPUS / project).edges}
    labels = labels_of(project).edges

    assert found.keys() == labels.keys()
    for edge, (verdict, kind) in labels.items():
        if verdict == "confirmed":
            evidence = found[edge].evidence
            assert evidence is not None, edge
            expected = {kind, "signal"} if kind == _SIGNALS else {kind}
            assert evidence.kind in expected, edge
            assert evidence.links, edge


@pytest.mark.parametrize("project", PROJECTS)
def test_shows_nothing_that_is_contradicted(project: str) -> None:
    """No edge that is labelled contradicted is shown, but for queues and calls in exchange."""
    edges = analyse_folder(CORPUS / project).edges
    labels = labels_of(project).edges
    wrong = [
        one.edge.id
        for one in edges
        if one.evidence is not None and labels[one.edge.id][0] == "contradicted"
    ]

    assert sorted(wrong) == sorted(QUEUES_AND_CALLS.get(project, []))
