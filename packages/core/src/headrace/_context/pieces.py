"""Generators and awaitables, run piece by piece."""

from __future__ import annotations

import sys
import types
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator


T = TypeVar("T")


class Pieces(Protocol):
    """Actions around a generator, whose body runs in pieces.

    Attributes:
        body: the generator itself. It is created after the generator that drives it: the garbage
            collector closes the older one first, which must be the driving one.
    """

    body: Any

    def begin(self) -> None:
        """Run before the first piece, when the first item is requested."""

    def run(self, function: Callable[..., T], /, *args: Any) -> T:
        """Call ``function(*args)``, one piece of the body."""
        ...

    def end(self, exc: BaseException | None) -> None:
        """Run after the last piece, which raised `exc` or None."""


def run_generator(pieces: Pieces) -> Generator[Any, Any, Any]:
    """Yield from the body, forwarding sent values and thrown exceptions; `pieces` runs it."""
    body = pieces.body
    advance: Callable[..., Any] = body.send
    argument: Any = None
    try:
        pieces.begin()
        while True:
            try:
                item = pieces.run(advance, argument)
            except StopIteration as stop:
                result = stop.value
                break
            argument = None  # avoids a cycle between an exception and its traceback
            try:
                argument = yield item
                advance = body.send
            except BaseException as exc:
                argument = exc
                advance = body.throw
            item = None
    except BaseException as exc:
        argument = None
        pieces.end(exc)
        raise
    pieces.end(None)
    return result


async def run_async_generator(pieces: Pieces) -> AsyncGenerator[Any, Any]:
    """Drive an asynchronous generator as `run_generator` does."""
    body = pieces.body
    advance: Callable[..., Any] = partial(unregistered, body.asend)
    argument: Any = None
    try:
        pieces.begin()
        while True:
            try:
                item = await steer(advance(argument), pieces.run)
            except StopAsyncIteration:
                break
            argument = None
            try:
                argument = yield item
                advance = body.asend
            except BaseException as exc:
                argument = exc
                advance = body.athrow
            item = None
    except BaseException as exc:
        argument = None
        pieces.end(exc)
        raise
    pieces.end(None)


def unregistered(function: Callable[..., T], *args: Any) -> T:
    """Call ``function(*args)``, the first use of an asynchronous generator, hidden from the loop.

    The event loop closes every generator that it has seen start, when the loop ends or the
    generator is collected. It sees the driving generator, which closes the driven one. If it also
    saw the driven one, both would close it at the same time.
    """
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, _leave_open)
    try:
        return function(*args)
    finally:
        sys.set_asyncgen_hooks(*hooks)


def _leave_open(body: AsyncGenerator[Any, Any]) -> None:
    """Do nothing for a collected generator: the driving generator closes it."""


@types.coroutine
def steer(awaitable: Awaitable[T], run: Callable[..., Any]) -> Generator[Any, Any, T]:
    """Await `awaitable`, running each of its pieces through `run`.

    Between pieces, the event loop runs in the waiting task's own context.
    """
    pieces: Any = run(awaitable.__await__)
    # An awaitable may be a plain iterator, which has only next().
    send: Callable[..., Any] = getattr(pieces, "send", None) or (lambda _: next(pieces))
    throw: Callable[..., Any] = getattr(pieces, "throw", None) or _raise
    advance, argument = send, None
    try:
        while True:
            try:
                awaited = run(advance, argument)
            except StopIteration as stop:
                result: T = stop.value
                return result
            argument = None  # as in `run_generator`
            try:
                argument = yield awaited
                advance = send
            except BaseException as exc:
                argument = exc
                advance = throw
    finally:
        argument = None


def _raise(exc: BaseException) -> None:
    raise exc
