"""Generators as steps: they belong to the unit and step of their call, whoever consumes them."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import inspect
import sys
import threading
import traceback
import types
import weakref
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import headrace
from headrace import current_flow_id, detached, get_flow_context, open_context
from headrace.integration import marked_id
from headrace.testing import capture
from tests.core.flow_kit import new_flow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterator

made = new_flow()
other = new_flow()


def here() -> tuple[str | None, str | None]:
    """Return the correlation ID and the step that are current."""
    context = get_flow_context()
    return (None, None) if context is None else (context.correlation_id, context.step)


@made.step
def items(count: int = 3) -> Generator[Any, Any, str]:
    """Yield where the body runs."""
    for _ in range(count):
        yield here()
    return "done"


@made.step
async def async_items(count: int = 3) -> AsyncIterator[Any]:
    """Yield where the body runs, and await between and within."""
    for _ in range(count):
        await asyncio.sleep(0)
        yield here()


@made.entrypoint
def entry_items(count: int = 3) -> Generator[Any, Any, str]:
    """Yield where the body runs, in a unit of its own."""
    for _ in range(count):
        yield here()
    return "done"


@made.entrypoint
async def async_entry_items(count: int = 3) -> AsyncIterator[Any]:
    """Yield where the body runs, in a unit of its own."""
    for _ in range(count):
        await asyncio.sleep(0)
        yield here()


async def collect(running: AsyncIterator[Any]) -> list[Any]:
    """Return the items of an asynchronous generator."""
    return [item async for item in running]


# --- unit and step ----------------------------------------------------------------------------


@pytest.mark.guarantee(4)
def test_generator_belongs_to_the_unit_and_step_of_its_call() -> None:
    """Consumed in another unit, outside any, or in a thread: the body runs where it was called."""
    with open_context("caller"):
        running = items(6)
    with open_context("consumer"):
        assert next(running) == ("caller", "items")
        assert here() == ("consumer", None)
    assert next(running) == ("caller", "items")
    with detached():
        assert next(running) == ("caller", "items")
    assert contextvars.Context().run(next, running) == ("caller", "items")
    seen = []
    thread = threading.Thread(target=lambda: seen.append(next(running)))
    thread.start()
    thread.join()
    assert seen == [("caller", "items")]
    assert list(running) == [("caller", "items")]
    assert here() == (None, None)


@pytest.mark.guarantee(4)
def test_async_generator_belongs_to_the_unit_and_step_of_its_call() -> None:
    """Consumed in another unit or another task: the body runs where it was called."""

    async def main() -> None:
        with open_context("caller"):
            running = async_items(4)
        with open_context("consumer"):
            assert await anext(running) == ("caller", "async_items")
            assert here() == ("consumer", None)
            task = asyncio.ensure_future(anext(running))
            assert await task == ("caller", "async_items")
        assert await collect(running) == [("caller", "async_items")] * 2

    asyncio.run(main())


@pytest.mark.guarantee(4)
def test_entrypoint_opens_the_unit_at_the_call() -> None:
    """A generator that is an entrypoint has a unit of its own, unseen by its consumer."""
    with capture() as captured:
        first, second = entry_items(), entry_items()
        seen = list(zip(first, second, strict=True))
        assert here() == (None, None)
    (one,) = {of_first for of_first, _ in seen}
    (two,) = {of_second for _, of_second in seen}
    assert one != two
    assert [(unit.outcome, unit.kind) for unit in captured.units] == [("ok", "flow")] * 2


@pytest.mark.guarantee(4)
def test_async_entrypoints_side_by_side_keep_apart() -> None:
    """Two asynchronous ones, consumed in turn by one task, have each their own unit."""

    async def main() -> list[Any]:
        first, second = async_entry_items(), async_entry_items()
        seen = []
        for _ in range(3):
            seen.append((await anext(first), await anext(second)))
            assert here() == (None, None)
        for running in (first, second):
            with pytest.raises(StopAsyncIteration):
                await anext(running)
        return seen

    seen = asyncio.run(main())
    assert len({of_first for of_first, _ in seen}) == 1
    assert len({of_second for _, of_second in seen}) == 1
    assert seen[0][0] != seen[0][1]


def test_entrypoint_joins_the_unit_of_its_call() -> None:
    """Called inside a unit it belongs to that one."""
    with open_context("around"):
        running = entry_items()
        async_running = async_entry_items()
    assert set(running) == {("around", "entry_items")}
    assert set(asyncio.run(collect(async_running))) == {("around", "async_entry_items")}


def test_step_outside_any_unit_is_the_plain_generator() -> None:
    """Without a unit nothing is wrapped, and nothing reported."""
    with capture() as captured:
        running = items()
    assert running.gi_code is inspect.unwrap(items).__code__
    assert list(running) == [(None, None)] * 3
    assert captured.steps == []


@pytest.mark.guarantee(4)
def test_what_the_body_opens_is_its_own_until_it_ends() -> None:
    """A unit, a flow or another step that the body is in between two items stays with the body."""

    @new_flow().step
    def inner() -> Iterator[Any]:
        yield here()
        with open_context("inner"):
            yield here()
            with other.open():
                yield (here(), get_flow_context().flow)  # type: ignore[union-attr]
            yield here()
        yield here()

    with open_context("outer"):
        seen = []
        for item in inner():
            assert here() == ("outer", None)
            seen.append(item)
    assert seen == [
        ("outer", "inner"),
        ("inner", None),
        (("inner", None), other.name),
        ("inner", None),
        ("outer", "inner"),
    ]


@pytest.mark.guarantee(4)
def test_what_an_async_body_opens_is_its_own_until_it_ends() -> None:
    """The same between the items of an asynchronous one, and while it awaits."""

    @new_flow().step
    async def inner() -> AsyncIterator[Any]:
        with open_context("inner"):
            await asyncio.sleep(0)
            yield here()
            await asyncio.sleep(0)
        yield here()

    async def main() -> list[Any]:
        seen = []
        with open_context("outer"):
            running = inner()
            watcher = asyncio.create_task(watch(running))
            async for item in running:
                assert here() == ("outer", None)
                seen.append(item)
            await watcher
        return seen

    async def watch(_: Any) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
            assert here() == ("outer", None)

    assert asyncio.run(main()) == [("inner", None), ("outer", "inner")]


@pytest.mark.guarantee(4)
def test_variables_of_the_users_own_flow_as_before() -> None:
    """What the body sets in context variables that are not ours is seen as without a step."""
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")

    @new_flow().step
    def inner() -> Iterator[str]:
        variable.set("by the body")
        yield variable.get()
        yield variable.get()

    def run() -> None:
        with open_context():
            running = inner()
            assert next(running) == "by the body"
            assert variable.get() == "by the body"
            variable.set("by the consumer")
            assert next(running) == "by the consumer"

    contextvars.copy_context().run(run)


@pytest.mark.guarantee(4)
def test_nested_and_recursive_generators_keep_their_places() -> None:
    """``yield from`` another step, and recursion: each body sees its own step."""

    @new_flow().step
    def tree(depth: int) -> Generator[Any, None, int]:
        yield ("tree", here())
        count = 1
        if depth:
            count += yield from tree(depth - 1)
            count += yield from leaf()
        assert here()[1] == "tree"
        return count

    @new_flow().step
    def leaf() -> Generator[Any, None, int]:
        yield ("leaf", here())
        return 1

    with open_context("one"):
        seen = list(tree(3))
        assert here() == ("one", None)
    assert all(step == name and unit == "one" for name, (unit, step) in seen)
    assert len(seen) == 7


def test_steps_called_by_the_body_are_reported_within_it() -> None:
    """What the body calls has the generator's step as its parent; what the consumer calls not."""
    flow = new_flow()

    @flow.step
    def called() -> None: ...

    @flow.step
    def body() -> Iterator[int]:
        called()
        yield 1
        called()

    with open_context(), capture() as captured:
        for _ in body():
            called()
    assert [(one.name, one.parent) for one in captured.steps] == [
        ("body", None),
        ("called", "body"),
        ("called", None),
        ("called", "body"),
    ]


