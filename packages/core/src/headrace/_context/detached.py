"""`detached`, which runs a block outside any unit of work."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from headrace._tracing.active_span import trace_is_active, without_ours

from .deadlines import Budget
from .leaving import restored
from .variables import get_budget, get_step, get_unit, set_step, set_unit

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import TracebackType

    from headrace._step_info import StepInfo

    from .model import FlowContext


def detached() -> AbstractContextManager[None]:
    """Run the block outside any unit of work, to start background work that outlives the unit."""
    return _Detached()


class _Detached:
    """The block of `detached`, for one use."""

    __slots__ = ("__weakref__", "_budget", "_shown", "_step", "_unit")

    def __init__(self) -> None:
        self._budget: Budget | None = None
        self._unit: FlowContext | None = None
        self._step: StepInfo | None = None
        self._shown: dict[ContextVar[Any], Any] = {}  # the variables of the hidden span

    def __enter__(self) -> None:
        if self._budget is not None:
            raise RuntimeError("this block has been used; call headrace.detached() for another")
        self._unit, self._step = get_unit(), get_step()
        # A budget without a limit: it hides the outer one and identifies this block.
        self._budget = Budget(self, self._unit, None)
        try:
            self._budget.begin()
            set_unit(None)
            set_step(None)
            if trace_is_active():
                self._hide_span()
        except BaseException:  # a signal
            try:
                set_unit(self._unit)
            finally:
                set_step(self._step)
                self._show_span()
                self._budget.leave()
            raise

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._budget is None:
            return
        unit, step = self._unit, self._step
        is_ours = True  # unless a signal arrives before this is known
        try:
            is_ours = self._budget.is_current() and get_unit() is None
            if is_ours:
                unit, step = restored(unit, step)
        finally:
            try:
                if is_ours:
                    set_unit(unit)
                    set_step(step)
                    self._show_span()
            finally:
                self._budget.leave()

    def _hide_span(self) -> None:
        hidden = without_ours() or {}
        self._shown = {variable: variable.get() for variable in hidden}
        for variable, value in hidden.items():
            variable.set(value)

    def _show_span(self) -> None:
        for variable, value in self._shown.items():
            variable.set(value)


def is_detached() -> bool:
    """Return whether the caller runs inside `headrace.detached`, with no unit opened since."""
    budget = get_budget() if get_unit() is None else None
    if budget is not None and budget.is_over():
        budget = budget.outer()
    while budget is not None and budget.until is not None:
        budget = budget.outer()
    return budget is not None
