"""The core's ASGI and WSGI middleware keep the contract, without a framework."""

from __future__ import annotations

import pytest

from tests.contract import Scenario, run
from tests.http.asgi_site import AsgiSite
from tests.http.wsgi_site import WsgiSite
from tests.scenarios import SCENARIOS
from tests.sites import Framework


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("framework", [AsgiSite(), WsgiSite()], ids=lambda each: each.name)
def test_contract(framework: Framework, scenario: Scenario) -> None:
    """The requests of each scenario do what the contract says."""
    run(scenario, framework)
