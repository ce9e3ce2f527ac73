"""Backends: who is told of the steps and units of work.

A backend is any object with a ``span`` method; see `Backend`. `headrace.configure` sets it.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ._context import FlowContext, current_flow_id
from ._control_flow import control_flow_outcome
from ._step_info import StepInfo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

__all__ = ["Backend", "LoggingBackend", "StepInfo", "TracingBackend", "outcome_of"]


@runtime_checkable
class Backend(Protocol):
    """What a backend must have. Two more methods are optional.

    ``unit(context)`` returns a context manager that is entered around each unit of work;
    ``enabled()`` returns a bool, and False lets the core skip the backend cheaply.

    The exception of a step or unit passes through ``__exit__``, whose return value is ignored. A
    backend that raises is logged once, to the logger ``headrace``, and breaks nothing.
    """

    def span(self, step: StepInfo, context: FlowContext) -> AbstractContextManager[Any]:
        """Return a context manager that is entered around the call of `step`, once."""
        ...


class TracingBackend:
    """A base class for backends that think in names: override `span`.

    `headrace` calls `span` with the step's name, the flow's name and the other fields of
    `StepInfo` as keywords.
    """

    def span(self, step_name: str, flow_name: str, **attrs: Any) -> AbstractContextManager[Any]:
        """Return a context manager that is entered around the call of the step.

        Args:
            step_name: the step's name.
            flow_name: the name of its flow.
            attrs: `after`, `kind`, `is_entrypoint`, `description`, `file` and `line`.
        """
        raise NotImplementedError("a TracingBackend defines span(step_name, flow_name, **attrs)")

    def get_correlation_id(self) -> str | None:
        """Return the correlation ID of the current unit of work, or None."""
        return current_flow_id()

    def _begin(self, step: StepInfo, context: FlowContext) -> AbstractContextManager[Any]:
        manager = self.span(
            step.name,
            step.flow,
            after=step.after,
            kind=step.kind,
            is_entrypoint=step.is_entrypoint,
            description=step.description,
            file=step.file,
            line=step.line,
        )
        manager.__enter__()
        return manager


class LoggingBackend:
    """Reports steps as log records: ``step.start`` at DEBUG, ``step.end`` at INFO.

    The records carry `flow`, `step` and `correlation_id`; the last one also `duration_ms`
    (milliseconds), `outcome` (``ok``, ``error`` or ``cancelled``) and `error` (text, or None).
    File and line are the step's own. While the logger is above INFO nothing is formatted and no
    clock is read.

    Args:
        logger: the logger's name.
    """

    _cannot_raise = True

    def __init__(self, logger: str = "headrace") -> None:
        self._logger = log = logging.getLogger(logger)
        self._is_on = is_on = log.isEnabledFor
        self.enabled = lambda: is_on(logging.INFO)

    def span(self, step: StepInfo, context: FlowContext) -> AbstractContextManager[None]:
        """Return a context manager that logs the start and the end of `step`."""
        return self._span(step, context)

    @contextmanager
    def _span(self, step: StepInfo, context: FlowContext) -> Iterator[None]:
        state = self._begin(step, context)
        try:
            yield
        except BaseException as exc:
            self._end(state, exc)
            raise
        self._end(state, None)

    def _begin(self, step: StepInfo, context: FlowContext) -> tuple[StepInfo, FlowContext, float]:
        if self._is_on(logging.DEBUG):
            self._emit(logging.DEBUG, "step.start", step, context, {})
        return step, context, perf_counter()

    def _end(self, state: tuple[StepInfo, FlowContext, float], exc: BaseException | None) -> None:
        step, context, start = state
        outcome = outcome_of(exc)
        failed = outcome in {"error", "cancelled"}
        fields = {
            "duration_ms": (perf_counter() - start) * 1000.0,
            "outcome": outcome,
            "error": f"{type(exc).__name__}: {exc}" if failed else None,
        }
        self._emit(logging.INFO, "step.end", step, context, fields)

    def _emit(
        self,
        level: int,
        event: str,
        step: StepInfo,
        context: FlowContext,
        fields: dict[str, object],
    ) -> None:
        # By hand rather than logger.log(): it would report this file and walk the stack for it.
        log = self._logger
        record = log.makeRecord(log.name, level, step.file, step.line, event, (), None, step.name)
        values = record.__dict__
        values["flow"] = step.flow
        values["step"] = step.name
        values["correlation_id"] = context.correlation_id
        values.update(fields)
        log.handle(record)


def outcome_of(exc: BaseException | None) -> str:
    """Name the outcome of a step or unit that raised `exc`: ``ok``, ``error`` or ``cancelled``.

    A generator that its consumer closed early is ``ok``. An integration may have registered other
    outcomes for its framework's control flow: ``retry``, ``ignored`` and ``rejected`` for Celery.
    """
    if exc is None or isinstance(exc, GeneratorExit):
        return "ok"
    if isinstance(exc, Exception):
        return control_flow_outcome(exc) or "error"
    # asyncio's and trio's, told by name so as to import neither.
    return "cancelled" if type(exc).__name__ in {"CancelledError", "Cancelled"} else "error"
