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
    """What is done around a generator, whose body is run in pieces.

    Attributes:
        body: the generator itself. It is made after the one that drives it, since the garbage
            collector closes the older one first, and that must be the one that knows what is
            around.
    """

    body: Any

    def begin(self) -> None:
        """Do what comes before the first piece, when the first item is asked for."""

    def run(self, function: Callable[..., T], /, *args: Any) -> T:
        """Call ``function(*args)``, which is one piece."""
        ...

    def end(self, exc: BaseException | None) -> None:
        """Do what comes after the last piece, which raised `exc`."""


def drive(pieces: Pieces) -> Generator[Any, Any, Any]:
    """Yield what the body yields, and pass on what is sent and thrown, each piece by `pieces`."""
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
            argument = None  # an exception in it would make a cycle with its traceback
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


async def drive_async(pieces: Pieces) -> AsyncGenerator[Any, Any]:
    """Do for an asynchronous generator what `drive` does."""
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
    """Call ``function(*args)``, the first use of an asynchronous generator, unseen by the loop.

    At its end the event loop closes every generator that it has seen begin, and so it does with
    one that is collected. It sees the one that drives, which closes what it drives; that must not
    be closed from two sides at once.
    """
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, _leave_open)
    try:
        return function(*args)
    finally:
        sys.set_asyncgen_hooks(*hooks)


def _leave_open(body: AsyncGenerator[Any, Any]) -> None:
    """Do nothing with a generator that is collected: the one that drives it closes it."""


@types.coroutine
def steer(awaitable: Awaitable[T], run: Callable[..., Any]) -> Generator[Any, Any, T]:
    """Await `awaitable` with each of its pieces called through `run`.

    Between the pieces the event loop is at work, in the waiting task's own context.
    """
    pieces: Any = run(awaitable.__await__)
    # An awaitable may be a plain iterator, which knows next() alone.
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
            argument = None  # as in `drive`
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
