"""Context variables of a suspended computation, swapped in around each of its pieces.

A generator's body and a response's stream run in pieces, between which their consumer runs in the
same thread. A frame holds the values that belong to the body: they are set before a piece, and
what the piece left in them is kept for the next, while the consumer sees its own again.
"""

from __future__ import annotations

import types
from contextvars import Context, ContextVar, copy_context
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

T = TypeVar("T")

_MISSING = object()


class Frame:
    """The variables that belong to one suspended computation.

    Args:
        held: each variable and the value that it has inside.
    """

    __slots__ = ("_held", "_home")

    def __init__(self, held: dict[ContextVar[Any], Any]) -> None:
        self._held = held
        self._home: Context | None = None

    def run(self, function: Callable[..., T], *args: Any) -> T:
        """Call ``function(*args)`` with the held values, and keep what it leaves in them."""
        held = self._held
        tokens = [(var, var.set(value)) for var, value in held.items()]
        try:
            return function(*args)
        finally:
            for var, token in tokens:
                held[var] = var.get()
                var.reset(token)

    def begin(self, function: Callable[..., T], *args: Any) -> T:
        """Call ``function(*args)`` and hold every variable that it sets, such as a current span."""
        before = copy_context()
        self._home = home = before.copy()
        result = home.run(self.run, function, *args)
        for var, value in home.items():
            if before.get(var, _MISSING) is not value:
                self._held[var] = value
        return result

    def finish(self, function: Callable[..., T], *args: Any) -> T:
        """Call ``function(*args)`` where `begin` was, so that the tokens made there are valid."""
        return (
            self.run(function, *args)
            if self._home is None
            else self._home.run(self.run, function, *args)
        )


@types.coroutine
def steer(awaitable: Awaitable[T], run: Callable[..., Any]) -> Generator[Any, Any, T]:
    """Await `awaitable` with each of its pieces called through `run`.

    Between the pieces the event loop is at work, in the waiting task's own context.
    """
    pieces: Any = run(awaitable.__await__)
    advance: Callable[..., Any] = _sender(pieces)
    argument: Any = None
    while True:
        try:
            awaited = run(advance, argument)
        except StopIteration as stop:
            result: T = stop.value
            return result
        try:
            argument = yield awaited
            advance = _sender(pieces)
        except BaseException as exc:
            argument = exc
            advance = pieces.throw


def _sender(pieces: Any) -> Callable[..., Any]:
    # An awaitable may be a plain iterator, which knows next() alone.
    send = getattr(pieces, "send", None)
    return send if send is not None else lambda _: next(pieces)
