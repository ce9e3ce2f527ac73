"""What the tests of chains share: one test body for `Chain`, `AsyncChain`, and steps in threads."""

from __future__ import annotations

import asyncio
import functools
import logging
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace import AsyncChain, Chain, ChainResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Kind:
    """A kind of chain: how it is made, how its functions are written, how it is run."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name

    @property
    def is_async(self) -> bool:
        return self.name != "sync"

    def chain(self, *args: Any, **kwargs: Any) -> Any:
        """Make a chain."""
        return (AsyncChain if self.is_async else Chain)(*args, **kwargs)

    def fn(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return `function` as this kind of chain has it: a coroutine function, or as it is."""
        if self.name != "async":
            return function

        @functools.wraps(function)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(0)
            return function(*args, **kwargs)

        return awaited

    def run(self, chain: Any, /, **inputs: Any) -> ChainResult:
        """Run the chain, on an event loop if it needs one."""
        return asyncio.run(chain.run(**inputs)) if self.is_async else chain.run(**inputs)


@pytest.fixture(params=["sync", "async", "threads"])
def kind(request: pytest.FixtureRequest) -> Kind:
    """`Chain`; `AsyncChain` with coroutine functions; `AsyncChain` with sync functions."""
    return Kind(request.param)


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
