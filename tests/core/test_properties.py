"""For any nesting of everything that sets a context: it ends as it began, and no ID is misplaced.

A program is a tree of blocks. Each block opens, joins, forks, detaches, calls a step or an
entrypoint, runs in a generator, a task or a thread; every place checks that unit, step and deadline
are the ones that it must see, and that they are again what they were when the block is left.
"""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace import (
    ContextExecutor,
    FlowContext,
    bind,
    configure,
    current_flow_id,
    deadline,
    detached,
    get_flow_context,
    open_context,
    remaining,
)
from headrace.integration import ResumableUnit, Unit, transport_context
from headrace.testing import reset
from tests.core.backends_kit import Recorder
from tests.core.flow_kit import new_flow

FLOW = new_flow()
numbers = itertools.count()


class InterruptError(Exception):
    """What a program raises where it is told to fail."""


@dataclass(frozen=True)
class Block:
    """One block of a program: its kind, what runs inside, and whether it fails at its end."""

    kind: str
    inside: tuple[Block, ...] = ()
    fails: bool = False


@dataclass(frozen=True)
class Place:
    """What must be seen somewhere: the unit, the step's name, whether there is a deadline."""

    unit: FlowContext | None = None
    step: str | None = None
    has_deadline: bool = False


def seen() -> Place:
    """Return what is seen here."""
    unit = get_flow_context()
    assert current_flow_id() == (None if unit is None else unit.correlation_id)
    return Place(unit, None if unit is None else unit.step, remaining() is not None)


# --- the interpreter ----------------------------------------------------------------------------


def run(blocks: tuple[Block, ...], place: Place) -> None:
    """Run `blocks` one after the other where `place` must be seen."""
    for block in blocks:
        assert seen() == place
        try:
            SYNC.get(block.kind, inside)(block, place)
        except InterruptError:
            assert block.fails or _contains_failure(block)
        assert seen() == place


async def run_async(blocks: tuple[Block, ...], place: Place) -> None:
    """Do the same in a task, which gives way to the others at every turn."""
    for block in blocks:
        await asyncio.sleep(0)
        assert seen() == place
        try:
            if block.kind in ASYNC:
                await ASYNC[block.kind](block, place)
            else:
                SYNC[block.kind](block, place)
        except InterruptError:
            assert block.fails or _contains_failure(block)
        await asyncio.sleep(0)
        assert seen() == place


def _contains_failure(block: Block) -> bool:
    return any(each.fails or _contains_failure(each) for each in block.inside)


def inside(block: Block, place: Place) -> None:
    """Run what is inside of `block`, and fail where it is told to."""
    run(block.inside, place)
    if block.fails:
        raise InterruptError


async def inside_async(block: Block, place: Place) -> None:
    """Do the same in a task."""
    await run_async(block.inside, place)
    if block.fails:
        raise InterruptError


def own_place(outer: Place, *, fresh: bool) -> Place:
    """Return what is seen in the unit that is current now, which must be a new one."""
    place = seen()
    assert place.unit is not None
    assert place.unit is not outer.unit
    if fresh or outer.unit is None:
        assert outer.unit is None or place.unit.correlation_id != outer.unit.correlation_id
    else:
        assert place.unit.correlation_id == outer.unit.correlation_id
    return place


# --- blocks for threads and tasks alike -----------------------------------------------------------


def _open(block: Block, outer: Place) -> None:
    with open_context():
        place = own_place(outer, fresh=False)
        assert place == Place(place.unit, None, outer.has_deadline)
        inside(block, place)


def _open_given(block: Block, outer: Place) -> None:
    given_id = f"given-{next(numbers)}"
    with open_context(given_id) as unit:
        assert current_flow_id() == given_id
        inside(block, Place(unit, None, outer.has_deadline))


def _transport(block: Block, outer: Place) -> None:
    with Unit(transport_context("http")) as unit:
        own_place(outer, fresh=True)
        inside(block, Place(unit))


def _fork(block: Block, outer: Place) -> None:
    if outer.unit is None:
        inside(block, outer)
        return
    with outer.unit.fork() as forked:
        assert forked.causation_id == outer.unit.unit_id
        inside(block, Place(forked, None, outer.has_deadline))


