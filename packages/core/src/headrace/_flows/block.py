"""The block of `Flow.open`, an entrypoint without a function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._context.model import FlowContext
from headrace._context.opening import nested_context
from headrace._context.units import Unit
from headrace._context.variables import get_step, get_unit, set_step
from headrace._step_info import StepInfo

if TYPE_CHECKING:
    from types import TracebackType


class FlowBlock:
    """The block of `Flow.open`, for one use."""

    __slots__ = ("_correlation_id", "_flow_name", "_info", "_outer_step", "_unit")

    def __init__(self, flow_name: str, correlation_id: str | None) -> None:
        self._flow_name = flow_name
        self._correlation_id = correlation_id
        self._info: StepInfo | None = None
        self._outer_step: StepInfo | None = None
        self._unit: Unit | None = None

    def __enter__(self) -> FlowContext:
        if self._info is not None:
            raise RuntimeError("this block has been used; call Flow.open() for another")
        context = get_unit()
        if context is None or self._correlation_id is not None:
            self._unit = Unit(nested_context("flow", self._flow_name, self._correlation_id))
            context = self._unit.__enter__()
        self._outer_step = get_step()
        self._info = StepInfo("", self._flow_name)
        set_step(self._info)
        return context

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._unit is not None:
            self._unit.__exit__(exc_type, exc, traceback)
        elif get_step() is self._info:
            set_step(self._outer_step)
