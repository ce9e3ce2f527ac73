"""Foreign code that fails at any crossing of a request in Django."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.django.conftest import LEFT_OPEN
from tests.django.frameworks import settings_for
from tests.faults.requests import (
    Answer,
    ask_asgi,
    ask_wsgi,
    check_faults,
    check_interrupts,
    log_and_show,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Options = Mapping[str, Any]

_calls: list[list[str]] = []


def show(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(log_and_show(_calls[-1]))


async def show_async(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return show(request)


class Sync:
    urlpatterns = (path("", show),)


class Async:
    urlpatterns = (path("", show_async),)


def ask(
    urlconf: Any, serve: Callable[[Any], Answer], handler: Callable[[], Any]
) -> Callable[[Options, list[str]], Answer]:
    """Return a function that sends a request to a Django site with the options it is given."""

    def ask_site(options: Options, calls: list[str]) -> Answer:
        _calls[:] = [calls]
        with settings_for(options, urlconf):
            return serve(handler())

    return ask_site


SITES = {
    "WSGI": ask(Sync, ask_wsgi, WSGIHandler),
    "ASGI": ask(Async, ask_asgi, ASGIHandler),
    "ASGI with a sync view": ask(Sync, ask_asgi, ASGIHandler),
}


@pytest.fixture(autouse=True)
def site_without_other_middleware(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put only our middleware in the stack."""
    monkeypatch.setattr("tests.django.frameworks.SITE_MIDDLEWARE", "tests.django.test_faults.plain")
    yield
    gc.collect()  # the files of bodies that Django left open, while the filter is in force


def plain(get_response: Any) -> Any:
    """A middleware that does nothing."""
    return get_response


plain.sync_capable = plain.async_capable = True  # type: ignore[attr-defined]


@pytest.mark.guarantee(98)
@pytest.mark.parametrize("site", SITES)
def test_a_fault_in_foreign_code_fails_no_request(site: str) -> None:
    """The view is called once, under one ID, and the response has it in one header."""
    check_faults(SITES[site])


@pytest.mark.guarantee(98)
@pytest.mark.filterwarnings(LEFT_OPEN)
@pytest.mark.parametrize("site", SITES)
def test_an_interrupt_in_foreign_code_leaves_nothing_current(site: str) -> None:
    """The view is called once at most, and no unit is left behind."""
    check_interrupts(SITES[site])
