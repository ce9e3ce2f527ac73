"""Fixtures for the tests of Flask."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

import headrace
from tests.sites import MemoryLog, memory_log
from tests.units import WatchedUnit, watched_units


@pytest.fixture(autouse=True)
def default_configuration() -> Iterator[None]:
    """Undo what a test configures and installs."""
    factory = logging.getLogRecordFactory()
    yield
    headrace.configure()
    logging.setLogRecordFactory(factory)


@pytest.fixture
def log() -> Iterator[MemoryLog]:
    """What is logged."""
    with memory_log() as log:
        yield log


@pytest.fixture
def units() -> Iterator[list[WatchedUnit]]:
    """The units of work that run, and how each of them ended."""
    with watched_units() as units:
        yield units
