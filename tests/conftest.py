"""Fixtures for every test: no context is left behind, and brokers where there are some."""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from tests.brokers import find_rabbitmq, find_redis

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

# The session `examples` tries more. No time limits, since a busy machine takes longer.
EXAMPLES = int(os.environ.get("HEADRACE_EXAMPLES", "40"))
settings.register_profile(
    "suite",
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("suite")

# A shell may start background jobs with SIGINT ignored, which the tests' processes would inherit.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

BROKER_FIXTURES = {"redis_url", "rabbitmq_url"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that talk to a broker, so that `-m broker` selects them."""
    for item in items:
        if BROKER_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("broker")


def pytest_collection_finish() -> None:
    """Hide modules and collected tests from the garbage collector, which is faster.

    Not from Python 3.14 on, where Hypothesis looks for what refers to its objects.
    """
    if sys.version_info < (3, 14):
        gc.collect()
        gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    """Pause coverage in a test that tries many examples: its trace function slows them down."""
    has_many = any(map(item.get_closest_marker, ("hypothesis", "unmeasured")))
    coverage = _tracing_coverage() if has_many else None
    if coverage is None:
        return (yield)
    coverage.stop()
    try:
        return (yield)
    finally:
        coverage.start()


def _tracing_coverage() -> Any:
    """Return the active coverage, if it uses a trace function, as it does before Python 3.14."""
    module = sys.modules.get("coverage")
    return module.Coverage.current() if module and sys.gettrace() else None


@pytest.fixture(autouse=True)
def no_context_left() -> Iterator[None]:
    """Fail a test that ends in another context than the one it began in."""
    from headrace import get_flow_context

    before = get_flow_context()
    yield
    left = get_flow_context()
    if left is not before:
        pytest.fail(f"the test left a context behind: {left!r}")


@pytest.fixture(autouse=True)
def no_tracer_provider_left() -> Iterator[None]:
    """Fail a test that sets OpenTelemetry's tracer provider for the rest of the process."""
    before = _tracer_provider()
    yield
    left = _tracer_provider()
    if left is not before:
        sys.modules["opentelemetry.trace"]._TRACER_PROVIDER = before
        pytest.fail(f"the test left a tracer provider behind: {left!r}")


def _tracer_provider() -> Any:
    return getattr(sys.modules.get("opentelemetry.trace"), "_TRACER_PROVIDER", None)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis: the one on its standard port, else a private one for this test run."""
    with find_redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(scope="session")
def rabbitmq_url() -> str:
    """The RabbitMQ on its standard port."""
    return find_rabbitmq()