def _detached(block: Block, outer: Place) -> None:
    with detached():
        inside(block, Place())


def _deadline(block: Block, outer: Place) -> None:
    with deadline(1000):
        inside(block, Place(outer.unit, outer.step, True))


def _open_flow(block: Block, outer: Place) -> None:
    with FLOW.open() as unit:
        if outer.unit is not None:
            assert unit is outer.unit
        inside(block, Place(unit, None, outer.has_deadline))


def _resumable(block: Block, outer: Place) -> None:
    unit = ResumableUnit(transport_context("http"))
    assert seen() == outer
    try:
        unit.run(inside, block, Place(unit.context))
        assert seen() == outer
        unit.run(run, block.inside, Place(unit.context))
    finally:
        unit.end()


@FLOW.step(name="step")
def step(block: Block, outer: Place) -> None:
    """Run the block as a step."""
    expected = Place(outer.unit, "step" if outer.unit else None, outer.has_deadline)
    inside(block, expected)


@FLOW.entrypoint(name="entrypoint")
def entrypoint(block: Block, outer: Place) -> None:
    """Run the block as an entrypoint, which joins."""
    place = seen() if outer.unit is None else outer
    assert place.unit is not None
    inside(block, Place(place.unit, "entrypoint", outer.has_deadline))


@FLOW.entrypoint(name="new", new=True)
def new_entrypoint(block: Block, outer: Place) -> None:
    """Run the block as an entrypoint with a unit of its own."""
    place = own_place(outer, fresh=True)
    assert place == Place(place.unit, "new", outer.has_deadline)
    inside(block, place)


@FLOW.step(name="items")
def items(block: Block, place: Place) -> Iterator[int]:
    """Run each block inside between two items."""
    for number, each in enumerate(block.inside):
        run((each,), place)
        yield number
    if block.fails:
        raise InterruptError


@FLOW.step(name="opening")
def opening_items(block: Block, place: Place) -> Iterator[int]:
    """Open a unit around two items, and run the blocks in it."""
    assert seen() == place
    with open_context() as unit, deadline(1000):
        yield 0
        run(block.inside, Place(unit, None, True))
        yield 1
    assert seen() == place
    if block.fails:
        raise InterruptError


@FLOW.entrypoint(name="entered", new=True)
def entered_items(block: Block, outer: Place) -> Iterator[int]:
    """Run each block inside in a unit of its own, between two items."""
    place = own_place(outer, fresh=True)
    for number, each in enumerate(block.inside):
        run((each,), place)
        yield number
    if block.fails:
        raise InterruptError


def _consume(running: Iterator[int], outer: Place) -> None:
    # In a unit of the consumer's own, left early where there are many items.
    for number in running:
        assert seen() == outer
        with open_context():
            assert seen().step is None
        if number == 2:
            running.close()  # type: ignore[attr-defined]
            return
    assert seen() == outer


def _generator(block: Block, outer: Place) -> None:
    name = "items" if outer.unit else None
    _consume(items(block, Place(outer.unit, name, outer.has_deadline)), outer)


def _opening_generator(block: Block, outer: Place) -> None:
    if outer.unit is None:  # outside any unit it is a plain generator, and shows what it opens
        return
    _consume(opening_items(block, Place(outer.unit, "opening", outer.has_deadline)), outer)


def _entering_generator(block: Block, outer: Place) -> None:
    _consume(entered_items(block, outer), outer)


def _consumed_elsewhere(block: Block, outer: Place) -> None:
    name = "items" if outer.unit else None
    running = items(block, Place(outer.unit, name, outer.has_deadline))
    if outer.unit is None:
        return
    with Unit(transport_context("http")) as other:
        _consume(running, Place(other))


def _thread(block: Block, outer: Place) -> None:
    """Run in a thread of its own, which has the context that is given to it."""
    errors: list[BaseException] = []

    def work() -> None:
        try:
            inside(block, outer)
        except InterruptError:
            pass
        except BaseException as exc:
            errors.append(exc)

    thread = threading.Thread(target=bind(work))
    thread.start()
    thread.join()
    for error in errors:
        raise error


def _executor(block: Block, outer: Place) -> None:
    """Run in a pool, at most one at a time: a block inside may wait for the pool as well."""
    with ThreadPoolExecutor(1) as pool:
        ContextExecutor(pool).submit(inside, block, outer).result()


