"""The dispatcher, called when steps and units of work begin and end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from headrace._step_info import StepInfo

    from .model import FlowContext


class UnitReport(Protocol):
    """A unit of work whose beginning has been reported."""

    def end(self, exc: BaseException | None) -> None:
        """Report that the unit has ended, with its exception or None."""


class StepDispatcher(Protocol):
    """Sends the events of steps to backends; its methods raise no `Exception`."""

    def begin(self, step: StepInfo, context: FlowContext) -> Any:
        """Report that `step` begins; the result is passed to `end`."""

    def end(self, state: Any, exc: BaseException | None) -> None:
        """Report that the step has ended, with its exception or None."""


class Dispatcher(StepDispatcher, Protocol):
    """Sends the events of steps and units to backends; its methods raise no `Exception`."""

    def enabled(self) -> bool:
        """Return whether a backend is listening now."""
        ...

    def wants_units(self) -> bool:
        """Return whether units of work that begin now are reported."""
        ...

    def only_logs(self) -> bool:
        """Return whether units are only logged: no backend sets context variables for them."""
        ...

    def begin_unit(self, context: FlowContext) -> UnitReport | None:
        """Report that a unit of work begins; the caller has asked `wants_units`."""
