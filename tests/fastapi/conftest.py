"""Fixtures for the tests of FastAPI and Starlette."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def record_factory_as_before() -> Iterator[None]:
    """Undo what `init_app` does for the whole process."""
    factory = logging.getLogRecordFactory()
    yield
    logging.setLogRecordFactory(factory)
