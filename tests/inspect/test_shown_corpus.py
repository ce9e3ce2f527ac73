"""The corpus and the constructs, by the new analyser: what is labelled confirmed is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.inspect.corpus_kit import CORPUS, PROJECTS, labels_of
from tests.inspect.shown_kit import analyse_folder, shown
from tests.inspect.test_reaching import cases

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


NOT_FOLLOWED = frozenset([
    "a context manager that is entered and left by hand",
    "a context manager that is entered by hand",
    "a descriptor that gives a step",
    "a descriptor that runs a step",
    "a field that a function makes before the object is finished",
    "a hook of the retries",
    "a list that is turned",
    "a list that is turned under another name",
    "a module by its name",
    "a property that is deleted",
    "an awaitable of one's own",
    "an item that is replaced",
    "an object that is a context manager and a decorator",
    "a class that is asked for an item",
    "a function that a retrying caller calls after an error",
    "behind closing",
    "closing",
    "closing on a stack",
    "iter() of a function",
    "__bool__ by assert m",
    "__iadd__ by m += 1",
    "__len__ by while m: pass",
    "__radd__ by 1 + m",
])
"""Constructs that are rare in real programs, and cost more lines than they show edges."""
TURNED = "a list that is turned, the other way round"
"""Shown although ``list.reverse()`` turns the order: that is not followed."""


@pytest.mark.parametrize(("program", "verdict"), cases())
def test_shows_constructs(
    tmp_path: Path, request: pytest.FixtureRequest, program: str, verdict: str
) -> None:
    """A construct that a careful reader confirms is shown, and one that is wrong is not."""
    name = request.node.callspec.id.partition(": ")[2]
    found = shown(tmp_path, {"program.py": program}).get("a -> b")

    if verdict.startswith("confirmed"):
        assert (found is None) == (name in NOT_FOLLOWED)
    elif verdict == "contradicted":
        assert (found is not None) == (name == TURNED)
