"""The life of a unit of work: it ends where it began, and what was there before comes back."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import gc
import threading
import weakref
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace import (
    FlowContext,
    configure,
    current_flow_id,
    deadline,
    detached,
    get_flow_context,
    open_context,
)
from headrace._context.marks import marked_id
from headrace.integration import ResumableUnit, Unit, as_current, nested_context, transport_context
from headrace.testing import capture, reset
from tests.core.flow_kit import new_flow
from tests.units import watched_units

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator


def where() -> tuple[FlowContext | None, str | None]:
    """Return what is current: the unit and the step."""
    context = get_flow_context()
    return context, None if context is None else context.step


# --- opening and restoring --------------------------------------------------------------------


@pytest.mark.guarantee(2)
def test_unit_restores_exactly_what_was_there() -> None:
    """Unit and step around are current again, after success and after an error."""
    made = new_flow()

    @made.entrypoint
    def outer() -> None:
        before = where()
        with open_context():
            assert where() != before
            assert where()[1] is None
        assert where() == before
        with pytest.raises(ZeroDivisionError), open_context():
            raise ZeroDivisionError
        assert where() == before
        with detached():
            assert where() == (None, None)
            with open_context():
                pass
            assert where() == (None, None)
        assert where() == before

    outer()
    assert where() == (None, None)


BLOCKS: dict[str, Callable[[], Any]] = {
    "open_context": open_context,
    "fork": lambda: FlowContext().fork(),
    "detached": detached,
    "open flow": lambda: headrace.flow("units").open("order-1"),
    "joined flow": lambda: headrace.flow("units").open(),
    "transport": lambda: Unit(transport_context("http")),
    "as_current": lambda: as_current(FlowContext()),
}


@pytest.mark.guarantee(2)
@pytest.mark.parametrize("kind", BLOCKS)
def test_every_block_restores_the_unit_and_the_step(kind: str) -> None:
    """Inside a step of a unit, each block puts back both."""
    made = new_flow()

    @made.entrypoint
    def outer() -> None:
        before = where()
        with BLOCKS[kind]():
            assert where() != before
        assert where() == before
        with pytest.raises(ZeroDivisionError), BLOCKS[kind]():
            raise ZeroDivisionError
        assert where() == before

    outer()


@pytest.mark.guarantee(3)
@pytest.mark.parametrize("kind", BLOCKS)
def test_block_ended_in_another_context_takes_nothing_off_there(kind: str) -> None:
    """A generator begun in one context and closed in another leaves the other's unit and step."""
    made = new_flow()

    def body() -> Iterator[None]:
        with BLOCKS[kind]():
            yield

    @made.entrypoint
    def elsewhere(running: Iterator[None]) -> None:
        before = where()
        running.close()  # type: ignore[attr-defined]
        assert where() == before

    running = body()
    with open_context():
        contextvars.copy_context().run(next, running)
    elsewhere(running)
    assert where() == (None, None)
    with open_context():
        running = body()
        contextvars.copy_context().run(next, running)
    running.close()  # type: ignore[attr-defined]
    assert where() == (None, None)


@pytest.mark.guarantee(3)
@pytest.mark.parametrize("kind", BLOCKS)
def test_block_ended_in_a_copy_of_its_context_restores_there(kind: str) -> None:
    """Where the values were carried over, as asgiref does it, leaving the block undoes them."""
    with open_context() as outer:
        block = BLOCKS[kind]()

        def begin() -> contextvars.Context:
            block.__enter__()
            return contextvars.copy_context()

        inside = contextvars.copy_context().run(begin)
        inside.run(block.__exit__, None, None, None)
        assert inside.run(where) == (outer, None)


@pytest.mark.guarantee(2)
@pytest.mark.parametrize("order", ["first ends first", "last ends first", "from the middle"])
@pytest.mark.parametrize("kinds", [("open_context",) * 3, ("open_context", "transport", "fork")])
def test_blocks_ended_in_disorder_leave_nothing_behind(kinds: tuple[str, ...], order: str) -> None:
    """Plain generators that open units, consumed side by side: in the end all is as before."""

    def body(kind: str) -> Iterator[None]:
        with BLOCKS[kind]():
            yield

    made = new_flow()

    @made.entrypoint
    def outer() -> None:
        before = where()
        running: list[Any] = [body(kind) for kind in kinds]
        for each in running:
            next(each)
        first, middle, last = running
        ends = {
            "first ends first": (first, middle, last),
            "last ends first": (last, middle, first),
            "from the middle": (middle, first, last),
        }
        for each in ends[order]:
            each.close()
        assert where() == before

    outer()
    assert where() == (None, None)


