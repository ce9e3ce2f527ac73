"""What may be interrupted: each way to open and leave units, steps and blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import headrace
from headrace import FlowContext, open_context
from headrace.integration import ResumableUnit, Unit, as_current, transport_context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

jobs = headrace.flow("tests.interrupted")


@jobs.entrypoint
def enter() -> None:
    work()


@jobs.step(after=enter)
def work() -> None:
    pass


@jobs.entrypoint(name="enter_new", new=True)
def enter_new() -> None:
    work()


@jobs.entrypoint(name="enter_async", new=True)
async def enter_async() -> None:
    await work_async()


@jobs.step(name="work_async", after="enter_async")
async def work_async() -> None:
    pass


@jobs.entrypoint(name="produce", new=True)
def produce() -> Iterator[int]:
    yield 1
    work()


def run(coroutine: Any) -> None:
    """Run `coroutine`, which never suspends, in the current context."""
    try:
        coroutine.send(None)
    except StopIteration:
        pass
    finally:
        coroutine.close()


def block(make: Callable[[], Any]) -> Callable[[], None]:
    """Return a scenario that enters and leaves the block made by `make`."""

    def scenario() -> None:
        with make():
            work()

    return scenario


def pieces() -> None:
    """Run pieces of a unit that is resumed."""
    unit = ResumableUnit(transport_context("http"))
    unit.run(work)
    unit.run(work)
    unit.end()


def budgeted_pieces() -> None:
    """Run pieces that set a deadline."""
    unit = ResumableUnit(transport_context("http"))
    unit.run(headrace.deadline(10).__enter__)
    unit.run(work)
    unit.end()


def nested() -> None:
    """Open nested units."""
    with open_context(), FlowContext().fork(), open_context():
        work()


chain = headrace.Chain("tests.interrupted.chain").next(work).next(work, name="again")
async_chain = headrace.AsyncChain("tests.interrupted.async").next(work_async)

SCENARIOS: dict[str, Callable[[], Any]] = {
    "open_context": block(open_context),
    "fork": block(lambda: FlowContext().fork()),
    "detached": block(headrace.detached),
    "deadline": block(lambda: headrace.deadline(10)),
    "open flow": block(lambda: jobs.open("order-1")),
    "joined flow": block(jobs.open),
    "transport": block(lambda: Unit(transport_context("http"))),
    "enclosing": block(lambda: Unit(transport_context("task"), encloses=True)),
    "as_current": block(lambda: as_current(FlowContext())),
    "nested": nested,
    "step": work,
    "entrypoint": enter,
    "new entrypoint": enter_new,
    "async entrypoint": lambda: run(enter_async()),
    "generator": lambda: list(produce()),
    "bind": headrace.bind(enter_new),
    "pieces": pieces,
    "budgeted pieces": budgeted_pieces,
    "chain": chain.run,
    "async chain": lambda: run(async_chain.run()),
}
