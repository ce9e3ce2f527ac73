"""Foreign code that fails at any crossing of units, steps and entrypoints."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace import open_context
from headrace.integration import ResumableUnit, transport_context
from tests.faults.crossings import BrokenError, Crossings, Interrupt, each_fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

calls: list[str] = []
jobs = headrace.flow("tests.faulty")


@jobs.entrypoint
def begin() -> None:
    calls.append("begin")
    work()


@jobs.step(after=begin)
def work() -> None:
    calls.append("work")


@jobs.entrypoint(name="begin_async")
async def begin_async() -> None:
    calls.append("begin")
    await work_async()


@jobs.step(name="work_async", after="begin_async")
async def work_async() -> None:
    calls.append("work")


@jobs.entrypoint(name="produce")
def produce() -> Iterator[int]:
    calls.append("begin")
    yield 1
    calls.append("work")


@jobs.entrypoint(name="produce_async")
async def produce_async() -> AsyncIterator[int]:
    calls.append("begin")
    yield 1
    calls.append("work")


async def consume() -> None:
    """Consume the asynchronous generator."""
    async with contextlib.aclosing(produce_async()) as items:  # type: ignore[type-var]
        async for _ in items:
            pass


def by_hand() -> None:
    """Open nested units with steps."""
    with open_context("order-1") as outer:
        calls.append("begin")
        with outer.fork(), jobs.open():
            work()


def in_pieces() -> None:
    """Run a unit in pieces."""
    unit = ResumableUnit(transport_context("http"))
    try:
        unit.run(calls.append, "begin")
        unit.run(work)
    finally:
        unit.end()


SCENARIOS: dict[str, Callable[[], Any]] = {
    "by hand": by_hand,
    "entrypoint": begin,
    "async entrypoint": lambda: asyncio.run(begin_async()),
    "generator": lambda: list(produce()),
    "async generator": lambda: asyncio.run(consume()),
    "pieces": in_pieces,
}


def make_id(crossings: Crossings) -> Callable[[], str]:
    """Return an ID factory that crosses."""

    def factory() -> str:
        crossings.cross("id_factory")
        return "made-here"

    return factory


@pytest.mark.guarantee(98)
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_fault_in_a_backend_changes_nothing(name: str) -> None:
    """Each function runs once, and nothing is current afterwards that was not before."""

    def scenario(crossings: Crossings) -> None:
        calls.clear()
        SCENARIOS[name]()
        assert calls == ["begin", "work"]
        assert headrace.get_flow_context() is None

    assert {"backend: span: __exit__", "log handler"} <= each_fault(scenario, BrokenError)


@pytest.mark.guarantee(98)
@pytest.mark.parametrize("name", SCENARIOS)
def test_an_interrupt_in_a_backend_reaches_the_caller(name: str) -> None:
    """No function runs twice, the interrupt reaches the caller, and nothing is left current."""

    def scenario(crossings: Crossings) -> None:
        calls.clear()
        seen: BaseException | None = None
        try:
            SCENARIOS[name]()
        except Interrupt as error:
            seen = error
        assert calls in ([], ["begin"], ["begin", "work"])
        assert headrace.get_flow_context() is None
        assert isinstance(seen, Interrupt) is bool(crossings.reached)

    assert {"backend: span: __exit__", "log handler"} <= each_fault(scenario, Interrupt)


@pytest.mark.guarantee(98)
def test_an_error_of_the_function_is_what_the_caller_sees() -> None:
    """The caller gets it, whichever crossing fails."""

    @jobs.entrypoint(name="failing")
    def fail() -> None:
        raise ZeroDivisionError

    def scenario(_: Crossings) -> None:
        with pytest.raises(ZeroDivisionError):
            fail()
        assert headrace.get_flow_context() is None

    assert len(each_fault(scenario, BrokenError)) > 5


@pytest.mark.guarantee(98)
def test_a_faulty_id_factory_costs_no_unit() -> None:
    """The unit still gets an ID."""

    def scenario(crossings: Crossings) -> None:
        headrace.configure("none", id_factory=make_id(crossings))
        with open_context() as context:
            assert context.correlation_id
        assert headrace.get_flow_context() is None

    assert each_fault(scenario, BrokenError) == {"id_factory"}
