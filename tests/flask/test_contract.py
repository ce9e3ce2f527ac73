"""Flask keeps the contract of every web framework."""

from __future__ import annotations

import pytest

from tests.contract import Scenario, run
from tests.flask.frameworks import FlaskWsgi
from tests.scenarios import SCENARIOS


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_contract(scenario: Scenario) -> None:
    """The scenario is seen as it is described."""
    run(scenario, FlaskWsgi())
