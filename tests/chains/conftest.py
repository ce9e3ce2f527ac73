"""What the tests of chains share."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

import headrace
from headrace._chains import prefixes
from tests.chains.runners import RUNNERS, Runner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(params=RUNNERS, ids=repr)
def runner(request: pytest.FixtureRequest) -> Runner:
    """What runs the chains of a test."""
    runner: Runner = request.param
    return runner


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
