"""A pytest plugin, which is never loaded by itself.

Load it in the ``conftest.py`` of the root folder, with
``pytest_plugins = ["headrace.testing.plugin"]``, or with ``-p headrace.testing.plugin``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from headrace import testing

from ._leaks import current, describe, restore

if TYPE_CHECKING:
    from ._leaks import Current

__all__ = ["captured_flows", "clean_context", "no_waiting"]

_captured = pytest.StashKey[testing.Capture]()


@pytest.fixture
def captured_flows(request: pytest.FixtureRequest) -> Iterator[testing.Capture]:
    """The units of work and steps of the test; a failed test shows the path they took."""
    with testing.capture() as captured:
        request.node.stash[_captured] = captured
        yield captured


@pytest.fixture
def no_waiting() -> Iterator[None]:
    """Make every retry of every chain immediate."""
    with testing.no_waiting():
        yield


@pytest.fixture
def clean_context(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that ends in another context than the one it began in.

    For all tests of a project, set pytest's option ``usefixtures = clean_context``.
    """
    node = request.node
    function = getattr(node, "obj", None)
    if inspect.iscoroutinefunction(function):  # its task has a context of its own
        node.obj = _checked(function)
    before = current()
    yield
    _compare(before)


def _checked(function: Any) -> Any:
    @functools.wraps(function)
    async def run(*args: Any, **kwargs: Any) -> None:
        before = current()
        await function(*args, **kwargs)
        _compare(before)

    return run


def _compare(before: Current) -> None:
    after = current()
    if any(ours is not theirs for ours, theirs in zip(before, after, strict=True)):
        restore(before)  # or the next test fails too
        left = describe(after) or f"nothing, where there was {describe(before)}"
        pytest.fail(f"the test left another context behind: {left}", pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the path of the steps to the report of a failed test."""
    report = yield
    captured = item.stash.get(_captured, None)
    if report.when == "call" and report.failed and captured is not None:
        report.sections.append(("headrace: steps", captured.path))
    return report