def test_step_is_reported_from_the_first_item_to_the_end() -> None:
    """A generator that nobody asks for an item is not reported; one left early ended well."""
    with open_context(), capture() as captured:
        items()
        running = items()
        next(running)
        assert [one.outcome for one in captured.steps] == [None]
        running.close()
        assert [one.outcome for one in captured.steps] == ["ok"]
        list(items())
        failing = items()
        next(failing)
        with pytest.raises(ZeroDivisionError):
            failing.throw(ZeroDivisionError)
    assert [one.outcome for one in captured.steps] == ["ok", "ok", "error"]


def test_unit_of_an_entrypoint_ends_with_its_generator() -> None:
    """Exhausted, closed, failed or collected: the unit that the entrypoint opened ends."""
    with capture() as captured:
        list(entry_items())
        running = entry_items()
        next(running)
        running.close()
        failing = entry_items()
        next(failing)
        with pytest.raises(ZeroDivisionError) as caught:
            failing.throw(ZeroDivisionError())
        abandoned = entry_items()
        next(abandoned)
        del abandoned
        gc.collect()
    assert [unit.outcome for unit in captured.units] == ["ok", "ok", "error", "ok"]
    assert marked_id(caught.value) == captured.units[2].correlation_id


# --- it behaves like the generator that it is ---------------------------------------------------


