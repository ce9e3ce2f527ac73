"""What the core calls when steps and units of work begin and end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from headrace._step_info import StepInfo

    from .model import FlowContext


class UnitReport(Protocol):
    """What was begun around a unit of work."""

    def end(self, exc: BaseException | None) -> None:
        """Report that the unit has ended, with what it raised."""


class Dispatcher(Protocol):
    """What the core calls around steps and units; none of it raises an `Exception`."""

    def enabled(self) -> bool:
        """Tell whether anything listens now."""
        ...

    def begin(self, step: StepInfo, context: FlowContext) -> Any:
        """Report that `step` begins; what is returned goes to `end`."""

    def end(self, state: Any, exc: BaseException | None) -> None:
        """Report that the step has ended, with what it raised."""

    @property
    def wants_units(self) -> bool:
        """Whether `begin_unit` may do something."""
        ...

    def begin_unit(self, context: FlowContext) -> UnitReport | None:
        """Report that a unit of work begins."""
