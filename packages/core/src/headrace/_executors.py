"""The context across threads: `bind` and `ContextExecutor`; and `detached`, to leave it behind."""

from __future__ import annotations

import functools
import inspect
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from ._context import step_var, unit_var
from ._deadlines import budget_var
from ._frames import steer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

P = ParamSpec("P")
T = TypeVar("T")


@contextmanager
def detached() -> Iterator[None]:
    """Run the block without any unit of work: for starting background work that outlives it."""
    unit, info, budget = unit_var.get(), step_var.get(), budget_var.get()
    unit_var.set(None)
    step_var.set(None)
    budget_var.set(None)
    try:
        yield
    finally:
        unit_var.set(unit)
        step_var.set(info)
        budget_var.set(budget)


def bind(function: Callable[P, T]) -> Callable[P, T]:
    """Return a callable that runs `function` in a copy of the context of this call to `bind`.

    Each call gets a copy of its own, so that the result may be called from many threads at once.
    A coroutine function's body runs there too.
    """
    context = copy_context()

    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return context.copy().run(function, *args, **kwargs)

    async def run_async(*args: Any, **kwargs: Any) -> Any:
        own = context.copy()
        return await steer(own.run(cast("Any", function), *args, **kwargs), own.run)

    chosen: Any = run_async if inspect.iscoroutinefunction(function) else run
    return cast("Callable[P, T]", functools.wraps(function)(chosen))


class ContextExecutor(Executor):
    """An executor of threads whose tasks run in a copy of their submitter's context.

    Args:
        executor: a `concurrent.futures.ThreadPoolExecutor` or another executor of threads.

    Raises:
        TypeError: `executor` runs other processes, to which a context cannot be copied.
    """

    def __init__(self, executor: Executor) -> None:
        if not isinstance(executor, Executor):
            raise TypeError(
                f"ContextExecutor wraps a concurrent.futures.Executor, not {executor!r}"
            )
        if type(executor).__name__ in {"ProcessPoolExecutor", "InterpreterPoolExecutor"}:
            raise TypeError(
                "ContextExecutor wraps an executor of threads: a context cannot be copied to "
                "another process; pass the correlation ID with headrace.inject() instead"
            )
        self._executor = executor

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run ``fn(*args, **kwargs)`` in a copy of the context of this call."""
        context = copy_context()
        return self._executor.submit(lambda: context.run(fn, *args, **kwargs))

    def map(
        self,
        fn: Callable[..., T],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
    ) -> Iterator[T]:
        """Map as `concurrent.futures.Executor.map` does, each call in a copy of this context."""
        return self._executor.map(bind(fn), *iterables, timeout=timeout, chunksize=chunksize)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Shut the wrapped executor down."""
        self._executor.shutdown(wait, cancel_futures=cancel_futures)