def _copied_context(block: Block, outer: Place) -> None:
    contextvars.copy_context().run(inside, block, outer)


SYNC: dict[str, Callable[[Block, Place], None]] = {
    "open": _open,
    "open given": _open_given,
    "transport": _transport,
    "fork": _fork,
    "detached": _detached,
    "deadline": _deadline,
    "open flow": _open_flow,
    "resumable": _resumable,
    "step": step,
    "entrypoint": entrypoint,
    "new entrypoint": new_entrypoint,
    "generator": _generator,
    "opening generator": _opening_generator,
    "entering generator": _entering_generator,
    "consumed elsewhere": _consumed_elsewhere,
    "thread": _thread,
    "executor": _executor,
    "copied context": _copied_context,
}


# --- blocks for tasks -----------------------------------------------------------------------------


async def _open_async(block: Block, outer: Place) -> None:
    with open_context():
        await inside_async(block, own_place(outer, fresh=False))


async def _detached_async(block: Block, outer: Place) -> None:
    with detached():
        await inside_async(block, Place())


async def _deadline_async(block: Block, outer: Place) -> None:
    with deadline(1000):
        await inside_async(block, Place(outer.unit, outer.step, True))


@FLOW.step(name="async step")
async def async_step(block: Block, outer: Place) -> None:
    """Run the block as a step."""
    step_name = "async step" if outer.unit else None
    await inside_async(block, Place(outer.unit, step_name, outer.has_deadline))


@FLOW.entrypoint(name="async new", new=True)
async def async_entrypoint(block: Block, outer: Place) -> None:
    """Run the block as an entrypoint with a unit of its own."""
    await inside_async(block, own_place(outer, fresh=True))


@FLOW.step(name="async items")
async def async_items(block: Block, place: Place) -> AsyncIterator[int]:
    """Run each block inside between two items."""
    for number, each in enumerate(block.inside):
        await run_async((each,), place)
        yield number
    if block.fails:
        raise InterruptError


@FLOW.entrypoint(name="async entered", new=True)
async def async_entered_items(block: Block, outer: Place) -> AsyncIterator[int]:
    """Run each block inside in a unit of its own, between two items."""
    place = own_place(outer, fresh=True)
    for number, each in enumerate(block.inside):
        await run_async((each,), place)
        yield number
    if block.fails:
        raise InterruptError


async def _consume_async(running: AsyncIterator[int], outer: Place) -> None:
    async for number in running:
        assert seen() == outer
        await asyncio.sleep(0)
        if number == 2:
            await running.aclose()  # type: ignore[attr-defined]
            return
    assert seen() == outer


async def _async_generator(block: Block, outer: Place) -> None:
    name = "async items" if outer.unit else None
    await _consume_async(async_items(block, Place(outer.unit, name, outer.has_deadline)), outer)


async def _async_entering_generator(block: Block, outer: Place) -> None:
    await _consume_async(async_entered_items(block, outer), outer)


async def _resumable_async(block: Block, outer: Place) -> None:
    unit = ResumableUnit(transport_context("http"))
    try:
        await unit.wait(inside_async(block, Place(unit.context)))
    finally:
        assert seen() == outer
        unit.end()


async def _tasks(block: Block, outer: Place) -> None:
    """Run each block in a task of its own, all at once."""
    await asyncio.gather(*(run_async((each,), outer) for each in block.inside))
    if block.fails:
        raise InterruptError


async def _threads(block: Block, outer: Place) -> None:
    """Run in a thread beside the loop."""
    await asyncio.to_thread(inside, block, outer)


ASYNC: dict[str, Callable[[Block, Place], Any]] = {
    "open": _open_async,
    "detached": _detached_async,
    "deadline": _deadline_async,
    "step": async_step,
    "new entrypoint": async_entrypoint,
    "generator": _async_generator,
    "entering generator": _async_entering_generator,
    "resumable": _resumable_async,
    "tasks": _tasks,
    "to thread": _threads,
}


# --- the properties -------------------------------------------------------------------------------


