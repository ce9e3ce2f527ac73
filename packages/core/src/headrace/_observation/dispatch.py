"""The active dispatcher: for one backend, for several, or chosen on first use."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from headrace import _state
from headrace._messages.hints import name_hint
from headrace._process.locks import fork_safe_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace._context.dispatcher import Dispatcher, UnitReport
    from headrace._context.model import FlowContext
    from headrace._step_info import StepInfo

    from .unit_lines import UnitLines

_NAMES = ("auto", "logging", "otel", "none")


class _Fanout:
    """Sends every step and unit to several dispatchers; the last to begin ends first.

    If one of them raises, the exception reaches the caller after the others have ended.
    """

    __slots__ = ("_dispatchers",)

    def __init__(self, dispatchers: list[Dispatcher]) -> None:
        self._dispatchers = dispatchers

    def wants_units(self) -> bool:
        return any(dispatcher.wants_units() for dispatcher in self._dispatchers)

    def only_logs(self) -> bool:
        return False

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
                # One by one, since each unit that begins must end.
                report = dispatcher.begin_unit(context) if dispatcher.wants_units() else None
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


class LateDispatcher:
    """A dispatcher that is made on first use.

    Args:
        make: makes the dispatcher.
    """

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], Dispatcher]) -> None:
        self._make = make
        self._made: Dispatcher | None = None

    def wants_units(self) -> bool:
        return self.made().wants_units()

    def only_logs(self) -> bool:
        return self.made().only_logs()

    def enabled(self) -> bool:
        return self.made().enabled()

    def begin(self, step: StepInfo, context: FlowContext) -> Any:
        return self.made().begin(step, context)

    def end(self, state: Any, exc: BaseException | None) -> None:
        self.made().end(state, exc)

    def begin_unit(self, context: FlowContext) -> UnitReport | None:
        return self.made().begin_unit(context)

    def made(self) -> Dispatcher:
        """Return the dispatcher, which takes the place of this one."""
        if self._made is None:
            self._made = self._make()
            _replace(self, self._made)
        return self._made


def initial_dispatcher() -> Dispatcher:
    """Return the dispatcher until `configure` is called: importing it takes no time."""
    return LateDispatcher(_make_initial)


def _make_initial() -> Dispatcher:
    return _with_lines(LateDispatcher(partial(_automatic, frozenset())), {})


def make_dispatcher(backend: Any, levels: Mapping[str, int]) -> Dispatcher | None:
    """Return the dispatcher for the `backend` of `configure`, or None for ``"none"``.

    Args:
        backend: the argument of `configure`.
        levels: the levels of the units' lines, by outcome; INFO for the others.
    """
    backends = backend if isinstance(backend, list | tuple) else [backend]
    names = frozenset(each for each in backends if isinstance(each, str))
    dispatchers = [_dispatcher_for(each, names) for each in backends]
    inner = _together([each for each in dispatchers if each is not None])
    return None if inner is None else _with_lines(inner, levels)


def _with_lines(inner: Dispatcher, levels: Mapping[str, int]) -> Dispatcher:
    from .unit_lines import UnitLines

    # Some of its methods are attributes, as those of a `ShieldedBackend`.
    return cast("Dispatcher", UnitLines(inner, levels))


def _dispatcher_for(backend: Any, names: frozenset[str]) -> Dispatcher | None:
    if isinstance(backend, str):
        if backend == "none":
            return None
        is_auto = backend == "auto"
        return LateDispatcher(partial(_automatic, names)) if is_auto else _named_dispatcher(backend)
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


def _automatic(configured: frozenset[str]) -> Dispatcher:
    """Return the dispatcher for OpenTelemetry if a real tracer provider is set, else for logging.

    Args:
        configured: the names of the other configured backends, which must not report twice.
    """
    name = _automatic_name()
    if name == "otel" and configured.isdisjoint({"otel", "logging"}):
        from headrace._logger import log

        log.info(
            "steps become OpenTelemetry spans, and have no lines in the log; for both, call "
            'headrace.configure(["auto", "logging"])'
        )
    return _Fanout([]) if name in configured else _named_dispatcher(name)


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


def unit_lines() -> UnitLines | None:
    """Return the dispatcher that logs units, or None with the backend ``none``."""
    configured = _configured
    if isinstance(configured, LateDispatcher):
        configured = configured.made()
    lines: Any = configured
    return cast("UnitLines | None", lines)


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
        elif _configured is not None and not isinstance(_configured, LateDispatcher):
            cast("Any", _configured).replace(old, new)


def _refresh() -> None:
    _state.dispatcher = _together([each for each in (_configured, *_attached) if each is not None])


def _together(dispatchers: list[Dispatcher]) -> Dispatcher | None:
    if not dispatchers:
        return None
    return dispatchers[0] if len(dispatchers) == 1 else _Fanout(dispatchers)
