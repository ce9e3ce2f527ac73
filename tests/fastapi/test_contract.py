"""FastAPI and Starlette keep the contract."""

from __future__ import annotations

import pytest

from tests.contract import Scenario, run
from tests.fastapi.fastapi_site import FastApiSite
from tests.fastapi.starlette_site import StarletteSite
from tests.scenarios import SCENARIOS
from tests.sites import Framework


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("framework", [FastApiSite(), StarletteSite()], ids=lambda each: each.name)
def test_contract(framework: Framework, scenario: Scenario) -> None:
    """The requests of each scenario do what the contract says."""
    run(scenario, framework)
