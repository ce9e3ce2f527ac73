"""Context variables of a suspended computation, swapped in around each of its pieces.

The body of a generator or streamed response runs in pieces, and between them its consumer runs in
the same thread. A suspended context holds the body's values: they are set before each piece, and
the piece's changes are kept for the next one, while the consumer sees its own values again.
"""

from __future__ import annotations

from contextlib import suppress
from contextvars import Context, ContextVar, Token, copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from .pieces import steer
from .variables import (
    budget_var,
    get_budget,
    get_step,
    get_unit,
    reset_unit,
    set_budget,
    set_step,
    set_unit,
    step_var,
    unit_var,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from headrace._step_info import StepInfo

    from .deadlines import Budget
    from .model import FlowContext

    _Values = dict[ContextVar[Any], Any]

T = TypeVar("T")

_MISSING = object()
# Looked up once: these are the hot paths of streams and generators.


class SuspendedContext:
    """The variables that belong to one suspended computation.

    Args:
        unit: the unit that is current inside.
        step: the step that is current inside.
        budget: the time budget that is active inside.
    """

    __slots__ = ("_home", "_others", "_step", "_unit")

    def __init__(
        self, unit: FlowContext | None, step: StepInfo | None, budget: Budget | None = None
    ) -> None:
        self._unit = unit
        self._step = step
        # The budget and a backend's variables; usually there are none.
        self._others: _Values | None = None if budget is None else {budget_var: budget}
        self._home: Context | None = None

    def run(self, function: Callable[..., T], *args: Any) -> T:
        """Call ``function(*args)`` with the held values, and keep its changes."""
        if self._others is not None or get_budget() is not None:
            return self._run_with_others(function, *args)
        outer, step, outer_step = get_unit(), self._step, get_step()
        token = None
        # A signal may raise after any call in this method, and the context must still be restored.
        try:
            token = set_unit(self._unit)
            if step is not outer_step:  # they rarely differ, and each set() costs time
                set_step(step)
            return function(*args)
        finally:
            try:
                self._unit = get_unit()
                self._step = step = get_step()
                if get_budget() is not None:
                    self._keep_budget()
            finally:
                try:
                    if step is not outer_step:
                        set_step(outer_step)
                finally:
                    if token is None:
                        set_unit(outer)
                    else:
                        reset_unit(token)

    def _keep_budget(self) -> None:
        try:
            self._others = {budget_var: get_budget()}
        finally:
            set_budget(None)

    def _run_with_others(self, function: Callable[..., T], *args: Any) -> T:
        held: _Values = {budget_var: None, **(self._others or {})}
        held[unit_var], held[step_var] = self._unit, self._step
        outer = {var: var.get(_MISSING) for var in held}
        tokens: dict[ContextVar[Any], Token[Any]] = {}
        try:
            for var, value in held.items():
                tokens[var] = var.set(value)
            return function(*args)
        finally:
            try:
                for var in tokens:
                    held[var] = var.get()
                _put_back(outer, tokens)
            except BaseException:  # a signal: restore everything again
                _put_back(outer, tokens)
                raise
            self._unit, self._step = held.pop(unit_var), held.pop(step_var)
            if held[budget_var] is None:
                del held[budget_var]
            self._others = held or None

    async def wait(self, awaitable: Awaitable[T]) -> T:
        """Await `awaitable` with the held values, in a single task."""
        if self._others is not None:
            return await steer(awaitable, self.run)
        unit, outer_unit, outer_step = self._unit, get_unit(), get_step()
        current = unit
        try:
            set_unit(unit)
            if self._step is not outer_step:
                set_step(self._step)
            return await awaitable
        finally:
            # No tokens: an unfinished coroutine may be closed in another context.
            try:
                current = get_unit()
            finally:
                if current is unit:
                    try:
                        set_unit(outer_unit)
                    finally:
                        if get_step() is not outer_step:
                            set_step(outer_step)

    def around(self) -> list[tuple[ContextVar[Any], Any]]:
        """Return the held variables with their current values."""
        return [(var, _value(var)) for var in (unit_var, step_var, *(self._others or ()))]

    def begin(self, function: Callable[..., T], *args: Any) -> T:
        """Call ``function(*args)`` and hold every variable that it sets, such as a current span."""
        before = copy_context()
        self._home = home = before.copy()
        result = home.run(self.run, function, *args)
        changed = {v: value for v, value in home.items() if before.get(v, _MISSING) is not value}
        self._others = {**(self._others or {}), **changed} or None
        return result

    def finish(self, function: Callable[..., T], *args: Any) -> T:
        """Call ``function(*args)`` in the context of `begin`, where its tokens are valid."""
        return (
            self.run(function, *args)
            if self._home is None
            else self._home.run(self.run, function, *args)
        )


def _put_back(outer: _Values, tokens: dict[ContextVar[Any], Token[Any]]) -> None:
    for var, value in outer.items():
        if value is not _MISSING:
            var.set(value)
        elif var in tokens:
            with suppress(RuntimeError):  # already used
                var.reset(tokens[var])


def _value(var: ContextVar[Any]) -> Any:
    try:
        return var.get()
    except LookupError:
        return None


async def wait_with(values: list[tuple[ContextVar[Any], Any]], awaitable: Awaitable[T]) -> T:
    """Await `awaitable` while the variables have these `values`."""
    tokens: list[tuple[ContextVar[Any], Token[Any]]] = []
    try:
        for var, value in values:
            tokens.append((var, var.set(value)))
        return await awaitable
    finally:
        try:
            for var, token in tokens:
                var.reset(token)
        except ValueError:  # closed in another task, with other variables
            pass