def script(log: list[Any]) -> Generator[Any, Any, str]:
    """Do everything that a generator's body can do with what it is given."""
    received = yield "first"
    for number in range(6):
        log.append(received)
        try:
            if received == "return":
                return "returned"
            if received == "fail":
                raise LookupError(number)
            if received == "stop":
                raise StopIteration("stop")  # noqa: PLR1708 - the wrong thing that it does
            received = yield number
        except ValueError as error:
            log.append(repr(error))
            received = yield "handled"
        except GeneratorExit:
            log.append("closing")
            if received == "deny":
                received = yield "not now"
            if received == "swallow":
                return "swallowed"
            raise
    return "exhausted"


async def async_script(log: list[Any]) -> AsyncIterator[Any]:
    """Do the same, asynchronously, and await at every turn."""
    received = yield "first"
    for number in range(6):
        await asyncio.sleep(0)
        log.append(received)
        try:
            if received == "return":
                return
            if received == "fail":
                raise LookupError(number)
            if received == "stop":
                raise StopAsyncIteration("stop")
            received = yield number
        except ValueError as error:
            log.append(repr(error))
            await asyncio.sleep(0)
            received = yield "handled"
        except GeneratorExit:
            log.append("closing")
            await asyncio.sleep(0)
            if received == "swallow":
                return
            raise


stepped_script: Any = made.step(name="script")(script)
stepped_async_script: Any = made.step(name="async_script")(async_script)

values = st.sampled_from([None, 1, "return", "fail", "stop", "swallow", "deny"])
errors = st.sampled_from([
    ValueError(1),
    KeyError(2),
    GeneratorExit(),
    StopIteration(3),
    StopAsyncIteration(4),
])
actions = st.lists(
    st.tuples(st.just("send"), values)
    | st.tuples(st.just("throw"), errors)
    | st.tuples(st.sampled_from(["next", "close"]), st.none()),
    max_size=8,
)


def outcome(call: Callable[[], Any]) -> Any:
    """Return what the call returns or raises, in a form that can be compared."""
    try:
        return call()
    except BaseException as exc:
        cause = exc.__cause__
        return type(exc), str(exc), getattr(exc, "value", None), type(cause), str(cause)


def play(running: Any, plan: list[tuple[str, Any]]) -> list[Any]:
    """Do what `plan` says with a generator, and return everything that came of it."""
    calls: dict[str, Callable[[Any], Callable[[], Any]]] = {
        "next": lambda _: lambda: next(running),
        "send": lambda value: lambda: running.send(value),
        "throw": lambda error: lambda: running.throw(type(error)(*error.args)),
        "close": lambda _: running.close,
    }
    plan = [*plan, ("close", None)]
    return [outcome(calls[action](argument)) for action, argument in plan]


