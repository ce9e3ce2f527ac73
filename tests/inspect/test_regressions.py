"""Planted regressions: an edge that the code showed is lost, and ``--since`` says where."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.inspect.regression_kit import is_noticed, names_the_link, regressions, since


@pytest.mark.unmeasured
def test_planted_regressions_are_noticed() -> None:
    """At least 85 % of at least 50 are noticed, and 90 % of the first broken links are right."""
    planted = [*regressions(1)]
    results = [(one, since(one)) for one in planted]
    noticed = sum(is_noticed(one, changes) for one, changes in results)
    named = [names_the_link(one, changes) for one, changes in results]
    known = [one for one in named if one is not None]

    assert len(planted) >= 50
    assert Counter(one.kind for one in planted).keys() == {
        "call removed",
        "order swapped",
        "call for queue",
        "signal disconnected",
        "plugin dropped",
    }
    assert noticed >= 0.85 * len(planted)
    assert len(known) >= 40
    assert sum(known) >= 0.9 * len(known)
