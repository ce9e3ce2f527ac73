"""A unit of work that runs in pieces, such as a streamed response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from headrace import _state

from .marks import mark
from .pieces import steer, unregistered
from .suspended import SuspendedContext
from .variables import get_unit

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator

    from .model import FlowContext


T = TypeVar("T")


class ResumableUnit(SuspendedContext):
    """A unit of work that runs in pieces, such as a response whose body outlives the handler.

    Each piece runs through ``run(function, *args)`` or ``wait(awaitable)``. Between pieces the unit
    is not visible in the thread or task that runs them.

    Args:
        context: the unit, which begins immediately.
    """

    __slots__ = ("_ended", "_report", "context")

    def __init__(self, context: FlowContext) -> None:
        super().__init__(context, None)
        self.context: FlowContext = context
        self._ended = False
        self._report: Any = None
        dispatcher = _state.dispatcher
        if dispatcher is not None and dispatcher.wants_units():
            hold = self.run if dispatcher.only_logs() else self.begin
            self._report = hold(dispatcher.begin_unit, context)

    def end(self, exc: BaseException | None = None) -> None:
        """End the unit; a second call only marks `exc` with the ID."""
        if not self._ended:
            self._ended = True
            self.context._ended = True  # noqa: SLF001 - `set_ended` without a call
            if self._report is not None:
                # Code that runs later keeps these variables: an ended span is a valid parent.
                others = self._others
                self.finish(self._report.end, exc)
                self._others = others
        if exc is not None:
            mark(exc, self.context, get_unit())

    def iterate(self, body: Iterable[T]) -> Iterator[T]:
        """Yield from `body` inside the unit, which ends when the body is exhausted or closed.

        Closing the body also happens inside the unit, even if it ended with the last chunk.
        """
        iterator: Iterator[T] = self.run(body.__iter__)
        try:
            while True:
                try:
                    item = self.run(iterator.__next__)
                except StopIteration:
                    break
                yield item
                del item  # otherwise two chunks would be in memory at once
        except BaseException as exc:
            self._close(body, exc)
            raise
        self.end()
        self._close(body, None)

    def _close(self, body: Any, exc: BaseException | None) -> None:
        try:
            close = getattr(body, "close", None)
            if close is not None:
                self.run(close)
        except BaseException as failure:
            self.end(failure)
            raise
        self.end(None if isinstance(exc, GeneratorExit) else exc)

    async def aiterate(self, body: AsyncIterable[T]) -> AsyncIterator[T]:
        """Yield from the asynchronous `body` inside the unit, as `iterate` does."""
        run = self.run
        iterator = run(aiter, body)
        try:
            following = unregistered(anext, iterator)
            while True:
                try:
                    item = await steer(following, run)
                except StopAsyncIteration:
                    break
                yield item
                del item
                following = anext(iterator)
        except BaseException as exc:
            await self._aclose(iterator, exc)
            raise
        self.end()
        await self._aclose(iterator, None)

    async def _aclose(self, iterator: Any, exc: BaseException | None) -> None:
        try:
            close = getattr(iterator, "aclose", None)
            if close is not None:
                await steer(close(), self.run)
        except BaseException as failure:
            self.end(failure)
            raise
        self.end(None if isinstance(exc, GeneratorExit) else exc)


class _Bare(ResumableUnit):
    __slots__ = ()

    __init__: Any = object.__init__


def unobserved(context: FlowContext) -> ResumableUnit:
    """Create ``ResumableUnit(context)`` in half the time, when no backend is listening."""
    unit: ResumableUnit = _Bare()
    unit._unit = unit.context = context  # noqa: SLF001 - of this module, as below
    unit._step = unit._others = unit._home = unit._report = None  # noqa: SLF001
    unit._ended = False  # noqa: SLF001
    return unit
