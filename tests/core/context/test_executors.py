"""The context across threads: `bind`, `ContextExecutor`, and `detached` for what lives longer."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import itertools
import queue
import sys
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from headrace import (
    ContextExecutor,
    bind,
    current_flow_id,
    deadline,
    detached,
    get_flow_context,
    open_context,
    remaining,
)
from headrace.testing import assert_clean
from tests.core.flow_kit import new_flow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterator


def here() -> tuple[str | None, str | None]:
    """Return the correlation ID and the step that are current."""
    context = get_flow_context()
    return (None, None) if context is None else (context.correlation_id, context.step)


# --- bind -------------------------------------------------------------------------------------


@pytest.mark.guarantee(6)
def test_bound_function_runs_in_the_context_of_the_binding() -> None:
    """In another thread, another unit or none: unit, step and deadline are those of `bind`."""
    made = new_flow()

    @made.entrypoint
    def outer() -> Callable[[], Any]:
        with deadline(100):
            return bind(lambda: (here(), remaining() is not None))

    bound = outer()
    ((correlation_id, step), has_deadline) = bound()
    assert (step, has_deadline) == ("outer", True)
    assert correlation_id is not None
    with open_context("other"):
        assert bound() == ((correlation_id, "outer"), True)
        assert here() == ("other", None)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(bound).result() == ((correlation_id, "outer"), True)


@pytest.mark.guarantee(6)
def test_each_call_of_a_bound_function_has_a_copy_of_its_own() -> None:
    """What one call leaves in context variables, no other call and no caller sees."""
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)
    barrier = threading.Barrier(4)

    def count() -> int:
        variable.set(variable.get() + 1)
        barrier.wait(60)
        return variable.get()

    with open_context():
        bound = bind(count)
    with ThreadPoolExecutor(4) as pool:
        assert {future.result() for future in [pool.submit(bound) for _ in range(4)]} == {1}
    assert variable.get() == 0


@pytest.mark.guarantee(6)
def test_bound_coroutine_function_runs_there_as_a_whole() -> None:
    """Before and after each `await`, as a task of a foreign context: the binding's unit."""
    made = new_flow()

    @bind
    async def unbound() -> list[Any]:
        return [here()]

    @made.step
    async def inner() -> Any:
        await asyncio.sleep(0)
        return here()

    async def work(events: list[Any]) -> str:
        events.append(here())
        await asyncio.sleep(0)
        events.append(await inner())
        events.append(here())
        return "done"

    with open_context("bound"):
        bound = bind(work)

    async def main() -> list[Any]:
        events: list[Any] = []
        with open_context("other"):
            tasks = [asyncio.create_task(bound(events)) for _ in range(3)]
            assert await asyncio.gather(*tasks) == ["done"] * 3
            assert await unbound() == [(None, None)]
            assert here() == ("other", None)
        return events

    assert inspect.iscoroutinefunction(bound)
    seen = asyncio.run(main())
    assert len(seen) == 9
    assert seen.count(("bound", "inner")) == 3
    assert seen.count(("bound", None)) == 6


@pytest.mark.guarantee(6)
def test_errors_reach_a_bound_coroutine() -> None:
    """A cancellation and an error thrown in are seen by the bound coroutine, in its unit."""
    seen = []

    async def work() -> None:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            seen.append(here())
            raise

    with open_context("bound"):
        bound = bind(work)

    async def main() -> None:
        task = asyncio.create_task(bound())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert seen == [("bound", None)]


@pytest.mark.guarantee(6)
def test_what_a_bound_function_returns_runs_there_too() -> None:
    """Coroutines and generators that come back from a plain callable are run in the context."""

    async def work() -> Any:
        await asyncio.sleep(0)
        return here()

    def items() -> Generator[Any, Any, str]:
        received = yield here()
        yield received
        return "done"

    async def async_items() -> AsyncIterator[Any]:
        await asyncio.sleep(0)
        yield here()

    async def collect(running: AsyncIterator[Any]) -> list[Any]:
        return [item async for item in running]

    with open_context("bound"):
        bound = [bind(lambda each=each: each()) for each in (work, items, async_items)]  # type: ignore[misc]
        by_kind = [bind(work), bind(items), bind(async_items)]
    assert [inspect.isgeneratorfunction(each) for each in by_kind] == [False, True, False]
    assert inspect.isasyncgenfunction(by_kind[2])
    for coroutine, generator, async_generator in (bound, by_kind):
        assert asyncio.run(coroutine()) == ("bound", None)
        running = generator()
        assert next(running) == ("bound", None)
        assert here() == (None, None)
        assert running.send("sent") == "sent"
        with pytest.raises(StopIteration, match="done"):
            next(running)
        assert asyncio.run(collect(async_generator())) == [("bound", None)]


