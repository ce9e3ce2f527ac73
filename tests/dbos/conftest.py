"""What the tests of durable chains share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import headrace_dbos
from headrace_dbos import _state
from tests.sqlite import never_sync

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def no_chains() -> Iterator[None]:
    """Each test has durable chains of its own, and leaves no DBOS."""
    never_sync()
    _state.chains.clear()
    yield
    if _state.current:
        headrace_dbos.shutdown()
    _state.chains.clear()


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database of the test's own."""
    return f"sqlite:///{tmp_path}/runs.sqlite"


@pytest.fixture
def launch(url: str) -> Callable[..., None]:
    """Launch DBOS, after the chains are defined."""

    def launched(executor_id: str = "one", **options: object) -> None:
        headrace_dbos.launch(url, executor_id=executor_id, **options)

    return launched
