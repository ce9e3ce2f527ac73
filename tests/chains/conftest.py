"""What the tests of chains share."""

from __future__ import annotations

import logging
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace._chains import prefixes
from tests.chains.durable_runner import CANNOT, CONTRACT, DURABLE, TOO_LONG, DurableRunner, close
from tests.chains.runners import RUNNERS, Runner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(params=(*RUNNERS, *DURABLE), ids=repr)
def runner(request: pytest.FixtureRequest) -> Runner:
    """What runs the chains of a test."""
    runner: Runner = request.param
    return runner


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave durable runs out of what is not their contract, and expect what they cannot do."""
    items[:] = [item for item in items if _is_wanted(item)]
    for item in items:
        if _is_durable(item):
            for pattern, reason in CANNOT.items():
                name = pattern.replace("[", "[[]") if "[" in pattern else f"{pattern}[[]*"
                if fnmatchcase(item.name, name):
                    item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


def _is_durable(item: Any) -> bool:
    runner = item.callspec.params.get("runner") if hasattr(item, "callspec") else None
    return isinstance(runner, DurableRunner)


def _is_wanted(item: Any) -> bool:
    if not _is_durable(item):
        return True
    module = item.module.__name__.rpartition(".")[2]
    return module in CONTRACT and item.originalname not in TOO_LONG


@pytest.fixture(autouse=True, scope="module")
def no_threads_left() -> Iterator[None]:
    """The DBOS of durable runs ends with the module."""
    yield
    close()


@pytest.fixture(autouse=True)
def default_configuration() -> Iterator[None]:
    """Whatever a test configures ends with it."""
    yield
    headrace.configure()


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[tuple[str, str]]]:
    """The lines that chains have logged so far: level and text."""
    caplog.set_level(logging.DEBUG, "headrace.chain")
    return lambda: [
        (record.levelname, record.getMessage())
        for record in caplog.records
        if record.name == "headrace.chain"
    ]


def forget_builds() -> None:
    """Let no chain be known that was built before."""
    prefixes._young.clear()
    prefixes._old.clear()


@pytest.fixture
def no_builds() -> Iterator[None]:
    """No chain is known at the beginning, and none afterwards."""
    forget_builds()
    yield
    forget_builds()