async def play_async(running: Any, plan: list[tuple[str, Any]]) -> list[Any]:
    """Do the same with an asynchronous generator."""
    seen = []
    for action, argument in [*plan, ("close", None)]:
        try:
            if action == "next":
                seen.append(await anext(running))
            elif action == "send":
                seen.append(await running.asend(argument))
            elif action == "throw":
                seen.append(await running.athrow(type(argument)(*argument.args)))
            else:
                seen.append(await running.aclose())
        except BaseException as exc:
            seen.append(outcome(lambda error=exc: (_ for _ in ()).throw(error)))  # type: ignore[misc]
    return seen


@given(actions)
def test_generator_step_does_whatever_the_plain_generator_does(plan: list[tuple[str, Any]]) -> None:
    """For any sequence of next, send, throw and close: same items, same errors, same result."""
    plain_log: list[Any] = []
    log: list[Any] = []
    expected = play(script(plain_log), plan)
    with open_context():
        running = stepped_script(log)
        seen = play(running, plan)
        assert here() == (current_flow_id(), None)
    assert (seen, log) == (expected, plain_log)


@given(actions)
def test_async_generator_step_does_whatever_the_plain_one_does(plan: list[tuple[str, Any]]) -> None:
    """For any sequence of anext, asend, athrow and aclose: same items, same errors."""
    plain_log: list[Any] = []
    log: list[Any] = []

    async def main() -> tuple[list[Any], list[Any]]:
        expected = await play_async(async_script(plain_log), plan)
        with open_context():
            seen = await play_async(stepped_async_script(log), plan)
        return expected, seen

    expected, seen = asyncio.run(main())
    assert (seen, log) == (expected, plain_log)


def test_generator_is_a_generator_under_its_own_name() -> None:
    """`inspect` and the repr show a generator with the name of the function."""
    with open_context():
        running, async_running = items(), async_items()
    assert isinstance(running, types.GeneratorType)
    assert isinstance(async_running, types.AsyncGeneratorType)
    assert (running.__name__, running.__qualname__) == ("items", "items")
    assert async_running.__qualname__ == "async_items"
    assert inspect.getgeneratorstate(running) == inspect.GEN_CREATED
    next(running)
    assert inspect.getgeneratorstate(running) == inspect.GEN_SUSPENDED
    running.close()
    assert inspect.getgeneratorstate(running) == inspect.GEN_CLOSED


def test_wrong_arguments_are_refused_by_the_call() -> None:
    """The error of a call that does not fit comes from the call, as without a step."""
    with open_context():
        with pytest.raises(TypeError, match="unexpected keyword argument"):
            items(amount=1)  # type: ignore[call-arg]
        with pytest.raises(TypeError, match="unexpected keyword argument"):
            async_items(amount=1)  # type: ignore[call-arg]


def test_closing_gives_what_the_body_returns() -> None:
    """Where this Python lets `close` return a value, it does."""
    with open_context():
        running, plain = stepped_script([]), script([])
        for one in (running, plain):
            next(one)
            one.send("swallow")
        assert running.close() == plain.close()


def test_context_managers_can_be_made_of_generator_steps() -> None:
    """Under `contextmanager` the body is in the step before and after the block, the block not."""
    seen = []

    @contextlib.contextmanager
    @new_flow().step
    def block() -> Iterator[str]:
        seen.append(here())
        try:
            yield "value"
        except ZeroDivisionError:
            seen.append(here())

    @contextlib.asynccontextmanager
    @new_flow().step
    async def async_block() -> AsyncIterator[str]:
        await asyncio.sleep(0)
        seen.append(here())
        try:
            yield "value"
        except ZeroDivisionError:
            await asyncio.sleep(0)
            seen.append(here())

    async def main() -> None:
        async with async_block() as value:
            assert (value, here()) == ("value", ("one", None))
            raise ZeroDivisionError

    with open_context("one"):
        with block() as value:
            assert (value, here()) == ("value", ("one", None))
            raise ZeroDivisionError
        asyncio.run(main())
    assert seen == [("one", "block")] * 2 + [("one", "async_block")] * 2


