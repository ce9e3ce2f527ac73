"""Between the steps and the backends: several at once, none that can break user code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol

from . import _runtime

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from ._context import FlowContext
    from ._step_info import StepInfo

_NAMES = ("auto", "logging", "otel", "none")


class Observer(Protocol):
    """What the core calls around steps and units; none of it raises an `Exception`."""

    def enabled(self) -> bool:
        """Tell whether anything listens now."""

    def begin(self, step: StepInfo, context: FlowContext) -> Any:
        """Report that `step` begins; what is returned goes to `end`."""

    def end(self, state: Any, exc: BaseException | None) -> None:
        """Report that the step has ended, with what it raised."""

    def begin_unit(self, context: FlowContext) -> UnitWatch | None:
        """Report that a unit of work begins."""


class UnitWatch:
    """The backends' context managers around one unit of work."""

    __slots__ = ("_entered",)

    def __init__(self, entered: list[tuple[_Reporter, AbstractContextManager[Any]]]) -> None:
        self._entered = entered

    def end(self, exc: BaseException | None) -> None:
        """Leave them, the last first."""
        for reporter, manager in reversed(self._entered):
            reporter.leave(manager, exc)


class _Reporter:
    """One backend, shielded: what it raises is logged once and goes no further."""

    __slots__ = ("_backend", "_begin", "_complained", "_end", "_unit", "enabled")

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self._complained = False
        # Our own backends come without a context manager object for each step.
        self._begin: Callable[[StepInfo, FlowContext], Any] = getattr(
            backend, "_begin", self._enter_span
        )
        self._end: Callable[[Any, BaseException | None], None] = getattr(backend, "_end", _leave)
        self._unit = getattr(backend, "unit", None)
        enabled = getattr(backend, "enabled", _always)
        self.enabled: Callable[[], bool] = (
            enabled if getattr(backend, "_cannot_raise", False) else self._shielded(enabled)
        )

    def begin(self, step: StepInfo, context: FlowContext) -> Any:
        try:
            return self._begin(step, context)
        except Exception as error:
            self._complain(error)
            return None

    def end(self, state: Any, exc: BaseException | None) -> None:
        if state is None:
            return
        try:
            self._end(state, exc)
        except Exception as error:
            self._complain(error)

    def begin_unit(self, context: FlowContext) -> UnitWatch | None:
        manager = self.enter_unit(context)
        return None if manager is None else UnitWatch([(self, manager)])

    def enter_unit(self, context: FlowContext) -> AbstractContextManager[Any] | None:
        if self._unit is None or not self.enabled():
            return None
        try:
            manager: AbstractContextManager[Any] = self._unit(context)
            manager.__enter__()
        except Exception as error:
            self._complain(error)
            return None
        return manager

    def leave(self, manager: AbstractContextManager[Any], exc: BaseException | None) -> None:
        try:
            _leave(manager, exc)
        except Exception as error:
            self._complain(error)

    def _enter_span(self, step: StepInfo, context: FlowContext) -> AbstractContextManager[Any]:
        manager: AbstractContextManager[Any] = self._backend.span(step, context)
        manager.__enter__()
        return manager

    def _shielded(self, enabled: Callable[[], bool]) -> Callable[[], bool]:
        def shielded() -> bool:
            try:
                return enabled()
            except Exception as error:
                self._complain(error)
                return False

        return shielded

    def _complain(self, error: Exception) -> None:
        if not self._complained:
            self._complained = True
            _runtime.log.error(
                "backend %s raised; the call went on without it, and further errors of this "
                "backend are not logged",
                type(self._backend).__name__,
                exc_info=error,
            )


class _Several:
    """Several backends, each of which receives every step and unit."""

    __slots__ = ("_reporters",)

    def __init__(self, reporters: list[_Reporter]) -> None:
        self._reporters = reporters

    def enabled(self) -> bool:
        return any(reporter.enabled() for reporter in self._reporters)

    def begin(self, step: StepInfo, context: FlowContext) -> list[tuple[_Reporter, Any]]:
        return [
            (reporter, reporter.begin(step, context))
            for reporter in self._reporters
            if reporter.enabled()
        ]

    def end(self, state: list[tuple[_Reporter, Any]], exc: BaseException | None) -> None:
        for reporter, own_state in reversed(state):
            reporter.end(own_state, exc)

    def begin_unit(self, context: FlowContext) -> UnitWatch | None:
        entered = [
            (reporter, manager)
            for reporter in self._reporters
            if (manager := reporter.enter_unit(context)) is not None
        ]
        return UnitWatch(entered) if entered else None


class AutoObserver:
    """Decides at first use: OpenTelemetry where a real tracer provider is set, else logging."""

    __slots__ = ("_chosen",)

    def __init__(self) -> None:
        self._chosen: Observer | None = None

    def enabled(self) -> bool:
        return self._choose().enabled()

    def begin(self, step: StepInfo, context: FlowContext) -> Any:
        return self._choose().begin(step, context)

    def end(self, state: Any, exc: BaseException | None) -> None:
        self._choose().end(state, exc)

    def begin_unit(self, context: FlowContext) -> UnitWatch | None:
        return self._choose().begin_unit(context)

    def _choose(self) -> Observer:
        if self._chosen is None:
            self._chosen = _Reporter(_automatic_backend())
            if _runtime.observer is self:
                _runtime.observer = self._chosen
        return self._chosen


def make_observer(backend: Any) -> Observer | None:
    """Return what the core calls for `configure`'s `backend`; None where nothing observes."""
    if backend == "auto":
        return AutoObserver()
    backends = backend if isinstance(backend, list | tuple) else [backend]
    reporters = [_Reporter(_resolve(each)) for each in backends if each != "none"]
    if len(reporters) == 1:
        return reporters[0]
    return _Several(reporters) if reporters else None


def _resolve(backend: Any) -> Any:
    if isinstance(backend, str):
        if backend == "auto":
            return _automatic_backend()
        return _named_backend(backend)
    if isinstance(backend, type) or not callable(getattr(backend, "span", None)):
        raise TypeError(
            f"a backend is an object with a span(step, context) method, or one of "
            f"{', '.join(_NAMES)}; got {backend!r}"
        )
    return backend


def _named_backend(name: str) -> Any:
    from . import backends

    if name == "logging":
        return backends.LoggingBackend()
    if name == "otel":
        return backends.OTelBackend()
    raise ValueError(
        f"unknown backend {name!r}; choose one of {', '.join(_NAMES)}, or pass an object"
    )


def _automatic_backend() -> Any:
    return _named_backend("otel" if _tracer_provider_is_set() else "logging")


def _tracer_provider_is_set() -> bool:
    # Whoever set a provider has imported the API; importing it here would only cost time.
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return False
    provider = trace.get_tracer_provider()
    return not isinstance(provider, trace.ProxyTracerProvider | trace.NoOpTracerProvider)


def _always() -> bool:
    return True


def _leave(manager: AbstractContextManager[Any], exc: BaseException | None) -> None:
    manager.__exit__(
        None if exc is None else type(exc), exc, None if exc is None else exc.__traceback__
    )