def programs(kinds: list[str]) -> st.SearchStrategy[tuple[Block, ...]]:
    """Return a strategy for programs of these kinds of blocks."""
    chosen = st.sampled_from(sorted(kinds))
    blocks = st.recursive(
        st.builds(Block, chosen, st.just(()), st.booleans()),
        lambda inner: st.builds(
            Block, chosen, st.lists(inner, max_size=4).map(tuple), st.booleans()
        ),
        max_leaves=12,
    )
    return st.lists(blocks, max_size=4).map(tuple)


sync_programs = programs([*SYNC])
async_programs = programs([*{*SYNC, *ASYNC}])


@pytest.fixture(params=["none", "recorder"], autouse=True)
def _backend(request: pytest.FixtureRequest) -> Iterator[None]:
    configure("none" if request.param == "none" else Recorder())
    yield
    reset()


@pytest.mark.guarantee(2)
@pytest.mark.guarantee(4)
@settings(deadline=None)
@given(sync_programs)
def test_any_program_ends_in_the_context_it_began_with(program: tuple[Block, ...]) -> None:
    """Any nesting, errors included: every place sees its own unit, step and deadline."""
    run(program, Place())
    with open_context() as unit:
        run(program, Place(unit))


@pytest.mark.guarantee(2)
@pytest.mark.guarantee(4)
@settings(deadline=None)
@given(st.lists(async_programs, min_size=1, max_size=3))
def test_any_programs_in_tasks_keep_apart(several: list[tuple[Block, ...]]) -> None:
    """Several programs at once in one loop, interleaved at every turn: no ID is misplaced."""

    async def one(program: tuple[Block, ...]) -> None:
        await run_async(program, Place())
        with open_context() as unit:
            await run_async(program, Place(unit))

    async def main() -> None:
        await asyncio.gather(*(one(program) for program in several))
        assert seen() == Place()

    asyncio.run(main())


actions = st.lists(
    st.tuples(st.sampled_from(["start step", "start entry"]), st.just(0))
    | st.tuples(st.sampled_from(["advance", "close", "drop"]), st.integers(0, 5)),
    max_size=20,
)


@pytest.mark.guarantee(4)
@settings(deadline=None)
@given(actions)
def test_generators_in_any_order_never_show_their_units(plan: list[tuple[str, int]]) -> None:
    """Started, advanced, closed and dropped in any order: the consumer sees its own place."""
    made = new_flow()

    def body() -> Iterator[None]:
        own = get_flow_context()
        for _ in range(3):
            with open_context() as inner, deadline(1000):
                assert get_flow_context() is inner
                yield
                assert get_flow_context() is inner
                assert remaining() is not None
            assert get_flow_context() is own
            yield
            assert get_flow_context() is own
            assert remaining() is None

    starts = {
        "start step": made.step(name="step")(body),
        "start entry": made.entrypoint(name="entry", new=True)(body),
    }
    running: list[Any] = []
    with open_context() as unit:
        for action, number in plan:
            if action in starts:
                running.append(starts[action]())
            elif running:
                chosen = running[number % len(running)]
                if action == "advance":
                    next(chosen, None)
                else:
                    running.remove(chosen)
                    if action == "close":
                        chosen.close()
                    del chosen
            assert seen() == Place(unit)
        running.clear()
        assert seen() == Place(unit)


disorder = st.lists(
    st.tuples(st.sampled_from(["open", "fork", "transport", "deadline"]), st.integers(0, 20)),
    max_size=8,
)


@pytest.mark.guarantee(2)
@settings(deadline=None)
@given(disorder)
def test_plain_generators_in_any_order_leave_nothing_behind(plan: list[tuple[str, int]]) -> None:
    """Blocks held open by plain generators and left in any order: in the end all is as before."""
    blocks: dict[str, Callable[[], Any]] = {
        "open": open_context,
        "fork": lambda: FlowContext().fork(),
        "transport": lambda: Unit(transport_context("http")),
        "deadline": lambda: deadline(1000),
    }

    def body(kind: str) -> Iterator[None]:
        with blocks[kind]():
            yield

    with open_context() as unit:
        running = [(order, number, body(kind)) for number, (kind, order) in enumerate(plan)]
        for _, _, each in running:
            next(each)
        for _, _, each in sorted(running, key=lambda one: one[:2]):
            each.close()  # type: ignore[attr-defined]
        assert seen() == Place(unit)
    assert seen() == Place()
