"""Uses the names of chains the way a typed program does: type-checked, never run."""

from __future__ import annotations

import asyncio
from typing import Any, assert_type

from headrace import (
    AsyncChain,
    Chain,
    ChainError,
    ChainResult,
    FlowGraph,
    StepFailedError,
    flow,
    literal,
    ref,
)
from headrace.integration import register_interrupt
from headrace.integration.chains import (
    AsyncDriver,
    Run,
    Step,
    SyncDriver,
    definition_of,
    plan_of,
    run_async_with,
    run_with,
    step_key,
)
from headrace.testing import FakeClock, fake_clock, fake_random, no_waiting


def extract(day: str) -> list[int]:
    """Be a step."""
    return [len(day)]


async def load(rows: list[int]) -> int:
    """Be a step that is awaited."""
    return len(rows)


def undo(result: object) -> None:
    """Be an undo."""


def chains() -> None:
    """Building keeps the chain's own type, and `run` gives a result, or a coroutine of one."""
    chain = Chain("etl", flow=flow("orders"), redact=["password"], deadline=5)
    built = chain.put("a", 1).next(extract, out="raw", args=["day", ref("a.b"), literal("x"), 5])
    assert_type(built, Chain)
    assert_type(built.parallel(Chain().next(extract)), Chain)
    result = built.run(day="2026-11-21")
    assert_type(result, ChainResult)
    assert_type(result["raw"], Any)
    assert_type(result.correlation_id, str | None)
    assert_type([step.seconds for step in result.steps], list[float])
    assert_type(result.steps[0].reason, str | None)
    assert_type(str(result.report), str)
    assert_type(built.check("day"), list[str])
    assert_type(built.inputs, tuple[str, ...])
    assert_type(result.as_json("raw"), dict[str, Any])
    assert_type(built.graph(), FlowGraph)
    assert_type(built.copy().next(Chain().next(extract), kwargs={"day": "day"}), Chain)


def async_chains() -> None:
    """The same, awaited."""
    chain = AsyncChain(allow_sync=False).next(load, args=["rows"], timeout=1.5, undo=undo)
    assert_type(chain, AsyncChain)
    assert_type(chain.copy().next(Chain().next(extract)), AsyncChain)
    assert_type(asyncio.run(chain.run(rows=[])), ChainResult)


def options() -> None:
    """What a step takes, and what it does not."""
    chain = Chain(before_step=lambda step, context: None, redact=str.upper)
    chain.next(
        extract,
        kwargs={"day": "day"},
        retries=3,
        retry_on=lambda exc: 2.5,
        backoff=0.5,
        when=lambda context: "a" in context,
        validate=lambda result: True,
        log=lambda context, result: None,
        log_fmt="{result}",
        undo=undo,
        overwrite=True,
    )
    chain.next(extract, retry_on=OSError, when=ref("a.b"))
    chain.next(extract, retry_on=(OSError, ValueError), when="a")
    chain.next(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    chain.next(extract, retries="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    chain.parallel(AsyncChain())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Chain(allow_sync=True)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def errors(error: StepFailedError) -> None:
    """What an error tells."""
    assert_type(error.step, str)
    assert_type(error.reason, str)
    assert_type(error.attempts, int)
    assert_type(error.result, ChainResult | None)
    assert_type(error.undo_errors, list[BaseException])
    assert_type([isinstance(other, ChainError) for other in error.others], list[bool])


def testing() -> None:
    """Time and chance under control."""
    with no_waiting(), fake_random(0.5), fake_clock() as clock:
        assert_type(clock, FakeClock)
        assert_type(clock.slept, list[float])


class Counting(SyncDriver):
    """Be a driver of another engine."""

    count = 0

    async def call(self, run: Run, step: Step) -> tuple[Any, BaseException | None]:
        """Count the attempts."""
        self.count += run.attempts
        with step_key(step.name):
            return await super().call(run, step)


def use_engine(chain: Chain) -> None:
    """Run a chain with another driver."""
    assert_type(run_with(Counting(), chain, {"day": "today"}), ChainResult)
    assert_type(definition_of(plan_of(chain)), list[str])


async def use_async_engine(chain: AsyncChain) -> None:
    """Run an `AsyncChain` with a driver."""
    assert_type(await run_async_with(AsyncDriver(), chain, {"day": "today"}), ChainResult)
    register_interrupt(TimeoutError)