def test_awaited_generator_step_is_a_coroutine() -> None:
    """A generator that `types.coroutine` has made awaitable is awaited as before."""

    @new_flow().step
    @types.coroutine
    def pause() -> Generator[None, None, Any]:
        yield
        return here()

    assert inspect.iscoroutinefunction(pause)
    with open_context("one"):
        assert asyncio.run(_awaited(pause)) == ("one", "pause")


async def _awaited(function: Callable[[], Any]) -> Any:
    return await function()


# --- leaving them unfinished --------------------------------------------------------------------


@pytest.mark.guarantee(3)
def test_collected_generator_leaves_its_collector_alone() -> None:
    """Collected in another unit, in a reference cycle: the body is closed in its own unit."""
    closed = []

    @new_flow().step
    def body() -> Iterator[int]:
        try:
            yield 1
        finally:
            closed.append(here())

    with open_context("caller"):
        running: Any = body()
        next(running)
    cycle: list[Any] = [running]
    cycle.append(cycle)
    del running, cycle
    with open_context("elsewhere"):
        gc.collect()
        assert here() == ("elsewhere", None)
    assert closed == [("caller", "body")]


@pytest.mark.guarantee(3)
def test_collected_async_generator_leaves_its_collector_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The loop closes it, once, in its own unit, whoever collects it; it may await at its end."""
    closed = []

    @new_flow().step
    async def body() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            closed.append(here())

    async def main() -> None:
        with open_context("caller"):
            running: Any = body()
            await anext(running)
        cycle: list[Any] = [running]
        cycle.append(cycle)
        del running, cycle
        with open_context("elsewhere"):
            gc.collect()
            for _ in range(100):
                await asyncio.sleep(0)
            assert here() == ("elsewhere", None)

    asyncio.run(main())
    assert closed == [("caller", "body")]
    assert caplog.records == []


@pytest.mark.guarantee(3)
def test_async_generator_closed_by_another_task_leaves_that_task_alone() -> None:
    """The body ends in its own unit, the task goes on in its own."""
    closed = []

    @new_flow().step
    async def body() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            closed.append(here())

    async def close(running: Any) -> None:
        with open_context("task"):
            await running.aclose()
            assert here() == ("task", None)
        assert here() == ("around", None)

    async def main() -> None:
        with open_context("caller"):
            running: Any = body()
            await anext(running)
        with open_context("around"):
            await asyncio.create_task(close(running))

    asyncio.run(main())
    assert closed == [("caller", "body")]


@pytest.mark.guarantee(3)
def test_async_generators_left_open_are_closed_once(caplog: pytest.LogCaptureFixture) -> None:
    """At the end of the loop each is closed in its own unit, and the loop has no complaint."""
    closed: list[Any] = []

    @new_flow().step
    async def body() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0.001)
            closed.append(here())

    kept = []

    async def main() -> None:
        for number in range(5):
            with open_context(f"unit-{number}"):
                running = body()
            kept.append(running)
            await anext(running)

    asyncio.run(main())
    assert sorted(closed) == [(f"unit-{number}", "body") for number in range(5)]
    assert caplog.records == []


@pytest.mark.guarantee(3)
def test_coroutine_step_closed_elsewhere_takes_nothing_off_there() -> None:
    """A coroutine begun in one context and closed in another leaves the other's step and unit."""

    @new_flow().step
    async def waits() -> None:
        await asyncio.sleep(1000)

    @new_flow().entrypoint
    async def enters() -> None:
        await asyncio.sleep(1000)

    @new_flow().entrypoint
    def elsewhere(running: Any) -> None:
        before = here()
        running.close()
        assert here() == before

    def begin() -> list[Any]:
        running = [enters()]
        with open_context():
            running += [waits(), enters()]
            for each in running:
                with contextlib.suppress(RuntimeError):  # there is no loop to sleep in
                    each.send(None)
        return running

    async def main() -> list[Any]:
        return contextvars.copy_context().run(begin)

    for running in asyncio.run(main()):
        elsewhere(running)
    assert here() == (None, None)


