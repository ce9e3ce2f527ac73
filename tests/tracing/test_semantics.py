"""The span of a request follows OpenTelemetry's conventions in every framework."""

from __future__ import annotations

from typing import Any

import pytest

import headrace
from headrace.integration import error_type
from tests.tracing.cells import printed
from tests.tracing.test_matrix import server_of

ROUTES = {
    "asgi": ("/items/7", "/fail"),  # no framework, no route: the path
    "wsgi": ("/items/7", "/fail"),
    "django": ("items/<int:number>", "fail"),
    "django-async": ("items/<int:number>", "fail"),
    "flask": ("/items/<int:number>", "/fail"),
    "starlette": ("/items/{number:int}", "/fail"),
}
each = pytest.mark.parametrize("framework", ROUTES)
pytestmark = pytest.mark.guarantee(66)


def seen(framework: str, request: str) -> tuple[Any, list[str]]:
    found = printed(framework, "alone", "otel")
    return server_of(found["seen"][request]), found["units"][request]


def said(server: Any) -> dict[str, Any]:
    names = ("http.", "url.", "error.")
    return {key: value for key, value in server["attributes"].items() if key.startswith(names)}


@each
def test_a_request_says_what_the_conventions_ask(framework: str) -> None:
    """Method, path, status and route; the span and the captured unit are named for the route."""
    server, names = seen(framework, "remote")
    route = ROUTES[framework][0]
    expected = {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "url.path": "/items/7",
    }
    assert said(server) == expected | ({} if "sgi" in framework else {"http.route": route})
    assert server["name"] == route
    assert server["status"] == "UNSET"
    assert names == [route]


@each
def test_a_failed_request_is_an_error(framework: str) -> None:
    """Status ERROR and the exception's class, even if the framework turned it into a 500."""
    server, names = seen(framework, "fail")
    route = ROUTES[framework][1]
    assert server["status"] == "ERROR"
    assert server["attributes"]["error.type"] == "tests.tracing.work.DeclinedError"
    assert names == [server["name"]] == [route]
    if "sgi" not in framework:
        assert server["attributes"]["http.response.status_code"] == 500


def test_a_route_names_the_unit_inside_fastapi_s_own_span() -> None:
    """FastAPI's span has the method in its name, by the conventions; the unit has the route."""
    found = printed("fastapi", "alone", "otel")
    assert server_of(found["seen"]["remote"])["name"] == "GET /items/{number}"
    assert found["units"]["remote"] == ["/items/{number}"]


class PublicError(Exception):
    """An exception."""


class _PrivateError(PublicError):
    """One that is private."""


@pytest.mark.parametrize(
    ("exc", "name"),
    [
        (LookupError(), "LookupError"),
        (TimeoutError(), "TimeoutError"),
        (PublicError(), f"{__name__}.PublicError"),
        (_PrivateError(), f"{__name__}.PublicError"),
        (headrace.OutsideFlowError(), "headrace.OutsideFlowError"),
        (headrace.DeadlineExceededError("late"), "headrace.DeadlineExceededError"),
    ],
)
def test_an_exception_goes_by_its_public_class(exc: BaseException, name: str) -> None:
    """The module that exports it, without private parts; Python's own have no module."""
    assert error_type(exc) == name
