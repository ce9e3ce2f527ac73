"""The pytest plugin `headrace.testing.plugin`, in suites of their own."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from headrace.testing import Capture

pytest_plugins = ["pytester"]

SHOP = """
import headrace
from headrace import Chain

orders = headrace.flow("orders")

@orders.entrypoint
def receive(stock=1):
    validate(stock)
    charge()

@orders.step(after=receive)
def validate(stock):
    if not stock:
        raise ValueError("no stock")

@orders.step(after=validate)
def charge(): ...

@orders.step(after=charge)
def refund(): ...
"""
LEAK = """
import contextvars, headrace, pytest

def leak():
    headrace.open_context("leaked").__enter__()
"""


def needs(module: str) -> pytest.MarkDecorator:
    """Skip the test where `module` is not installed."""
    missing = importlib.util.find_spec(module) is None
    return pytest.mark.skipif(missing, reason=f"{module} is not installed")


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A suite with the plugin and a small shop; other plugins only where a test names them."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeconftest('pytest_plugins = ["headrace.testing.plugin"]')
    pytester.makepyfile(shop=SHOP)
    return pytester


def run(suite: pytest.Pytester, code: str, *options: str) -> pytest.RunResult:
    """Run a test module in a process of its own."""
    suite.makepyfile(test_shop=code)
    return suite.runpytest_subprocess("-p", "no:cacheprovider", *options)


@pytest.mark.guarantee(135)
def test_the_plugin_is_never_loaded_by_itself(pytester: pytest.Pytester) -> None:
    """Without it, there are none of its fixtures; `-p` loads it."""
    pytester.makepyfile("def test_it(captured_flows, no_waiting, clean_context): ...")
    without = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    without.stdout.fnmatch_lines("*fixture 'captured_flows' not found*")
    loaded = pytester.runpytest_subprocess(
        "-p", "no:cacheprovider", "-p", "headrace.testing.plugin"
    )
    loaded.assert_outcomes(passed=1)


def test_paths_that_were_taken_pass(suite: pytest.Pytester) -> None:
    """Others may lie in between; names may have their flow; chains have steps, too."""
    code = """
import shop
from headrace import Chain

def test_path(captured_flows):
    shop.receive()
    captured_flows.assert_path("receive", "validate", "charge")
    captured_flows.assert_path("receive", "orders.charge")
    captured_flows.assert_not_reached("refund", "orders.refund")

def test_chain(captured_flows, no_waiting):
    calls = []
    def fetch():
        calls.append(1)
        if len(calls) < 4:
            raise OSError
    Chain("import").next(fetch, retries=5, backoff=600, max_backoff=600).next(print).run()
    captured_flows.assert_path("import.fetch", "print")
"""
    run(suite, code).assert_outcomes(passed=2)


@pytest.mark.guarantee(135)
def test_a_path_that_was_not_taken_is_shown(suite: pytest.Pytester) -> None:
    """The message says what did not begin and what did; a typo gets a hint."""
    code = """
import shop, pytest

def test_missing(captured_flows):
    with pytest.raises(ValueError):
        shop.receive(stock=0)
    captured_flows.assert_path("receive", "validate", "charge")

def test_order(captured_flows):
    shop.receive()
    captured_flows.assert_path("charge", "validate")

def test_typo(captured_flows):
    captured_flows.assert_path("recieve")

def test_reached(captured_flows):
    shop.receive()
    captured_flows.assert_not_reached("charge")

def test_two_operations_are_not_one(captured_flows):
    shop.receive()
    import headrace
    with headrace.open_context():
        shop.refund()
    captured_flows.assert_path("receive", "refund")
"""
    result = run(suite, code)
    result.assert_outcomes(failed=5)
    result.stdout.fnmatch_lines([
        "*took the path receive -> validate -> charge: 'charge' did not begin after 'validate'",
        "*the operation * ran:",
        "*  orders.receive (error: ValueError: no stock)",
        "*  orders.validate (error: ValueError: no stock)",
        "*'validate' did not begin after 'charge'",
        "*'recieve' did not begin; no flow has such a step; did you mean 'receive'?",
        "*no step ran",
        "*'charge' was reached",
        "*'refund' did not begin after 'receive'",
    ])
    result.stdout.no_fnmatch_line("*_paths.py*")


@pytest.mark.guarantee(135)
def test_an_unknown_step_cannot_be_asserted_not_reached(suite: pytest.Pytester) -> None:
    """The check would always pass."""
    code = """
import shop

def test_typo(captured_flows):
    captured_flows.assert_not_reached("refnd")