@pytest.mark.guarantee(2)
def test_unit_that_is_over_is_not_restored() -> None:
    """What ended while another was current does not come back when that one ends."""
    ended = Unit(transport_context("manual"))
    ended.__enter__()
    with open_context() as inner:
        ended.__exit__(None, None, None)
        assert get_flow_context() is inner
    assert get_flow_context() is None


def test_task_started_inside_keeps_the_unit_that_ends_elsewhere() -> None:
    """A unit that another task ends stays current for what was started inside of it."""

    async def body() -> AsyncIterator[str | None]:
        with open_context("inside"):
            yield current_flow_id()

    async def late(go_on: asyncio.Event) -> list[str | None]:
        await go_on.wait()
        before = current_flow_id()
        with open_context("own"):
            pass
        return [before, current_flow_id()]

    async def main() -> list[str | None]:
        go_on = asyncio.Event()
        running = body()

        async def begin() -> asyncio.Task[list[str | None]]:
            await anext(running)
            return asyncio.create_task(late(go_on))

        task = await asyncio.create_task(begin())
        with open_context("other"):
            await running.aclose()  # type: ignore[attr-defined]
            assert current_flow_id() == "other"
        go_on.set()
        return await task

    assert asyncio.run(main()) == ["inside", "inside"]


def test_unit_is_entered_once() -> None:
    """A unit has one life: entering it again, nested or later, is refused with the remedy."""
    unit = open_context()
    with unit as context:
        with pytest.raises(RuntimeError, match=r"already been entered.*context\.fork\(\)"), unit:
            pass
        with pytest.raises(RuntimeError, match="already been entered"), context:
            pass
        assert get_flow_context() is context
    with pytest.raises(RuntimeError, match="already been entered"), unit:
        pass
    assert get_flow_context() is None


def test_open_context_inside_a_unit_continues_the_operation() -> None:
    """The correlation ID stays, the outer unit is the cause, and the unit is another."""
    with open_context("order-1") as outer, open_context() as inner:
        assert inner.correlation_id == "order-1"
        assert inner.causation_id == outer.unit_id
        assert inner.unit_id != outer.unit_id
        with open_context("order-2") as third:
            assert (third.correlation_id, third.causation_id) == ("order-2", inner.unit_id)


@pytest.mark.guarantee(8)
@pytest.mark.parametrize("wrong", ["", " ", "a b", "a\r\nb", "a" * 257, "-a", b"bytes", 7, "ü"])
def test_invalid_id_given_by_hand_is_refused_at_once(wrong: Any) -> None:
    """`open_context` checks the ID when it is called, and does not repeat it."""
    with pytest.raises(ValueError, match="1 to 256 characters") as caught:
        open_context(wrong)
    assert not wrong or repr(wrong) not in str(caught.value)


@pytest.mark.guarantee(1)
def test_transports_unit_never_joins() -> None:
    """A request that happens to run in another one's context has an ID of its own and no cause."""
    with open_context("first"), Unit(transport_context("http", "/orders")) as second:
        assert second.correlation_id != "first"
        assert second.causation_id is None
        assert current_flow_id() == second.correlation_id


def test_nested_unit_of_an_integration_names_its_cause() -> None:
    """`nested_context` continues the active operation, or begins one."""
    with open_context("order-1") as outer:
        context = nested_context("command", "migrate")
    assert (context.correlation_id, context.causation_id) == ("order-1", outer.unit_id)
    assert (context.kind, context.name) == ("command", "migrate")
    assert nested_context("command", "migrate").causation_id is None


# --- errors -----------------------------------------------------------------------------------


def test_backend_interrupted_at_the_beginning_leaves_no_unit() -> None:
    """A `KeyboardInterrupt` while a backend is told of a unit leaves what was before."""

    class Interrupted:
        def span(self, step: object, context: object) -> Any:
            raise AssertionError

        def unit(self, context: object) -> Any:
            raise KeyboardInterrupt

    configure(Interrupted())
    try:
        with pytest.raises(KeyboardInterrupt), open_context():
            pass
        assert get_flow_context() is None
    finally:
        reset()


