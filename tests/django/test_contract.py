"""Django keeps the contract of every web framework, and so do the frameworks on top of it."""

from __future__ import annotations

import pytest

from tests.contract import Scenario, run
from tests.django.frameworks import SYNC_MIDDLEWARE, DjangoAsgi, DjangoWsgi
from tests.scenarios import SCENARIOS


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_wsgi(scenario: Scenario) -> None:
    """Over WSGI, the scenario is seen as it is described."""
    run(scenario, DjangoWsgi())


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_asgi(scenario: Scenario) -> None:
    """Over ASGI, the scenario is seen as it is described."""
    run(scenario, DjangoAsgi())


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_asgi_around_sync_middleware(scenario: Scenario) -> None:
    """Over ASGI, around a middleware that is synchronous alone, it is seen all the same."""
    run(scenario, DjangoAsgi(inside=(SYNC_MIDDLEWARE,)))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_ninja(scenario: Scenario) -> None:
    """With Django Ninja's operations, the scenario is seen as it is described."""
    run(scenario, DjangoWsgi("tests.django.site_ninja"))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_rest_framework(scenario: Scenario) -> None:
    """With Django REST framework's views, the scenario is seen as it is described."""
    run(scenario, DjangoWsgi("tests.django.site_rest"))
