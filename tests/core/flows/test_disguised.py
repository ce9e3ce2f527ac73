"""Steps over another decorator's plain wrapper of a coroutine function or a generator function."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace.testing import capture

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

disguised = headrace.flow("disguised")


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap as decorators do that know functions only."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


@disguised.entrypoint
@plain
async def fetch(fails: bool) -> str | None:
    await asyncio.sleep(0.01)
    if fails:
        raise ValueError("as planned")
    return headrace.current_flow_id()


@disguised.entrypoint
@plain
def items() -> Iterator[str | None]:
    yield headrace.current_flow_id()
    yield headrace.current_flow_id()


@disguised.entrypoint
@plain
async def events() -> AsyncIterator[str | None]:
    yield headrace.current_flow_id()


def driven(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a plain function of a coroutine function, as async_to_sync does."""

    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return asyncio.run(function(*args))

    return wrapper


@disguised.entrypoint
@driven
async def run(number: int) -> int:
    assert headrace.current_flow_id() is not None
    return number + 1


@pytest.mark.guarantee(48)
def test_coroutine_behind_a_plain_wrapper_runs_in_its_unit() -> None:
    """Its ID is there while it is awaited, and its step ends when it does."""
    with capture() as seen:
        flow_id = asyncio.run(fetch(False))
    assert [step.correlation_id for step in seen.steps] == [flow_id]
    assert seen.steps[0].seconds >= 0.009
    assert headrace.current_flow_id() is None


@pytest.mark.guarantee(48)
def test_error_behind_a_plain_wrapper_is_the_steps() -> None:
    """The outcome is that of the coroutine, not of the call that made it."""
    with capture() as seen, pytest.raises(ValueError, match="as planned"):
        asyncio.run(fetch(True))
    assert [step.outcome for step in seen.steps] == ["error"]


@pytest.mark.guarantee(48)
def test_generators_behind_a_plain_wrapper_run_in_their_unit() -> None:
    """Every item is made under the one ID, and the consumer sees nothing of it."""

    async def consume() -> list[str | None]:
        return [each async for each in events()]

    found = list(items())
    assert len(set(found)) == 1
    assert found[0] is not None
    assert asyncio.run(consume())[0] is not None
    assert headrace.current_flow_id() is None


def test_wrapper_that_runs_the_coroutine_itself_is_a_plain_step() -> None:
    """What comes back is the result, and the step has ended by then."""
    with capture() as seen:
        assert run(1) == 2
    assert [step.outcome for step in seen.steps] == ["ok"]
