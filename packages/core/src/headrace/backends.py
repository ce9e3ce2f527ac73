"""Backends: who is told of the steps and units of work.

A backend is any object with a ``span`` method; see `Backend`. `headrace.configure` sets it.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ._context.model import FlowContext, current_flow_id
from ._exceptions.control_flow import control_flow_outcome
from ._messages.extras import missing_extra
from ._messages.text import printable
from ._process import clock
from ._step_info import StepInfo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from ._observation.otel.backend import OTelBackend
    from ._observation.otel.processor import FlowSpanProcessor

__all__ = [
    "Backend",
    "FlowSpanProcessor",
    "LoggingBackend",
    "OTelBackend",
    "StepInfo",
    "TracingBackend",
    "outcome_of",
]

_FAILED = {"error", "cancelled"}

# They need OpenTelemetry, unlike this module: (module, packages to install).
_LAZY = {
    "FlowSpanProcessor": ("processor", '"headrace[otel]" opentelemetry-sdk'),
    "OTelBackend": ("backend", '"headrace[otel]"'),
}


def _import_late(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'headrace.backends' has no attribute {name!r}")
    from importlib import import_module

    module, install = _LAZY[name]
    try:
        value = getattr(import_module(f"headrace._observation.otel.{module}"), name)
    except ModuleNotFoundError as error:
        raise missing_extra(name, "OpenTelemetry", install, error) from error
    globals()[name] = value
    return value


# Not by a `def`: to a type checker that would mean that there is every name one asks for.
globals()["__getattr__"] = _import_late


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


@runtime_checkable
class Backend(Protocol):
    """What a backend must have. Two more methods are optional.

    ``unit(context)`` returns a context manager that is entered around each unit of work, steps or
    none; ``enabled()`` returns a bool, and False lets the core skip the backend cheaply.

    The exception of a step or unit passes through ``__exit__``, whose return value is ignored. An
    `Exception` that the backend itself raises is logged once, to the logger ``headrace``, and the
    call goes on; what is not an `Exception`, such as a `KeyboardInterrupt`, is let through.
    """

    def span(self, step: StepInfo, context: FlowContext) -> AbstractContextManager[Any]:
        """Return a context manager that is entered around the call of `step`, once.

        Args:
            step: what has been declared of the step.
            context: the unit of work. Its `flow` and `step` are those that are current where they
                are read; a backend that queues its work takes the names from `step`.
        """
        ...


class TracingBackend:
    """A base class for backends that think in names: override `span`.

    `unit(context)` and `enabled()` may be added, as `Backend` describes them.
    """

    def span(self, step_name: str, flow_name: str, **attrs: Any) -> AbstractContextManager[Any]:
        """Return a context manager that is entered around the call of the step, once.

        Args:
            step_name: the step's name.
            flow_name: the name of its flow.
            attrs: the other fields of `StepInfo`: `after`, `kind`, `is_entrypoint`,
                `description`, `file` and `line`; later versions may add to them.
        """
        raise NotImplementedError("a TracingBackend defines span(step_name, flow_name, **attrs)")

    def get_correlation_id(self) -> str | None:
        """Return the correlation ID of the current unit of work, or None."""
        return current_flow_id()


class LoggingBackend:
    """Reports steps as log records: ``step.start`` at DEBUG, ``step.end`` at INFO.

    The records carry `flow`, `step` and `correlation_id`; the last one also `duration_ms`
    (milliseconds), `outcome` (see `outcome_of`) and `error` (text, or None where there is none).
    File and line are the step's own. While the logger is above INFO nothing is formatted and no
    clock is read.

    Args:
        logger: the logger's name.
    """

    _headrace_direct = True

    def __init__(self, logger: str = "headrace") -> None:
        self._logger = logging.getLogger(logger)
        self._is_enabled_for = self._logger.isEnabledFor
        self._is_on = partial(self._is_enabled_for, logging.INFO)

    def enabled(self) -> bool:
        """Tell whether the logger takes records of level INFO."""
        return self._is_on()

    @contextmanager
    def span(self, step: StepInfo, context: FlowContext) -> Iterator[None]:
        """Log the start and the end of `step`, unless the logger is above INFO."""
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
        # By hand rather than logger.log(): it would report this file and walk the stack for it.
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


def outcome_of(exc: BaseException | None) -> str:
    """Name the outcome of a step or unit that raised `exc`: ``ok``, ``error`` or ``cancelled``.

    A generator that its consumer closed early is ``ok``, and so is a program's exit with status 0.
    An integration may have registered other outcomes for its framework's control flow: ``retry``,
    ``ignored`` and ``rejected`` for Celery. They are no errors.
    """
    if exc is None or isinstance(exc, GeneratorExit):
        return "ok"
    if isinstance(exc, SystemExit):
        return "error" if exc.code else "ok"
    if isinstance(exc, Exception):
        return control_flow_outcome(exc) or "error"
    # asyncio's and trio's, told by name so as to import neither.
    return "cancelled" if type(exc).__name__ in {"CancelledError", "Cancelled"} else "error"


def describe(exc: BaseException) -> str:
    """Return `exc` as text: its type's name and its message."""
    try:
        return f"{type(exc).__name__}: {exc}"
    except Exception:  # a __str__ of the user's
        return type(exc).__name__