class _Awaitable:
    """An awaitable whose iterator knows nothing but `next`."""

    def __await__(self) -> Iterator[None]:
        return iter([None])


def test_plain_awaitables_are_awaited_by_bound_coroutines() -> None:
    """An awaitable without `send` and `throw` gives its value, and lets errors pass."""

    async def work() -> Any:
        await _Awaitable()
        return here()

    with open_context("bound"):
        bound = bind(work)
    assert asyncio.run(bound()) == ("bound", None)
    running = bound()
    running.send(None)
    with pytest.raises(ZeroDivisionError):
        running.throw(ZeroDivisionError())


def test_binding_keeps_arguments_results_and_errors() -> None:
    """A bound function is called as before, ``self=`` included."""

    def work(*args: Any, **kwargs: Any) -> Any:
        """Work."""
        if not args:
            raise ZeroDivisionError
        return args, kwargs

    bound = bind(work)
    assert bound(1, self=2, function=3) == ((1,), {"self": 2, "function": 3})
    assert (bound.__name__, bound.__doc__) == ("work", "Work.")
    with pytest.raises(ZeroDivisionError):
        bound()


@pytest.mark.parametrize("thing", [None, 7, "work", [print]])
def test_what_cannot_be_called_cannot_be_bound(thing: Any) -> None:
    """`bind` refuses it at once."""
    with pytest.raises(TypeError, match=r"bind\(\) takes a function, not"):
        bind(thing)


# --- ContextExecutor ----------------------------------------------------------------------------


@pytest.mark.guarantee(6)
def test_executor_runs_each_task_in_its_submitters_context() -> None:
    """`submit` and `map` carry unit and step of the call, whichever thread does the work."""
    made = new_flow()

    @made.entrypoint
    def outer(executor: Executor) -> list[Any]:
        return [executor.submit(here).result(), *executor.map(lambda _: here(), range(2))]

    with ContextExecutor(ThreadPoolExecutor(2)) as executor:
        first, second = outer(executor), outer(executor)
        assert executor.submit(here).result() == (None, None)
    assert len(set(first)) == len(set(second)) == 1
    assert first[0] != second[0]
    assert first[0][1] == "outer"


@pytest.mark.guarantee(6)
def test_executor_works_for_run_in_executor() -> None:
    """`asyncio`'s `run_in_executor` copies no context; through the executor it is carried."""

    async def main(executor: Executor) -> list[Any]:
        loop = asyncio.get_running_loop()
        with open_context("order-1"):
            return [
                await loop.run_in_executor(executor, here),
                await loop.run_in_executor(executor, functools.partial(current_flow_id)),
            ]

    with ContextExecutor(ThreadPoolExecutor(2)) as executor:
        assert asyncio.run(main(executor)) == [("order-1", None), "order-1"]


@pytest.mark.guarantee(6)
def test_executor_keeps_ten_thousand_tasks_apart() -> None:
    """Many units submit at once from many threads: each task runs under its submitter's ID."""
    mixed_up: list[Any] = []

    def check(expected: str) -> None:
        if current_flow_id() != expected:
            mixed_up.append((expected, current_flow_id()))

    def submit(worker: int, executor: Executor) -> list[Future[None]]:
        futures = []
        for number in range(1250):
            with open_context(f"unit-{worker}-{number}"):
                futures.append(executor.submit(check, f"unit-{worker}-{number}"))
                if number % 50 == 0:
                    list(executor.map(check, [f"unit-{worker}-{number}"] * 3))
        return futures

    with ContextExecutor(ThreadPoolExecutor(8)) as executor, ThreadPoolExecutor(8) as submitters:
        for futures in submitters.map(submit, range(8), itertools.repeat(executor)):
            for future in futures:
                future.result()
    assert mixed_up == []


def test_executor_is_an_executor() -> None:
    """It is one to `isinstance`, and its ``with`` shuts the wrapped one down."""
    wrapped = ThreadPoolExecutor(1)
    with ContextExecutor(wrapped) as executor:
        assert isinstance(executor, Executor)
        assert executor.submit(pow, 2, 5).result() == 32
        assert executor.submit(dict, fn=1, self=2).result() == {"fn": 1, "self": 2}
    with pytest.raises(RuntimeError, match="after shutdown"):
        wrapped.submit(print)


