"""The context across threads: `bind` and `ContextExecutor`."""

from __future__ import annotations

import inspect
from concurrent.futures import Executor, Future
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from headrace._callables import call_through

from .pieces import run_async_generator, run_generator, steer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Iterator


P = ParamSpec("P")
T = TypeVar("T")


def bind(function: Callable[P, T]) -> Callable[P, T]:
    """Return a callable that runs `function` in a copy of the current context.

    Each call gets its own copy, so several threads may call the result at the same time. A
    coroutine or generator that `function` returns also runs in the copy.

    Raises:
        TypeError: `function` cannot be called.
    """
    if not callable(function):
        raise TypeError(f"bind() takes a function, not {function!r}")
    context = copy_context()

    def run(*args: Any, **kwargs: Any) -> Any:
        own = context.copy()
        result = own.run(function, *args, **kwargs)
        if inspect.iscoroutine(result):
            return _finish(result, own)
        if inspect.isgenerator(result) and not inspect.isawaitable(result):
            return run_generator(_InContext(own, result))
        return (
            run_async_generator(_InContext(own, result)) if inspect.isasyncgen(result) else result
        )

    return cast("Callable[P, T]", call_through(function, run))


async def _finish(coroutine: Coroutine[Any, Any, T], context: Context) -> T:
    return await steer(coroutine, context.run)


class _InContext:
    """Runs each piece of a generator in one context."""

    __slots__ = ("body", "run")

    def __init__(self, context: Context, body: Any) -> None:
        self.body = body
        self.run = context.run

    def begin(self) -> None:
        """Do nothing."""

    def end(self, exc: BaseException | None) -> None:
        """Do nothing."""


class ContextExecutor(Executor):
    """A thread pool executor whose tasks run in a copy of their submitter's context.

    Args:
        executor: a `concurrent.futures.ThreadPoolExecutor` or another executor that runs tasks in
            threads.

    Raises:
        TypeError: `executor` runs tasks in other processes, which cannot share a context.
    """

    def __init__(self, executor: Executor) -> None:
        if not isinstance(executor, Executor):
            raise TypeError(
                f"ContextExecutor wraps a concurrent.futures.Executor, not {executor!r}"
            )
        names = {base.__name__ for base in type(executor).__mro__}
        if names & {"ProcessPoolExecutor", "InterpreterPoolExecutor"}:
            raise TypeError(
                "ContextExecutor needs an executor that runs tasks in threads: a context cannot be "
                "copied to another process; pass the correlation ID with headrace.inject() instead"
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
        **options: Any,
    ) -> Iterator[T]:
        """Map as `concurrent.futures.Executor.map` does, each call in a copy of this context.

        Args:
            fn: the function to call.
            iterables: the arguments; each call takes one item from each.
            timeout: the maximum wait for results, in seconds.
            chunksize: has no effect on threads.
            options: the options that later versions of Python add: ``buffersize`` in 3.14.
        """
        return self._executor.map(
            bind(fn), *iterables, timeout=timeout, chunksize=chunksize, **options
        )

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Shut the wrapped executor down."""
        self._executor.shutdown(wait, cancel_futures=cancel_futures)
