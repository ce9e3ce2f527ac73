"""Transactions: the unit encloses them, and what runs on commit."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path

import headrace
from tests import sites
from tests.django.frameworks import FLOW_MIDDLEWARE
from tests.sites import MemoryLog

HERE = "tests.django.test_database"
HEADERS = {"X-Correlation-ID": "abc"}


def book(request: HttpRequest) -> HttpResponse:
    """Do something on commit."""
    with transaction.atomic():
        transaction.on_commit(lambda: sites.note("committed"))
        sites.note("booked")
    return HttpResponse()


def atomic(request: HttpRequest) -> HttpResponse:
    """Do something on the commit that Django makes when the view is done."""
    assert connection.in_atomic_block
    transaction.on_commit(lambda: sites.note("committed"))
    sites.note("booked")
    return HttpResponse()


def fail(request: HttpRequest) -> HttpResponse:
    """Fail before the commit."""
    transaction.on_commit(lambda: sites.note("committed"))
    raise sites.BrokenError


def start_thread(request: HttpRequest) -> HttpResponse:
    """Start a thread on commit, as those do who have no task queue."""
    with transaction.atomic():

        def work() -> None:
            threading.Thread(target=headrace.bind(lambda: sites.note("worked"))).start()

        transaction.on_commit(work)
    return HttpResponse()


urlpatterns = [
    path("book", book),
    path("atomic", atomic),
    path("fail", fail),
    path("thread", start_thread),
]


@pytest.fixture(autouse=True)
def site() -> Iterator[None]:
    """Serve the routes above."""
    with override_settings(MIDDLEWARE=[FLOW_MIDDLEWARE], ROOT_URLCONF=HERE):
        yield
    connection.close()


@pytest.fixture
def atomic_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put each view into a transaction."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)


def notes(log: MemoryLog) -> list[tuple[str, str]]:
    """Return the site's notes with their IDs."""
    return [(line.message, line.flow_id) for line in log.lines() if line.logger == "site"]


def get(path: str) -> Any:
    """Send a request."""
    return Client(raise_request_exception=False).get(path, headers=HEADERS)


def test_on_commit_has_the_id(log: MemoryLog) -> None:
    """What a view leaves to `transaction.on_commit` runs in the request's unit."""
    get("/book")
    assert notes(log) == [("booked", "abc"), ("committed", "abc")]


@pytest.mark.usefixtures("atomic_requests")
def test_atomic_requests_have_the_id(log: MemoryLog) -> None:
    """With ATOMIC_REQUESTS, Django commits within the unit, behind the view."""
    assert get("/atomic").status_code == 200
    assert notes(log) == [("booked", "abc"), ("committed", "abc")]


@pytest.mark.usefixtures("atomic_requests")
def test_failing_atomic_request_has_the_id(log: MemoryLog) -> None:
    """A view that fails is rolled back; nothing of it runs on commit, and the error has the ID."""
    response = get("/fail")
    assert (response.status_code, response["X-Correlation-ID"]) == (500, "abc")
    assert notes(log) == []
    assert [line.flow_id for line in log.lines() if line.error == "BrokenError"] == ["abc"]


def test_bound_thread_on_commit_has_the_id(log: MemoryLog) -> None:
    """A thread that is started on commit carries the ID where its function is bound."""
    before = {*threading.enumerate()}
    get("/thread")
    for thread in {*threading.enumerate()} - before:
        thread.join(timeout=10)
    assert notes(log) == [("worked", "abc")]
