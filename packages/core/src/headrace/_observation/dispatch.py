"""The active dispatcher: for one backend, for several, or chosen on first use."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, cast

from headrace import _state
from headrace._messages.hints import name_hint
from headrace._process.locks import fork_safe_lock

if TYPE_CHECKING:
    from headrace._context.dispatcher import Dispatcher, UnitReport
    from headrace._context.model import FlowContext
    from headrace._step_info import StepInfo

_NAMES = ("auto", "logging", "otel", "none")


class _Fanout:
    """Sends every step and unit to several dispatchers; the last to begin ends first.

    If one of them raises, the exception reaches the caller after the others have ended.
    """

    __slots__ = ("_dispatchers",)

    def __init__(self, dispatchers: list[Dispatcher]) -> None:
        self._dispatchers = dispatchers

    @property
    def wants_units(self) -> bool:
        return any(dispatcher.wants_units for dispatcher in self._dispatchers)

    def enabled(self) -> bool:
        for dispatcher in self._dispatchers:  # noqa: SIM110 - a generator costs more than the answer
            if dispatcher.enabled():
                return True
        return False

    def begin(self, step: StepInfo, context: FlowContext) -> list[tuple[Dispatcher, Any]]:
        begun: list[tuple[Dispatcher, Any]] = []
        try:
            for dispatcher in self._dispatchers:
                if dispatcher.enabled():  # one by one, since each that begins must end
                    begun.append((dispatcher, dispatcher.begin(step, context)))  # noqa: PERF401
        except BaseException as exc:
            self.end(begun, exc)
            raise
        return begun

    def end(self, state: list[tuple[Dispatcher, Any]], exc: BaseException | None) -> None:
        if state:
            dispatcher, own_state = state.pop()
            try:
                dispatcher.end(own_state, exc)
            finally:
                self.end(state, exc)

    def begin_unit(self, context: FlowContext) -> UnitReport | None:
        reports: list[UnitReport] = []
        try:
            for dispatcher in self._dispatchers:
                report = dispatcher.begin_unit(context)
                if report is not None:
                    reports.append(report)
        except BaseException as exc:
            _FanoutReport(reports).end(exc)
            raise
        return _FanoutReport(reports) if reports else None


class _FanoutReport:
    """The reports of several dispatchers on one unit of work."""

    __slots__ = ("_reports",)

    def __init__(self, reports: list[UnitReport]) -> None:
        self._reports = reports

    def end(self, exc: BaseException | None) -> None:
        if self._reports:
            report = self._reports.pop()
            try:
                report.end(exc)
            finally:
                self.end(exc)


class AutoDispatcher:
    """Chooses on first use: OpenTelemetry if a real tracer provider is set, else logging.

    Args:
        configured: the names of the other configured backends, which must not report twice.
    """

    __slots__ = ("_chosen", "_configured")

    def __init__(self, configured: frozenset[str] = frozenset()) -> None:
        self._configured = configured
        self._chosen: Dispatcher | None = None

    @property
    def wants_units(self) -> bool:
        return self._choose().wants_units

    def enabled(self) -> bool:
        return self._choose().enabled()

    def begin(self, step: StepInfo, context: FlowContext) -> Any:
        return self._choose().begin(step, context)

    def end(self, state: Any, exc: BaseException | None) -> None:
        self._choose().end(state, exc)

    def begin_unit(self, context: FlowContext) -> UnitReport | None:
        return self._choose().begin_unit(context)

    def _choose(self) -> Dispatcher:
        if self._chosen is None:
            name = _automatic_name()
            self._chosen = _Fanout([]) if name in self._configured else _named_dispatcher(name)
            _replace(self, self._chosen)
        return self._chosen


def make_dispatcher(backend: Any) -> Dispatcher | None:
    """Return the dispatcher for the `backend` of `configure`, or None for ``"none"``."""
    backends = backend if isinstance(backend, list | tuple) else [backend]
    names = frozenset(each for each in backends if isinstance(each, str))
    dispatchers = [_dispatcher_for(each, names) for each in backends]
    return _together([each for each in dispatchers if each is not None])


def _dispatcher_for(backend: Any, names: frozenset[str]) -> Dispatcher | None:
    if isinstance(backend, str):
        if backend == "none":
            return None
        return AutoDispatcher(names) if backend == "auto" else _named_dispatcher(backend)
    if isinstance(backend, type) or not callable(getattr(backend, "span", None)):
        raise TypeError(
            f"a backend must be an object with a span(step, context) method, or one of "
            f"{', '.join(_NAMES)}, not {backend!r}"
        )
    return _shielded_backend(backend)


def _named_dispatcher(name: str) -> Dispatcher:
    if name == "logging":
        from .logging import LoggingBackend

        return _shielded_backend(LoggingBackend())
    if name == "otel":
        from .otel.backend import OTelBackend

        return _shielded_backend(OTelBackend())
    hint = name_hint(name, _NAMES)
    raise ValueError(f"unknown backend {name!r}; {hint}")


def _shielded_backend(backend: Any) -> Dispatcher:
    from .shield import ShieldedBackend

    # Its `enabled` is an attribute, which saves a call per step; type checkers expect a method.
    return cast("Dispatcher", ShieldedBackend(backend))


def _automatic_name() -> str:
    # A provider can be set only if the API is imported; importing it here would take time.
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return "logging"
    from .otel.backend import real_tracer

    try:
        tracer = real_tracer(trace.get_tracer_provider(), "headrace")
    except Exception:  # an environment variable names a provider that cannot be loaded
        from headrace._logger import log

        log.exception("OpenTelemetry's tracer provider failed to load; steps are logged instead")
        return "logging"
    return "logging" if tracer is None else "otel"


# --- The configured dispatcher, and attached ones -------------------------------------------------

_configured: Dispatcher | None = None
_attached: tuple[Dispatcher, ...] = ()
_lock = fork_safe_lock(globals(), "_lock")


def install(dispatcher: Dispatcher | None) -> None:
    """Replace the configured dispatcher with `dispatcher`."""
    global _configured  # noqa: PLW0603 - the active one
    with _lock:
        _configured = dispatcher
        _refresh()


def attach(dispatcher: Dispatcher) -> None:
    """Send all steps and units to `dispatcher` too, until `detach`."""
    global _attached  # noqa: PLW0603 - the active ones
    with _lock:
        _attached = (*_attached, dispatcher)
        _refresh()


def detach(dispatcher: Dispatcher) -> None:
    """Undo `attach`; steps and units that have begun are still ended."""
    global _attached  # noqa: PLW0603 - the active ones
    with _lock:
        _attached = tuple(each for each in _attached if each is not dispatcher)
        _refresh()


def _replace(old: Dispatcher, new: Dispatcher) -> None:
    global _configured  # noqa: PLW0603 - the active one
    with _lock:
        if _configured is old:
            _configured = new
            _refresh()


def _refresh() -> None:
    _state.dispatcher = _together([each for each in (_configured, *_attached) if each is not None])


def _together(dispatchers: list[Dispatcher]) -> Dispatcher | None:
    if not dispatchers:
        return None
    return dispatchers[0] if len(dispatchers) == 1 else _Fanout(dispatchers)
