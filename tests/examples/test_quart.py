"""The integration of another framework, made by the checklist, keeps the contract."""

from __future__ import annotations

import pytest

pytest.importorskip("quart")

from tests.contract import Scenario, run
from tests.examples.quart_site import EXAMPLE, QuartSite
from tests.scenarios import SCENARIOS


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_contract(scenario: Scenario) -> None:
    """The requests of each scenario do what the contract says."""
    run(scenario, QuartSite())


def test_the_example_is_short() -> None:
    """It is fewer than 30 lines."""
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) < 30