"""
    result = run(suite, code)
    result.stdout.fnmatch_lines("*ValueError: no flow has a step 'refnd'; did you mean 'refund'?")


@pytest.mark.parametrize("wrong", [["receive", "charge"], print])
def test_only_names_of_steps_are_accepted(wrong: Any) -> None:
    """A list or a function raises a TypeError that says what to pass."""
    captured = Capture()
    for check in (captured.assert_path, captured.assert_not_reached):
        with pytest.raises(TypeError, match="takes the names of steps as separate strings"):
            check(wrong)


@pytest.mark.parametrize(
    "options", [(), ("-p", "xdist.plugin", "-n", "2")], ids=["one process", "xdist"]
)
def test_any_failure_shows_the_path_taken(suite: pytest.Pytester, options: tuple[str, ...]) -> None:
    """As a section of the report, also from a worker of xdist; a test that passes shows nothing."""
    code = """
import shop

def test_other(captured_flows):
    shop.receive()
    assert 1 == 2

def test_good(captured_flows):
    shop.receive()
"""
    result = run(suite, code, *options)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*- headrace: steps -*", "  orders.receive (ok)"])
    assert result.stdout.str().count("headrace: steps") == 1


def test_a_leaked_context_fails_its_test_alone(suite: pytest.Pytester) -> None:
    """The message names it, and the next test begins clean; without the fixture nothing fails."""
    code = f"""{LEAK}
import headrace

def test_leaks(clean_context):
    leak()

def test_is_clean(clean_context):
    assert headrace.get_flow_context() is None

@pytest.fixture
def in_unit():
    with headrace.open_context():
        yield

def test_is_as_before(in_unit, clean_context):
    with headrace.open_context():
        pass

def test_unchecked():
    leak()
"""
    result = run(suite, code)
    result.assert_outcomes(passed=4, errors=1)
    result.stdout.fnmatch_lines("*the test left another context behind: the unit of work *leaked*")


def test_pytests_own_option_checks_all_tests(suite: pytest.Pytester) -> None:
    """`usefixtures` in the configuration, as for any fixture; unittest's classes included."""
    suite.makeini("[pytest]\nusefixtures = clean_context")
    code = f"""{LEAK}
import unittest

def test_leaks():
    leak()

class TestCase(unittest.TestCase):
    def test_leaks(self):
        leak()
"""
    run(suite, code).assert_outcomes(passed=2, errors=2)


@pytest.mark.parametrize(
    ("plugin", "mark"), [("pytest_asyncio.plugin", "asyncio"), ("anyio.pytest_plugin", "anyio")]
)
def test_async_tests_are_captured_and_checked(
    suite: pytest.Pytester, plugin: str, mark: str
) -> None:
    """Their task has a context of its own, in which a leak is found, too."""
    pytest.importorskip(plugin.partition(".")[0])
    code = f"""{LEAK}
import asyncio, shop

pytestmark = pytest.mark.{mark}

@pytest.fixture
def anyio_backend():
    return "asyncio"

async def test_path(captured_flows):
    await asyncio.gather(asyncio.to_thread(shop.receive), asyncio.sleep(0))
    captured_flows.assert_path("receive", "charge")

async def test_leaks(clean_context):
    leak()

class TestClass:
    async def test_is_clean(self, clean_context):
        with headrace.open_context():
            await asyncio.sleep(0)
"""
    result = run(suite, code, "-p", plugin)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines("*the test left another context behind: the unit of work *leaked*")


@needs("pytest_django")
@needs("headrace_django")
def test_a_django_request_is_captured(suite: pytest.Pytester) -> None:
    """With pytest-django's client and live server, whose requests run in another thread."""
    suite.makepyfile(
        site_settings="""
SECRET_KEY = "x"
USE_TZ = True
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "site_settings"
INSTALLED_APPS = ["headrace_django", "django.contrib.staticfiles"]
STATIC_URL = "static/"
MIDDLEWARE = ["headrace_django.middleware.FlowMiddleware"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}

def order(request):
    import shop
    from django.http import HttpResponse

    shop.receive()
    return HttpResponse("ok")

def urls():
    from django.urls import path
    return [path("order", order)]

from django.utils.functional import SimpleLazyObject
urlpatterns = SimpleLazyObject(urls)
"""
    )
    suite.makeini("[pytest]\nDJANGO_SETTINGS_MODULE = site_settings\npythonpath = .")
    code = """
import urllib.request

def test_client(client, captured_flows, clean_context):
    assert client.get("/order").status_code == 200
    captured_flows.assert_path("receive", "validate", "charge")
    assert [unit.kind for unit in captured_flows.units] == ["http"]

def test_live_server(live_server, captured_flows, clean_context):
    assert urllib.request.urlopen(live_server.url + "/order").status == 200
    captured_flows.assert_path("orders.receive", "orders.charge")
"""
    run(suite, code, "-p", "pytest_django.plugin").assert_outcomes(passed=2)
