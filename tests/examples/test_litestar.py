"""The integration of another framework, made by the checklist, keeps the contract."""

from __future__ import annotations

import pytest

pytest.importorskip("litestar")

from starlette.testclient import TestClient

import headrace
from tests.contract import Scenario, run
from tests.examples.litestar_site import EXAMPLE, LitestarSite, load_example, make_app
from tests.scenarios import SCENARIOS
from tests.units import WatchedUnit, watched_units


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_contract(scenario: Scenario) -> None:
    """The requests of each scenario do what the contract says."""
    run(scenario, LitestarSite())


def test_unit_is_named_for_the_route() -> None:
    """The unit has the route's template as its name, and a second `init_app` changes nothing."""
    from litestar import get

    async def show() -> str:
        return str(headrace.current_flow_id())

    app = make_app({})
    app.register(get("/orders/{number:int}")(show))
    handler = app.asgi_handler
    load_example().init_app(app)
    assert app.asgi_handler is handler
    units: list[WatchedUnit]
    with watched_units() as units:
        TestClient(app).get("/orders/7")  # type: ignore[arg-type]
    assert [unit.context.name for unit in units] == ["/orders/{number}"]


def test_the_example_is_short() -> None:
    """It is fewer than 30 lines."""
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) < 30