def test_backend_interrupted_at_the_end_leaves_no_unit() -> None:
    """A `KeyboardInterrupt` while a backend is told of the end leaves what was before."""

    class Interrupted:
        def span(self, step: object, context: object) -> Any:
            raise AssertionError

        def unit(self, context: object) -> Any:
            return self

        def __enter__(self) -> None: ...

        def __exit__(self, *exc_info: object) -> None:
            raise KeyboardInterrupt

    configure(Interrupted())
    try:
        with pytest.raises(KeyboardInterrupt), open_context():
            pass
        assert get_flow_context() is None
    finally:
        reset()


def test_outcomes_of_units_are_reported() -> None:
    """A unit that ends is ok, one that raises is an error, a cancelled one cancelled."""
    with watched_units() as units:
        with open_context():
            pass
        with pytest.raises(ZeroDivisionError), open_context():
            raise ZeroDivisionError
        with pytest.raises(asyncio.CancelledError), open_context():
            raise asyncio.CancelledError
    assert [unit.outcome for unit in units] == ["ok", "error", "cancelled"]


@pytest.mark.parametrize("kind", ["unit", "entrypoint", "coroutine", "generator", "resumable"])
def test_error_is_marked_with_the_operation_that_let_it_through(kind: str) -> None:
    """Whatever unit an error leaves marks it, so that a line logged afterwards has the ID."""
    made = new_flow()
    seen: list[str | None] = []

    def fail() -> None:
        seen.append(current_flow_id())
        raise ZeroDivisionError

    async def fail_async() -> None:
        fail()

    def fail_items() -> Iterator[int]:
        yield 1
        fail()

    def in_unit() -> None:
        with open_context():
            fail()

    def in_pieces() -> None:
        unit = ResumableUnit(transport_context("http"))
        try:
            unit.run(fail)
        except ZeroDivisionError as exc:
            unit.end(exc)
            raise
        finally:
            unit.end()

    actions: dict[str, Callable[[], Any]] = {
        "unit": in_unit,
        "entrypoint": made.entrypoint(name="entrypoint")(fail),
        "coroutine": lambda: asyncio.run(made.entrypoint(name="coroutine")(fail_async)()),
        "generator": lambda: list(made.entrypoint(name="generator")(fail_items)()),
        "resumable": in_pieces,
    }
    with pytest.raises(ZeroDivisionError) as caught:
        actions[kind]()
    assert marked_id(caught.value) == seen[0]
    assert seen[0] is not None


# --- units in pieces --------------------------------------------------------------------------


def test_resumable_unit_is_seen_in_its_pieces_only() -> None:
    """What is run inside sees the unit, and in between it is not there."""
    unit = ResumableUnit(transport_context("http"))
    assert get_flow_context() is None
    assert unit.run(get_flow_context) is unit.context
    with open_context() as other:
        assert unit.run(get_flow_context) is unit.context
        assert get_flow_context() is other
    unit.end()


def test_resumable_unit_keeps_what_a_piece_leaves() -> None:
    """A piece may open a unit and the next one end it, unseen by what runs in between."""
    unit = ResumableUnit(transport_context("http"))
    inner = open_context("inner")
    unit.run(inner.__enter__)
    assert get_flow_context() is None
    assert unit.run(current_flow_id) == "inner"
    unit.run(inner.__exit__, None, None, None)
    assert unit.run(get_flow_context) is unit.context
    unit.end()


def test_resumable_unit_ends_once() -> None:
    """The first end counts, whatever comes after."""
    with watched_units() as units:
        unit = ResumableUnit(transport_context("http"))
        unit.end(ZeroDivisionError())
        unit.end()
    assert [one.outcome for one in units] == ["error"]


@pytest.mark.parametrize("how", ["exhausted", "closed", "fails"])
def test_body_is_iterated_in_its_unit_and_ends_it(how: str) -> None:
    """The items are made inside; exhausted, closed early or failing: the unit ends with it."""
    closed = []

    class Body:
        def __iter__(self) -> Iterator[str | None]:
            yield current_flow_id()
            if how == "fails":
                raise ZeroDivisionError
            yield current_flow_id()

        def close(self) -> None:
            closed.append(current_flow_id())

    with watched_units() as units:
        unit = ResumableUnit(transport_context("http"))
        items: Any = unit.iterate(Body())
        assert next(items) == unit.context.correlation_id
        assert current_flow_id() is None
        if how == "closed":
            items.close()
        elif how == "fails":
            with pytest.raises(ZeroDivisionError):
                next(items)
        else:
            assert list(items) == [unit.context.correlation_id]
    assert closed == [unit.context.correlation_id]
    assert [one.outcome for one in units] == ["error" if how == "fails" else "ok"]


