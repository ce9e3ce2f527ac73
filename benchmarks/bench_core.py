"""Steps, entrypoints and the context, against the floor and against peers.

The floor is a wrapper that sets and restores one context variable and passes the call through.
"""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import loguru
import stamina
import structlog
import tenacity
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

import headrace
from benchmarks.harness import Case, Group

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_var: ContextVar[object] = ContextVar("benchmark", default=None)
_log = logging.getLogger("benchmark.plain")
_ours = logging.getLogger("headrace")
_kept: list[logging.LogRecord] = []


class _Keeper(logging.Handler):
    """A handler that keeps records."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        _kept.append(record)


def bare() -> None:
    """What the decorators wrap."""


async def bare_async() -> None:
    """What the decorators wrap."""


def _floor(function: Callable[..., Any]) -> Callable[..., Any]:
    set_value, reset = _var.set, _var.reset

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        token = set_value(1)
        try:
            return function(*args, **kwargs)
        finally:
            reset(token)

    return wrapper


def _floor_async(function: Callable[..., Any]) -> Callable[..., Any]:
    set_value, reset = _var.set, _var.reset

    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        token = set_value(1)
        try:
            return await function(*args, **kwargs)
        finally:
            reset(token)

    return wrapper


def _read() -> object:
    return _var.get()


def _driven(function: Callable[..., Any]) -> Callable[[], None]:
    """Run the coroutine without an event loop, whose own cost is not the question."""

    def run() -> None:
        try:  # noqa: SIM105 - a `suppress` would be timed too
            function().send(None)
        except StopIteration:
            pass

    return run


_step = headrace.step("benchmark")(bare)
_step_async = headrace.step("benchmark", name="async")(bare_async)
_entrypoint = headrace.entrypoint("benchmark", name="entry")(bare)


@contextmanager
def _backend(name: Any, level: int = logging.WARNING) -> Iterator[None]:
    headrace.configure(name)
    _ours.setLevel(level)
    try:
        yield
    finally:
        headrace.configure("none")
        _kept.clear()


def _outside(name: Any) -> Callable[[], AbstractContextManager[None]]:
    return lambda: _backend(name)


def _inside(name: Any, level: int = logging.WARNING) -> Callable[[], AbstractContextManager[None]]:
    @contextmanager
    def enter() -> Iterator[None]:
        with _backend(name, level), headrace.open_context():
            yield

    return enter


def _log_by_hand() -> None:
    _log.info(
        "step.end",
        extra={
            "flow": "benchmark",
            "step": "bare",
            "correlation_id": "0af7651916cd43dd8448eb211c80319c",
            "duration_ms": 1.5,
            "outcome": "ok",
            "error": None,
        },
    )


def _span_by_hand(tracer: trace.Tracer) -> Callable[[], None]:
    attributes = {
        "headrace.flow": "benchmark",
        "headrace.step": "bare",
        "headrace.correlation_id": "0af7651916cd43dd8448eb211c80319c",
    }

    def run() -> None:
        with tracer.start_as_current_span("bare", attributes=attributes):
            bare()

    return run


def _structlog() -> None:
    with structlog.contextvars.bound_contextvars(flow="benchmark", step="bare"):
        bare()


def _loguru() -> None:
    with loguru.logger.contextualize(flow="benchmark", step="bare"):
        bare()


def groups() -> list[Group]:
    """Return what is compared."""
    handler = _Keeper()
    for logger in (_log, _ours):
        logger.addHandler(handler)
        logger.propagate = False
    _log.setLevel(logging.INFO)
    api_alone = trace.NoOpTracerProvider().get_tracer("benchmark")
    trace.set_tracer_provider(TracerProvider())
    recording = trace.get_tracer("benchmark")
    inside, off = _inside("none"), _inside("logging")
    return [
        Group(
            "a step, in floors",
            [
                Case("floor", _floor(bare), inside),
                Case("headrace, no backend", _step, inside, 1.3),
                Case("headrace, logging off", _step, off, 1.6),
                Case("loguru contextualize", _loguru, inside),
                Case("structlog bound_contextvars", _structlog, inside),
                Case("OpenTelemetry, API alone", _span_by_hand(api_alone), inside),
                Case("OpenTelemetry, recording", _span_by_hand(recording), inside, calls=200),
                Case("stamina, no retry", stamina.retry(on=ValueError)(bare), inside, calls=200),
                Case("tenacity, no retry", tenacity.retry(bare), inside, calls=200),
            ],
        ),
        Group(
            "an async step, in async floors",
            [
                Case("async floor", _driven(_floor_async(bare_async)), inside),
                Case("headrace, no backend", _driven(_step_async), inside, 1.3),
                Case("headrace, logging off", _driven(_step_async), off, 1.6),
            ],
        ),
        Group(
            "an entrypoint that opens a unit, in floors",
            [
                Case("floor, outside", _floor(bare), _outside("none")),
                Case("headrace, no backend", _entrypoint, _outside("none"), 4.0),
                Case("headrace, logging off", _entrypoint, _outside("logging")),
            ],
        ),
        Group(
            "a logged step, in calls of logger.info",
            [
                Case("logger.info(..., extra=...)", _log_by_hand, _inside("none"), calls=300),
                Case(
                    "headrace, logging at INFO",
                    _step,
                    _inside("logging", logging.INFO),
                    1.1,
                    calls=300,
                ),
            ],
        ),
        Group(
            "a recorded step, in calls of start_as_current_span",
            [
                Case("start_as_current_span", _span_by_hand(recording), inside, calls=200),
                Case("headrace, OpenTelemetry recording", _step, _inside("otel"), 1.1, calls=200),
            ],
        ),
        Group(
            "reading the ID, in calls of a function that reads a variable",
            [
                Case("return var.get()", _read, inside),
                Case("headrace current_flow_id()", headrace.current_flow_id, inside, 1.3),
            ],
        ),
    ]