def test_coroutine_step_closed_in_a_copy_of_its_context_restores_the_step() -> None:
    """Where the values were carried over to another context, the outer step comes back there."""

    @types.coroutine
    def pause() -> Generator[None, None, None]:
        yield

    @new_flow().step
    async def waits() -> None:
        await pause()

    @new_flow().entrypoint
    def around() -> None:
        running = waits()
        running.send(None)
        copy = contextvars.copy_context()
        with contextlib.suppress(StopIteration):
            copy.run(running.send, None)
        assert copy.run(here)[1] == "around"

    contextvars.copy_context().run(around)


class _Item:
    """Something large."""


def test_generator_holds_one_item_at_a_time() -> None:
    """While an item is made, the one before it is not kept in memory by us."""
    alive: weakref.WeakSet[_Item] = weakref.WeakSet()
    counts = []

    @new_flow().step
    def body() -> Iterator[_Item]:
        for _ in range(3):
            counts.append(len(alive))
            item = _Item()
            alive.add(item)
            yield item
            del item

    with open_context():
        for item in body():
            del item
    assert counts == [0, 0, 0]


def test_thrown_error_is_not_kept() -> None:
    """An error that the body has handled is freed, though the generator goes on."""

    class HandledError(Exception):
        pass

    @new_flow().step
    def body() -> Iterator[int]:
        while True:
            with contextlib.suppress(HandledError):
                yield 1

    gc.disable()
    try:
        with open_context():
            running: Any = body()
            next(running)
            error = HandledError()
            reference = weakref.ref(error)
            running.throw(error)
            del error
            assert reference() is None
    finally:
        gc.enable()


# --- tools that look at frames ------------------------------------------------------------------


def consume() -> None:
    """Run generators of every kind."""
    list(items())
    list(entry_items())
    asyncio.run(collect(async_items()))
    asyncio.run(collect(async_entry_items()))


def test_generators_run_under_a_trace_function() -> None:
    """`sys.settrace` and `sys.setprofile` see the lines, and nothing breaks."""
    seen = set()

    def trace(frame: types.FrameType, event: str, _: Any) -> Any:
        seen.add((frame.f_code.co_name, event))
        return trace

    before = sys.gettrace(), sys.getprofile()
    with open_context():
        sys.setprofile(trace)
        sys.settrace(trace)
        try:
            consume()
        finally:
            sys.settrace(before[0])
            sys.setprofile(before[1])
    assert {("items", "line"), ("async_items", "line"), ("items", "return")} <= seen


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is new in 3.12")
def test_generators_run_under_monitoring() -> None:
    """With all events of `sys.monitoring` on, nothing breaks."""
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined]
    events = monitoring.events
    tool = next(number for number in range(6) if monitoring.get_tool(number) is None)
    seen = set()
    monitoring.use_tool_id(tool, "headrace's tests")
    chosen = (events.PY_START, events.PY_RESUME, events.PY_RETURN, events.PY_YIELD, events.LINE)
    try:
        for event in chosen:
            monitoring.register_callback(
                tool, event, lambda code, *_, event=event: seen.add((code.co_name, event))
            )
        monitoring.set_events(tool, sum(chosen))
        with open_context():
            consume()
    finally:
        monitoring.set_events(tool, 0)
        monitoring.free_tool_id(tool)
    assert {("items", events.PY_YIELD), ("async_items", events.PY_YIELD)} <= seen


def test_traceback_leads_to_the_body() -> None:
    """The traceback ends in the user's line, with few lines of ours above it."""

    @new_flow().step
    def body() -> Iterator[int]:
        yield 1
        raise ZeroDivisionError("in the body")

    @new_flow().step
    def plain() -> None:
        list(body())

    with open_context(), pytest.raises(ZeroDivisionError) as caught:
        plain()
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert (frames[-1].name, frames[-1].filename) == ("body", __file__)
    ours = [frame for frame in frames if "headrace" in frame.filename and "test" not in frame.name]
    assert len([frame for frame in ours if frame.filename != __file__]) <= 5
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_code_of_a_wrapper_can_be_shared_by_many_functions() -> None:
    """A thousand decorated generators do not bring a thousand copies of the wrapper's code."""
    wrappers = [new_flow().step(name="one")(script) for _ in range(10)]
    assert len({wrapper.__code__ for wrapper in wrappers}) == 1
    assert headrace is not None
