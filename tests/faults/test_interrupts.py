"""A signal at any place leaves nothing current that was not current before."""

from __future__ import annotations

import contextlib
import random
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace import FlowContext, open_context
from headrace._context import step_var, unit_var
from headrace._deadlines import budget_var
from headrace.integration import ResumableUnit, Unit, as_current, transport_context
from tests.faults.interrupts import Interrupt, interrupt

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

# For coroutines that were created, and interrupted before they were awaited.
IGNORED = (
    "ignore:.*was never awaited",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)

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


def current() -> tuple[Any, Any, Any]:
    """Return the current unit, step and deadline."""
    return unit_var.get(), step_var.get(), headrace.remaining() is None


class Watching:
    """A backend that implements every method."""

    def span(self, step: Any, context: Any) -> Any:
        return as_current(context)

    def unit(self, context: Any) -> Any:
        return as_current(context)


def violations(scenario: Callable[[], object], passes_through: bool) -> Iterator[str]:
    """Interrupt `scenario` at each of its places, and yield those that leave something current.

    Args:
        scenario: the function to run inside a unit.
        passes_through: whether the interrupt leaves that unit too, and is not caught inside.
    """
    for target in range(1, 5000):
        before = current()
        place = ""
        with contextlib.suppress(Interrupt), Unit(transport_context("manual")):
            place = interrupt(scenario, target)
            if passes_through and place:
                raise Interrupt
        if current() != before:
            yield f"{place}: {current()} instead of {before}"
            unit_var.set(before[0])
            step_var.set(before[1])
            budget_var.set(None)
        if not place:
            return
    pytest.fail("the scenario has no end")


@pytest.mark.guarantee(97)
@pytest.mark.filterwarnings(*IGNORED)
@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is new in 3.12")
@pytest.mark.parametrize("backend", ["none", "watching"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_interrupt_at_any_place_leaves_nothing_behind(name: str, backend: str) -> None:
    """Whatever was interrupted, the enclosing unit restores the previous state."""
    headrace.configure(Watching() if backend == "watching" else "none")
    scenario = SCENARIOS[name]
    scenario()  # warm the caches
    # A context entered directly, without a `Unit` object, cannot be detected as forgotten.
    passes_through = name == "fork"
    try:
        left = [*violations(scenario, passes_through)]
        with open_context():
            left += violations(scenario, passes_through)
    finally:
        headrace.configure()
    assert "\n".join(left) == ""


def interrupted_at_random(scenario: Callable[[], object], times: int) -> int:
    """Interrupt `scenario` by real signals; return how often a unit was left current."""

    def handle(_signal: int, _frame: object) -> None:
        raise Interrupt

    chance = random.Random(42)
    left = 0
    before = signal.signal(signal.SIGALRM, handle)
    try:
        for _ in range(times):
            with contextlib.suppress(Interrupt), Unit(transport_context("manual")):
                with contextlib.suppress(Interrupt):
                    # Again after a second, since a finalizer may have swallowed the first.
                    signal.setitimer(signal.ITIMER_REAL, chance.uniform(5e-6, 3e-4), 1)
                    while True:
                        scenario()
                signal.setitimer(signal.ITIMER_REAL, 0)
            left += headrace.get_flow_context() is not None
            unit_var.set(None)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return left


@pytest.mark.guarantee(97)
@pytest.mark.filterwarnings(*IGNORED)
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timers")
@pytest.mark.parametrize("name", ["open_context", "nested", "new entrypoint", "pieces", "chain"])
def test_interrupts_by_real_signals_leave_nothing_behind(name: str) -> None:
    """After each of 600 signals at random times, the enclosing unit has restored the state."""
    assert interrupted_at_random(SCENARIOS[name], 600) == 0
