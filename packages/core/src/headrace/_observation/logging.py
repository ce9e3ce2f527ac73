"""The backend for the standard library's logging."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from headrace._messages.text import printable
from headrace._process import clock

from .outcomes import FAILED, describe, outcome_of
from .records import emit, gate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace._context.model import FlowContext
    from headrace._step_info import StepInfo


class LoggingBackend:
    """Reports steps as log records: ``step.start`` at DEBUG, ``step.end`` at INFO.

    That is the record's `event`; its message is for people: ``order.charge ok in 1.4 ms``. The
    records carry `flow`, `step` and `correlation_id`. ``step.end`` also carries `duration_ms`
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
        self._is_on = gate(logger, logging.INFO)

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
            values, place = _of_step("step.start", step, context)
            args = values["flow"], values["step"]
            emit(self._logger, logging.DEBUG, "%s.%s started", args, values, place)
        return step, context, clock.perf_counter()

    def _end(self, state: tuple[StepInfo, FlowContext, float], exc: BaseException | None) -> None:
        step, context, start = state
        duration_ms = (clock.perf_counter() - start) * 1000.0
        outcome = "ok" if exc is None else outcome_of(exc)
        error = printable(describe(exc)) if exc is not None and outcome in FAILED else None
        values, place = _of_step("step.end", step, context)
        values["duration_ms"] = duration_ms
        values["outcome"] = outcome
        values["error"] = error
        preposition = "in" if outcome == "ok" else "after"
        args = values["flow"], values["step"], outcome, preposition, duration_ms
        emit(self._logger, logging.INFO, "%s.%s %s %s %.1f ms", args, values, place)


def _of_step(
    event: str, step: StepInfo, context: FlowContext
) -> tuple[dict[str, Any], tuple[str, int, str]]:
    """Return the attributes of a step's record, and its place."""
    flow, name, flow_id = step.flow, step.name, context.correlation_id
    if not (flow.isprintable() and name.isprintable() and flow_id.isprintable()):
        flow, name, flow_id = printable(flow), printable(name), printable(flow_id)
    values: dict[str, Any] = {"event": event, "flow": flow, "step": name, "correlation_id": flow_id}
    return values, (step.file, step.line, name)