def test_executor_maps_as_executors_do() -> None:
    """Several iterables, errors and the timeout are those of `Executor.map`."""
    with ContextExecutor(ThreadPoolExecutor(2)) as executor:
        assert list(executor.map(pow, [2, 3], [3, 2])) == [8, 9]
        assert list(executor.map(str, [], chunksize=2)) == []
        with pytest.raises(ZeroDivisionError):
            list(executor.map(lambda number: 1 // number, [1, 0]))
        go_on = threading.Event()
        with pytest.raises(TimeoutError):
            list(executor.map(go_on.wait, [60], timeout=0.01))
        go_on.set()
        if sys.version_info >= (3, 14):
            assert list(executor.map(str, range(5), buffersize=2)) == list("01234")
        else:
            with pytest.raises(TypeError, match="buffersize"):
                executor.map(str, range(5), buffersize=2)


def test_executor_passes_the_shutdown_on() -> None:
    """``cancel_futures`` and ``wait`` reach the wrapped executor."""
    begun, go_on = threading.Event(), threading.Event()
    executor = ContextExecutor(ThreadPoolExecutor(1))
    running = executor.submit(lambda: (begun.set(), go_on.wait(60)))
    waiting = executor.submit(print)
    assert begun.wait(60)
    executor.shutdown(wait=False, cancel_futures=True)
    go_on.set()
    assert waiting.cancelled()
    assert running.result(60) == (None, True)


class _Processes(ProcessPoolExecutor):
    """A process pool under another name."""


@pytest.mark.parametrize("kind", [ProcessPoolExecutor, _Processes])
def test_executor_of_processes_is_refused(kind: type[ProcessPoolExecutor]) -> None:
    """A context cannot be copied to another process, and the error says what to do."""
    with kind(1) as processes, pytest.raises(TypeError, match=r"headrace\.inject\(\) instead"):
        ContextExecutor(processes)


@pytest.mark.parametrize("thing", [None, 4, ThreadPoolExecutor, object()])
def test_what_is_no_executor_is_refused(thing: Any) -> None:
    """The constructor takes an executor, and says what it was given."""
    with pytest.raises(TypeError, match=r"wraps a concurrent\.futures\.Executor, not"):
        ContextExecutor(thing)


# --- long-lived work ----------------------------------------------------------------------------


@pytest.mark.guarantee(6)
def test_worker_thread_started_detached_has_no_context() -> None:
    """A worker that lives on works under the IDs of its jobs, not of the one that started it."""
    jobs: queue.Queue[str | None] = queue.Queue()
    seen = []

    def work() -> None:
        assert_clean()
        while (job := jobs.get()) is not None:
            with open_context(job) as context:
                seen.append((current_flow_id(), context.causation_id))
            assert_clean()

    with open_context("request"):
        with detached():
            worker = threading.Thread(target=contextvars.copy_context().run, args=(work,))
            worker.start()
        assert current_flow_id() == "request"
    for job in ("job-1", "job-2", None):
        jobs.put(job)
    worker.join()
    assert seen == [("job-1", None), ("job-2", None)]


@pytest.mark.guarantee(6)
def test_worker_task_started_detached_has_no_context() -> None:
    """A task that outlives its request works under the IDs of its jobs, under load."""
    mixed_up: list[Any] = []

    async def work(jobs: asyncio.Queue[str | None]) -> None:
        while (job := await jobs.get()) is not None:
            if here() != (None, None):
                mixed_up.append(here())
            with open_context(job):
                await asyncio.sleep(0)
                if current_flow_id() != job:
                    mixed_up.append((job, current_flow_id()))

    async def request(number: int, jobs: asyncio.Queue[str | None], workers: list[Any]) -> None:
        with open_context(f"request-{number}"):
            with detached():
                workers.append(asyncio.create_task(work(jobs)))
            for job in range(20):
                jobs.put_nowait(f"job-{number}-{job}")
                await asyncio.sleep(0)
                if current_flow_id() != f"request-{number}":
                    mixed_up.append((number, current_flow_id()))

    async def main() -> None:
        jobs: asyncio.Queue[str | None] = asyncio.Queue()
        workers: list[Any] = []
        await asyncio.gather(*(request(number, jobs, workers) for number in range(100)))
        for _ in workers:
            jobs.put_nowait(None)
        await asyncio.gather(*workers)

    asyncio.run(main())
    assert mixed_up == []
