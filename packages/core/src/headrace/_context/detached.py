"""Code that runs outside any unit of work, started inside one."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from headrace._tracing.active_span import trace_is_active, without_ours

from .deadlines import Budget
from .leaving import restored
from .variables import budget_var, step_var, unit_var

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import TracebackType

    from headrace._step_info import StepInfo

    from .model import FlowContext


def detached() -> AbstractContextManager[None]:
    """Run the block without any unit of work: for starting background work that outlives it."""
    return _Detached()


class _Detached:
    """The block of `detached`, for one use."""

    __slots__ = ("__weakref__", "_budget", "_shown", "_step", "_unit")

    def __init__(self) -> None:
        self._budget: Budget | None = None
        self._unit: FlowContext | None = None
        self._step: StepInfo | None = None
        self._shown: dict[ContextVar[Any], Any] = {}  # what hides the active span, and what it hid

    def __enter__(self) -> None:
        if self._budget is not None:
            raise RuntimeError("this block has been used; call headrace.detached() for another")
        self._unit, self._step = unit_var.get(), step_var.get()
        # A budget without a limit: it hides the outer one and identifies this block.
        self._budget = Budget(self, self._unit, None)
        try:
            self._budget.begin()
            unit_var.set(None)
            step_var.set(None)
            if trace_is_active():
                self._hide_span()
        except BaseException:  # a signal
            try:
                unit_var.set(self._unit)
            finally:
                step_var.set(self._step)
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
            is_ours = self._budget.is_current() and unit_var.get() is None
            if is_ours:
                unit, step = restored(unit, step)
        finally:
            try:
                if is_ours:
                    unit_var.set(unit)
                    step_var.set(step)
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
    """Tell whether this runs inside `headrace.detached`, with no unit opened since."""
    budget = budget_var.get() if unit_var.get() is None else None
    if budget is not None and budget.is_over():
        budget = budget.outer()
    while budget is not None and budget.until is not None:
        budget = budget.outer()
    return budget is not None
