"""Transactions: the unit encloses them, and what runs on commit."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client, TestCase, override_settings
from django.urls import path

import headrace
import headrace_django
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


def ours(request: HttpRequest) -> HttpResponse:
    """Register a callback with our `on_commit`."""
    headrace_django.on_commit(lambda: sites.note("committed"))
    return HttpResponse()


urlpatterns = [
    path("ours", ours),
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
        thread.join(timeout=60)
    assert notes(log) == [("worked", "abc")]


@pytest.mark.guarantee(78)
def test_on_commit_keeps_the_context_of_the_call() -> None:
    """If the commit happens in another unit, flow or none, the call's context is current."""
    seen: list[Any] = []

    def look() -> None:
        context = headrace.get_flow_context()
        seen.append(context and (context.correlation_id, context.flow, headrace.remaining()))

    with headrace.open_context("committing"), transaction.atomic():
        with headrace.open_context("calling"), headrace.flow("booking").open():
            headrace_django.on_commit(look)
        transaction.on_commit(look)
    with transaction.atomic():
        with headrace.open_context("calling"), headrace.flow("booking").open():
            headrace_django.on_commit(look)
        headrace_django.on_commit(look)
    ours = ("calling", "booking", None)
    assert seen == [ours, ("committing", None, None), ours, None]
    assert headrace.get_flow_context() is None


@pytest.mark.guarantee(78)
def test_captured_callbacks_keep_the_id(log: MemoryLog) -> None:
    """A test that executes the callbacks when the request is over sees its ID."""
    with transaction.atomic():  # as in a TestCase
        with TestCase.captureOnCommitCallbacks(execute=True) as callbacks:
            get("/ours")
        assert len(callbacks) == 1
        transaction.set_rollback(True)
    assert notes(log) == [("committed", "abc")]


@pytest.mark.guarantee(78)
def test_on_commit_is_djangos_otherwise(caplog: pytest.LogCaptureFixture) -> None:
    """Order, database, robustness, rollback and errors are those of Django's own."""
    called: list[int] = []

    def fail() -> None:
        raise LookupError("gone")

    with transaction.atomic():
        headrace_django.on_commit(functools.partial(called.append, 1), using="default")
        headrace_django.on_commit(fail, robust=True)
        headrace_django.on_commit(lambda: called.append(2), None, True)
        assert called == []
    assert called == [1, 2]
    assert "fail" in caplog.text
    with pytest.raises(LookupError), transaction.atomic():
        headrace_django.on_commit(fail)
    with transaction.atomic():
        headrace_django.on_commit(lambda: called.append(3))
        transaction.set_rollback(True)
    assert called == [1, 2]
    headrace_django.on_commit(lambda: called.append(4))
    assert called == [1, 2, 4]
    with pytest.raises(TypeError, match="must be a callable"):
        headrace_django.on_commit(7)  # type: ignore[arg-type]