@pytest.mark.parametrize("how", ["exhausted", "closed", "fails"])
def test_async_body_is_iterated_in_its_unit_and_ends_it(how: str) -> None:
    """The same for an asynchronous body, which awaits between and within its items."""
    closed = []

    async def body() -> AsyncIterator[str | None]:
        try:
            yield current_flow_id()
            await asyncio.sleep(0)
            if how == "fails":
                raise ZeroDivisionError
            yield current_flow_id()
        finally:
            await asyncio.sleep(0)
            closed.append(current_flow_id())

    async def main(unit: ResumableUnit) -> None:
        items: Any = unit.aiterate(body())
        assert await anext(items) == unit.context.correlation_id
        assert current_flow_id() is None
        if how == "closed":
            await items.aclose()
        elif how == "fails":
            with pytest.raises(ZeroDivisionError):
                await anext(items)
        else:
            assert [item async for item in items] == [unit.context.correlation_id]

    with watched_units() as units:
        unit = ResumableUnit(transport_context("http"))
        asyncio.run(main(unit))
    assert closed == [unit.context.correlation_id]
    assert [one.outcome for one in units] == ["error" if how == "fails" else "ok"]


def test_async_body_left_unfinished_is_closed_once(caplog: pytest.LogCaptureFixture) -> None:
    """The event loop that ends closes an abandoned stream without stumbling over its body."""
    closed = []

    async def body() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0.001)
            closed.append(current_flow_id())

    kept = []

    async def main() -> None:
        for _ in range(5):
            items = ResumableUnit(transport_context("http")).aiterate(body())
            kept.append(items)
            await anext(items)

    asyncio.run(main())
    assert len(set(closed)) == 5
    assert caplog.records == []


class _Paused:
    """An awaitable whose iterator knows nothing but `next`."""

    def __await__(self) -> Iterator[None]:
        return iter([None])


class _Numbers:
    """An asynchronous iterator without `aclose`, as many libraries have."""

    def __init__(self) -> None:
        self.seen: list[str | None] = []

    def __aiter__(self) -> _Numbers:
        return self

    def __anext__(self) -> _Paused:
        self.seen.append(current_flow_id())
        return _Paused()


def test_bodies_that_cannot_be_closed_are_iterated() -> None:
    """A list, and an asynchronous iterator of plain awaitables: errors thrown in pass through."""
    unit = ResumableUnit(transport_context("http"))
    assert list(unit.iterate(["a", "b"])) == ["a", "b"]
    with watched_units() as units:
        numbers: Any = _Numbers()
        items: Any = ResumableUnit(transport_context("http")).aiterate(numbers)
        asking = anext(items)
        assert asking.send(None) is None
        with pytest.raises(ZeroDivisionError):
            asking.throw(ZeroDivisionError())
        items = ResumableUnit(transport_context("http")).aiterate(numbers)
        asking = anext(items)
        asking.send(None)
        with pytest.raises(StopIteration) as caught:
            asking.send(None)
        assert caught.value.value is None
        with pytest.raises(StopIteration):
            items.aclose().send(None)
    assert [unit.outcome for unit in units] == ["error", "ok"]
    assert get_flow_context() is None


def test_leaving_what_was_not_entered_takes_nothing_off() -> None:
    """A block that is left without having been entered, or twice, leaves what is current."""
    with headrace.flow("units").open() as outer:
        for block in (detached(), deadline(1), FlowContext(), headrace.flow("units").open()):
            block.__exit__(None, None, None)
            assert get_flow_context() is outer
            assert outer.flow == "units"
        forked = outer.fork()
        with forked:
            pass
        forked.__exit__(None, None, None)
        assert get_flow_context() is outer


def test_unit_that_was_not_entered_cannot_be_left() -> None:
    """Leaving a unit by hand that was never entered is an error that says so."""
    with pytest.raises(RuntimeError, match="has not been entered"):
        open_context().__exit__(None, None, None)


@pytest.mark.guarantee(2)
@pytest.mark.parametrize("backend", ["none", "watching"])
def test_entrypoint_takes_away_what_was_forgotten_in_it(backend: str) -> None:
    """A unit that its function opened and never closed is gone when the function returns."""
    made = new_flow()

    @made.entrypoint(new=True)
    def forgets() -> None:
        open_context().__enter__()

    @made.entrypoint(new=True)
    async def forgets_too() -> None:
        open_context().__enter__()

    @made.entrypoint
    def outer() -> None:
        before = where()
        forgets()
        assert where() == before

    with watched_units() if backend == "watching" else nullcontext():
        outer()
        forgets()
        assert where() == (None, None)
        asyncio.run(_in_a_unit(forgets_too))


