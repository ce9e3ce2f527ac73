"""A view that is the undecorated function of a step is reported by a check, or at a request."""

from __future__ import annotations

import itertools
import logging
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from django.core.checks import run_checks
from django.core.management.base import BaseCommand
from django.core.signals import request_started
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from rest_framework.decorators import api_view
from rest_framework.viewsets import ViewSet

from headrace_django._registrations import report_at_first_request
from headrace_django.checks import check_decorators
from tests.core.flow_kit import new_flow

if TYPE_CHECKING:
    from collections.abc import Iterator

_numbers = itertools.count()


def view(request: Any) -> HttpResponse:
    """Answer."""
    return HttpResponse("view")


@pytest.fixture
def patterns(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The URL patterns of a project for the test."""
    module = ModuleType(f"urls_for_test_{next(_numbers)}")
    module.urlpatterns = []  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with override_settings(ROOT_URLCONF=module.__name__):
        yield module.urlpatterns  # type: ignore[attr-defined]


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the core has said."""
    return [record.getMessage() for record in caplog.records if record.name == "headrace"]


def in_disorder(patterns: list[Any]) -> list[str]:
    """Fill `patterns` with undecorated functions of steps, and return their names."""
    flow = new_flow()

    def root(request: Any) -> HttpResponse:
        return HttpResponse("root")

    def nested(request: Any) -> HttpResponse:
        return HttpResponse("nested")

    class Page(View):
        def get(self, request: Any) -> HttpResponse:
            return HttpResponse("page")

    flow.entrypoint(root)
    flow.step(nested)
    flow.step(name="page")(Page.get)
    patterns += [
        path("", root),
        path("more/", include([path("nested/", nested)])),
        path("page/", Page.as_view()),
        path("fine/", new_flow().entrypoint(view)),
    ]
    return ["root", "nested", "Page.get"]


@pytest.mark.guarantee(80)
def test_check_reports_views(patterns: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    """Functions, those of included patterns, methods of views: each gets a warning and a line."""
    names = in_disorder(patterns)
    for _ in range(2):
        found = [each.msg for each in run_checks() if each.id == "headrace.W009"]
        assert len(found) == len(names)
    assert len(lines(caplog)) == len(names)
    for name in names:
        assert sum(f"<locals>.{name} " in line for line in lines(caplog)) == 1


def below_ninja(patterns: list[Any], declared: Any) -> None:
    """Let Ninja register the function of a step, or the step."""
    api = NinjaAPI(urls_namespace=f"ninja{next(_numbers)}")

    def odd(request: Any) -> None: ...

    step = new_flow().step(odd)
    api.get("/x")(step if declared else odd)
    patterns.append(path("api/", api.urls))


def below_rest(patterns: list[Any], declared: Any) -> None:
    """Let REST framework's @api_view take the function of a step, or the step."""

    def odd(request: Any) -> None: ...

    step = new_flow().step(odd)
    patterns.append(path("rest/", api_view(["GET", "POST"])(step if declared else odd)))


def below_actions(patterns: list[Any], declared: Any) -> None:
    """Let an action of REST framework's view sets be the function of a step, or the step."""

    def odd(self: Any, request: Any) -> None: ...

    step = new_flow().step(odd)
    methods = {"listed": step if declared else odd}
    view_set = type("Orders", (ViewSet,), methods)
    patterns.append(path("orders/", view_set.as_view({"get": "listed"})))


def below_dispatch(patterns: list[Any], declared: Any) -> None:
    """Let a view's class have the function of a step, or the step, as its `dispatch`."""

    def odd(self: Any, request: Any) -> None: ...

    step = new_flow().step(odd)

    class Page(View):
        dispatch = method_decorator(csrf_exempt)(step if declared else odd)

    patterns.append(path("page/", Page.as_view()))


@pytest.mark.guarantee(80)
@pytest.mark.parametrize("register", [below_ninja, below_rest, below_actions, below_dispatch])
@pytest.mark.parametrize("declared", [True, False])
def test_check_sees_through_the_views_of_libraries(
    patterns: list[Any], register: Any, declared: bool
) -> None:
    """The function behind a view is reported once if it is bare, and not if it is the step."""
    register(patterns, declared)
    found = [each.msg for each in run_checks() if each.id == "headrace.W009"]
    assert ["<locals>.odd " in message for message in found] == ([] if declared else [True])


@pytest.mark.guarantee(80)
def test_first_request_reports_views(patterns: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    """A server that runs no checks reports them once, with its first request."""
    names = in_disorder(patterns)
    report_at_first_request()
    with caplog.at_level(logging.WARNING):
        for address in ("/", "/page/", "/"):
            assert Client().get(address).status_code == 200
    assert len([line for line in lines(caplog) if "undecorated" in line]) == len(names)
    assert not any("headrace.undecorated" in str(key) for key, *_ in request_started.receivers)


@pytest.mark.guarantee(80)
def test_broken_urls_fail_no_request(caplog: pytest.LogCaptureFixture) -> None:
    """If the URL configuration cannot be imported, Django reports it."""
    report_at_first_request()
    with override_settings(ROOT_URLCONF="tests.nowhere"), pytest.raises(ModuleNotFoundError):
        Client().get("/")
    assert not any("undecorated" in line for line in lines(caplog))


@pytest.mark.guarantee(80)
def test_check_reports_commands(patterns: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    """The `handle` of a command that is a step's undecorated function is reported."""

    class Command(BaseCommand):
        def handle(self, *args: Any, **options: Any) -> None: ...

    new_flow().entrypoint(Command.handle)
    (message,) = [each.msg for each in run_checks() if each.id == "headrace.W009"]
    assert "Command.handle" in message
    assert "management command" in message


@pytest.mark.guarantee(80)
def test_project_without_urls_is_checked() -> None:
    """A project with no URL configuration, such as a worker's, has only commands to check."""

    class Command(BaseCommand):
        def handle(self, *args: Any, **options: Any) -> None: ...

    new_flow().entrypoint(Command.handle)
    with override_settings(ROOT_URLCONF=None):
        found = [each.msg for each in check_decorators()]
    assert any("Command.handle" in message for message in found)
