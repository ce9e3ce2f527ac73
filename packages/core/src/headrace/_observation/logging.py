"""The backend for the standard library's logging."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from headrace._messages.text import printable
from headrace._process import clock

from .outcomes import describe, outcome_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace._context.model import FlowContext
    from headrace._step_info import StepInfo


_FAILED = {"error", "cancelled"}


class LoggingBackend:
    """Reports steps as log records: ``step.start`` at DEBUG, ``step.end`` at INFO.

    The records carry `flow`, `step` and `correlation_id`. ``step.end`` also carries `duration_ms`
    (milliseconds), `outcome` (see `outcome_of`) and `error` (text, or None). The file and line of
    a record are the step's. If the logger's level is above INFO, nothing is formatted and no clock
    is read.

    Args:
        logger: the name of the logger.
    """

    _headrace_direct = True

    def __init__(self, logger: str = "headrace") -> None:
        self._logger = logging.getLogger(logger)
        self._is_enabled_for = self._logger.isEnabledFor
        self._is_on = partial(self._is_enabled_for, logging.INFO)

    def enabled(self) -> bool:
        """Return whether the logger accepts records of level INFO."""
        return self._is_on()

    @contextmanager
    def span(self, step: StepInfo, context: FlowContext) -> Iterator[None]:
        """Log the start and the end of `step`, unless the logger's level is above INFO."""
        if not self._is_on():
            yield
            return
        state = self._begin(step, context)
        try:
            yield
        except BaseException as exc:
            self._end(state, exc)
            raise
        self._end(state, None)

    def _begin(self, step: StepInfo, context: FlowContext) -> tuple[StepInfo, FlowContext, float]:
        if self._is_enabled_for(logging.DEBUG):
            self._emit(logging.DEBUG, "step.start", step, context, {})
        return step, context, clock.perf_counter()

    def _end(self, state: tuple[StepInfo, FlowContext, float], exc: BaseException | None) -> None:
        step, context, start = state
        duration_ms = (clock.perf_counter() - start) * 1000.0
        outcome = "ok" if exc is None else outcome_of(exc)
        error = printable(describe(exc)) if exc is not None and outcome in _FAILED else None
        fields = {"duration_ms": duration_ms, "outcome": outcome, "error": error}
        self._emit(logging.INFO, "step.end", step, context, fields)

    def _emit(
        self,
        level: int,
        event: str,
        step: StepInfo,
        context: FlowContext,
        fields: dict[str, object],
    ) -> None:
        # Not through logger.log(), which would walk the stack and report this file.
        log = self._logger
        flow, name, flow_id = step.flow, step.name, context.correlation_id
        if not (flow.isprintable() and name.isprintable() and flow_id.isprintable()):
            flow, name, flow_id = printable(flow), printable(name), printable(flow_id)
        record = log.makeRecord(log.name, level, step.file, step.line, event, (), None, name)
        values = record.__dict__
        values["flow"] = flow
        values["step"] = name
        values["correlation_id"] = flow_id
        values.update(fields)
        log.handle(record)
