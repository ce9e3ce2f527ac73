"""Context variables of a suspended computation, swapped in around each of its pieces.

A generator's body and a response's stream run in pieces, between which their consumer runs in the
same thread. A frame holds the values that belong to the body: they are set before a piece, and
what the piece left in them is kept for the next, while the consumer sees its own again.
"""

from __future__ import annotations

import types
from contextvars import Context, ContextVar, copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from ._context import step_var, unit_var

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from ._context import FlowContext
    from ._step_info import StepInfo

T = TypeVar("T")

_MISSING = object()
# Looked up once: these are the hot paths of streams and generators.
_get_unit, _set_unit, _reset_unit = unit_var.get, unit_var.set, unit_var.reset
_get_step, _set_step, _reset_step = step_var.get, step_var.set, step_var.reset


class Frame:
    """The variables that belong to one suspended computation.

    Args:
        unit: the unit that is current inside.
        step: the step that is.
    """

    __slots__ = ("_home", "_others", "_step", "_unit")

    def __init__(self, unit: FlowContext | None, step: StepInfo | None) -> None:
        self._unit = unit
        self._step = step
        # A backend's variables; None while there are none, which is the usual case.
        self._others: dict[ContextVar[Any], Any] | None = None
        self._home: Context | None = None

    def run(self, function: Callable[..., T], *args: Any) -> T:
        """Call ``function(*args)`` with the held values, and keep what it leaves in them."""
        if self._others is not None:
            return self._run_with_others(function, *args)
        unit_token = _set_unit(self._unit)
        step_token = _set_step(self._step)
        try:
            return function(*args)
        finally:
            self._unit = _get_unit()
            self._step = _get_step()
            _reset_step(step_token)
            _reset_unit(unit_token)

    def _run_with_others(self, function: Callable[..., T], *args: Any) -> T:
        others, self._others = self._others or {}, None
        tokens = [(var, var.set(value)) for var, value in others.items()]
        try:
            return self.run(function, *args)
        finally:
            for var, token in tokens:
                others[var] = var.get()
                var.reset(token)
            self._others = others

    async def wait(self, awaitable: Awaitable[T]) -> T:
        """Await `awaitable` with the held values, in one and the same task."""
        if self._others is not None:
            return await steer(awaitable, self.run)
        unit, outer_unit, outer_step = self._unit, _get_unit(), _get_step()
        _set_unit(unit)
        _set_step(self._step)
        try:
            return await awaitable
        finally:
            # No tokens: a coroutine that is never finished is closed in a context of somebody else.
            if _get_unit() is unit:
                _set_unit(outer_unit)
                _set_step(outer_step)

    def begin(self, function: Callable[..., T], *args: Any) -> T:
        """Call ``function(*args)`` and hold every variable that it sets, such as a current span."""
        before = copy_context()
        self._home = home = before.copy()
        result = home.run(self.run, function, *args)
        changed = {v: value for v, value in home.items() if before.get(v, _MISSING) is not value}
        self._others = changed or None
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
