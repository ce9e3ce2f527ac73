"""The life of a unit of work: one way in, one way out, no I/O."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from contextvars import Token
from typing import TYPE_CHECKING, Any
from weakref import ref

from headrace import _state

from .attachments import set_ended
from .leaving import discard, is_discarded, is_forgotten, restored, set_left
from .marks import mark
from .variables import get_step, get_unit, reset_unit, set_step, set_unit

if TYPE_CHECKING:
    from collections.abc import (
        Iterator,
    )
    from types import TracebackType

    from headrace._step_info import StepInfo

    from .model import FlowContext


class Unit:
    """A unit of work as a context manager, for one use.

    Leaving restores the previous context, even in a different thread or task from the one that
    entered, where a `contextvars` token would raise. A signal may raise between any two bytecodes;
    whatever it interrupts, the enclosing unit restores the state from before it began.

    Args:
        context: the unit.
        encloses: whether nothing opened inside outlives it, as in a function call: leaving also
            discards contexts left open inside.

    Raises:
        RuntimeError: on entering a second time.
    """

    __slots__ = (
        "__weakref__",
        "_encloses",
        "_report",
        "_token",
        "context",
        "outer",
        "outer_step",
    )

    def __init__(self, context: FlowContext, *, encloses: bool = False) -> None:
        self.context: FlowContext = context
        self._encloses = encloses
        self.outer: FlowContext | None = None
        self.outer_step: StepInfo | None = None
        self._token: Token[FlowContext | None] | None = None
        self._report: Any = None

    def __enter__(self) -> FlowContext:
        context = self.context
        if self._token is not None:
            raise used_unit(context)
        self.outer = outer = get_unit()
        self.outer_step = outer_step = get_step()
        try:
            self._token = set_unit(context)
            if outer is not None:
                context._unit, context._outer = ref(self), outer  # noqa: SLF001 - see `leaving`
            if outer_step is not None:
                set_step(None)
            dispatcher = _state.dispatcher
            if dispatcher is not None and dispatcher.wants_units():
                self._report = dispatcher.begin_unit(context)
        except BaseException:  # a signal, here or in a backend
            context._ended = True  # noqa: SLF001 - a call could be interrupted once more
            try:
                set_unit(outer)
            finally:
                set_step(outer_step)
            raise
        return context

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            try:
                if self._report is not None:
                    self._report.end(exc)
            finally:
                self._restore(exc)
                if exc is not None:
                    mark(exc, self.context)
        except BaseException:  # a signal: any of the above may be unfinished
            self._restore_at_once()
            raise

    def _restore(self, exc: BaseException | None) -> None:
        context = self.context
        set_ended(context)
        if get_unit() is not context:
            self._leave_out_of_order(exc)
            return
        outer, step = self.outer, self.outer_step
        if outer is not None:
            context._outer = None  # noqa: SLF001 - nothing is inside this unit any more
            outer, step = restored(outer, step)
        set_unit(outer)
        if get_step() is not step:
            set_step(step)

    def _leave_out_of_order(self, exc: BaseException | None) -> None:
        # Another unit is current now, and only its own code may end it. If it was opened inside
        # this unit, it would later restore this one, unless this one is recorded as left. An
        # exception that leaves this unit also leaves everything inside it. The end of a generator
        # does not: its consumer may have opened the current unit.
        if self._token is None:
            raise RuntimeError("this unit has not been entered: use it in a `with` statement")
        current, step = get_unit(), get_step()
        try:
            reset_unit(self._token)
        except (ValueError, RuntimeError):  # ended already, or by another thread or task
            return
        has_raised = exc is not None and not isinstance(exc, GeneratorExit)
        everything = self._encloses or has_raised or is_forgotten(current)
        if is_discarded(self.context):
            everything = False
        set_left(self.context, self.outer, self.outer_step, takes_all=everything)
        if everything:
            discard(current, self.context, self.outer, self.outer_step)
            current, step = self.outer, self.outer_step
        current, step = restored(current, step)
        set_unit(current)
        set_step(step)

    def _restore_at_once(self) -> None:
        self.context._ended = True  # noqa: SLF001 - a call could be interrupted once more
        if self._token is not None:
            with suppress(ValueError, RuntimeError):  # as above
                reset_unit(self._token)
                set_step(self.outer_step)


@contextmanager
def as_current(context: FlowContext) -> Iterator[None]:
    """Make `context` current without reporting a unit of work to the backends.

    Use it for code that concerns a unit which runs, or would have run, elsewhere.
    """
    outer, outer_step = get_unit(), get_step()
    try:
        set_unit(context)
        set_step(None)
        yield
    finally:
        unit: FlowContext | None = context
        try:
            unit = get_unit()
        finally:
            if unit is context:
                try:
                    set_unit(outer)
                finally:
                    set_step(outer_step)


def used_unit(context: FlowContext) -> RuntimeError:
    """Return the error for entering the unit `context` a second time."""
    return RuntimeError(
        f"unit {context.unit_id} has already been entered, and a unit of work runs only once; "
        f"use `with context.fork():` for another unit of the same operation"
    )