@pytest.mark.parametrize("forgotten", [1, 2, 3])
def test_unit_left_by_an_error_takes_units_beyond_forgotten_ones_with_it(forgotten: int) -> None:
    """A unit inside, with forgotten ones around it and inside it, makes none of them current."""

    def forget() -> None:
        for _ in range(forgotten):
            open_context().__enter__()

    with open_context() as base:
        outer, inner = Unit(transport_context("task")), Unit(transport_context("task"))
        outer.__enter__()
        forget()
        inner.__enter__()
        forget()
        for unit in (outer, inner):
            unit.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
            assert get_flow_context() is base


def test_unit_left_in_a_copied_context_is_left_here_too() -> None:
    """Leaving a nested unit in a copy of the context and here again restores the outer unit."""
    with open_context() as outer:
        inner = open_context()
        inner.__enter__()
        contextvars.copy_context().run(inner.__exit__, None, None, None)
        inner.__exit__(None, None, None)
        assert get_flow_context() is outer


async def _in_a_unit(forgetful: Callable[[], Any]) -> None:
    with open_context() as unit:
        await forgetful()
        assert get_flow_context() is unit


class _Item:
    """Something large."""


def test_stream_holds_one_item_at_a_time() -> None:
    """While an item is made, the one before it is not kept in memory by us."""
    alive: weakref.WeakSet[_Item] = weakref.WeakSet()
    counts = []

    def body() -> Iterator[_Item]:
        for _ in range(3):
            counts.append(len(alive))
            item = _Item()
            alive.add(item)
            yield item
            del item

    unit = ResumableUnit(transport_context("http"))
    for item in unit.iterate(body()):
        del item
    assert counts == [0, 0, 0]


@pytest.mark.parametrize("kind", ["unit", "step", "entrypoint", "generator", "stream"])
def test_errors_are_freed_without_the_garbage_collector(kind: str) -> None:
    """What a unit or step lets through is in no reference cycle of our making."""
    made = new_flow()

    class Local:
        pass

    references: list[weakref.ref[Any]] = []

    def fail() -> None:
        local = Local()
        references.append(weakref.ref(local))
        raise ZeroDivisionError

    def failing_items() -> Iterator[int]:
        yield 1
        fail()

    def in_unit() -> None:
        with open_context():
            fail()

    actions: dict[str, Callable[[], Any]] = {
        "unit": in_unit,
        "step": made.step(name="step")(fail),
        "entrypoint": made.entrypoint(name="entrypoint")(fail),
        "generator": lambda: list(made.step(name="generator")(failing_items)()),
        "stream": lambda: list(ResumableUnit(transport_context("http")).iterate(failing_items())),
    }
    gc.disable()
    try:
        for context in (open_context(), detached()):
            with context, capture(), suppress(ZeroDivisionError):
                actions[kind]()
        assert [reference() for reference in references] == [None, None]
    finally:
        gc.enable()


def test_unit_can_be_entered_in_one_thread_and_ended_in_another() -> None:
    """Nothing is raised, the unit ends, and the other thread's own unit stays."""
    unit = open_context("first")
    context = unit.__enter__()
    result: list[Any] = []

    def other() -> None:
        with open_context("second"):
            unit.__exit__(None, None, None)
            result.append(current_flow_id())
        result.append(current_flow_id())

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert result == ["second", None]
    assert get_flow_context() is context
    unit.__exit__(None, None, None)
    assert get_flow_context() is None


def _like_a_stream(returns: Any) -> Callable[..., Any]:
    """Return a plain function around a generator function that does not return its generator."""

    def stream() -> Iterator[None]:
        yield

    @functools.wraps(stream)
    def plain() -> Any:
        if isinstance(returns, BaseException):
            raise returns
        return returns

    return plain


def test_decorated_stream_that_returns_something_else_ends_at_once() -> None:
    """The step and the unit end where the function returns a plain value, or raises."""
    made = new_flow()
    entry = made.entrypoint(_like_a_stream("done"))
    failing = made.step(after=entry)(_like_a_stream(LookupError("on purpose")))
    with capture() as captured:
        assert entry() == "done"
        assert get_flow_context() is None
        with open_context() as unit:
            with pytest.raises(LookupError, match="on purpose"):
                failing()
            assert where() == (unit, None)
    assert [event.outcome for event in captured.steps] == ["ok", "error"]
