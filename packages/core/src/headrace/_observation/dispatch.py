"""Between the steps and the backends: several at once, and which of them are in force."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol, cast

from headrace import _state
from headrace._messages.hints import name_hint
from headrace._process.locks import fork_safe_lock

if TYPE_CHECKING:
    from headrace._context.model import FlowContext
    from headrace._step_info import StepInfo

_NAMES = ("auto", "logging", "otel", "none")


class UnitWatch(Protocol):
    """What was begun around a unit of work."""

    def end(self, exc: BaseException | None) -> None:
        """Report that the unit has ended, with what it raised."""


class Observer(Protocol):
    """What the core calls around steps and units; none of it raises an `Exception`."""

    def enabled(self) -> bool:
        """Tell whether anything listens now."""
        ...

    def begin(self, step: StepInfo, context: FlowContext) -> Any:
        """Report that `step` begins; what is returned goes to `end`."""

    def end(self, state: Any, exc: BaseException | None) -> None:
        """Report that the step has ended, with what it raised."""

    @property
    def watches_units(self) -> bool:
        """Whether `begin_unit` may do something."""
        ...

    def begin_unit(self, context: FlowContext) -> UnitWatch | None:
        """Report that a unit of work begins."""


class _Several:
    """Several observers, each of which receives every step and unit; the last to begin ends first.

    What one of them lets through reaches the caller after the others have ended.
    """

    __slots__ = ("_observers",)

    def __init__(self, observers: list[Observer]) -> None:
        self._observers = observers

    @property
    def watches_units(self) -> bool:
        return any(observer.watches_units for observer in self._observers)

    def enabled(self) -> bool:
        for observer in self._observers:  # noqa: SIM110 - a generator costs more than the answer
            if observer.enabled():
                return True
        return False

    def begin(self, step: StepInfo, context: FlowContext) -> list[tuple[Observer, Any]]:
        begun: list[tuple[Observer, Any]] = []
        try:
            for observer in self._observers:
                if observer.enabled():  # one by one: what has begun must be known
                    begun.append((observer, observer.begin(step, context)))  # noqa: PERF401
        except BaseException as exc:
            self.end(begun, exc)
            raise
        return begun

    def end(self, state: list[tuple[Observer, Any]], exc: BaseException | None) -> None:
        if state:
            observer, own_state = state.pop()
            try:
                observer.end(own_state, exc)
            finally:
                self.end(state, exc)

    def begin_unit(self, context: FlowContext) -> UnitWatch | None:
        watches: list[UnitWatch] = []
        try:
            for observer in self._observers:
                watch = observer.begin_unit(context)
                if watch is not None:
                    watches.append(watch)
        except BaseException as exc:
            _SeveralUnits(watches).end(exc)
            raise
        return _SeveralUnits(watches) if watches else None


class _SeveralUnits:
    """What several observers have begun around one unit of work."""

    __slots__ = ("_watches",)

    def __init__(self, watches: list[UnitWatch]) -> None:
        self._watches = watches

    def end(self, exc: BaseException | None) -> None:
        if self._watches:
            watch = self._watches.pop()
            try:
                watch.end(exc)
            finally:
                self.end(exc)


class AutoObserver:
    """Decides at first use: OpenTelemetry where a real tracer provider is set, else logging.

    Args:
        besides: the names of the backends that are there anyway, and shall not report twice.
    """

    __slots__ = ("_besides", "_chosen")

    def __init__(self, besides: frozenset[str] = frozenset()) -> None:
        self._besides = besides
        self._chosen: Observer | None = None

    @property
    def watches_units(self) -> bool:
        return self._choose().watches_units

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
            name = _automatic_name()
            self._chosen = _Several([]) if name in self._besides else _named_observer(name)
            _replace(self, self._chosen)
        return self._chosen


def make_observer(backend: Any) -> Observer | None:
    """Return what the core calls for `configure`'s `backend`; None where nothing observes."""
    backends = backend if isinstance(backend, list | tuple) else [backend]
    names = frozenset(each for each in backends if isinstance(each, str))
    observers = [_observer_of(each, names) for each in backends]
    return _together([each for each in observers if each is not None])


def _observer_of(backend: Any, names: frozenset[str]) -> Observer | None:
    if isinstance(backend, str):
        if backend == "none":
            return None
        return AutoObserver(names) if backend == "auto" else _named_observer(backend)
    if isinstance(backend, type) or not callable(getattr(backend, "span", None)):
        raise TypeError(
            f"a backend is an object with a span(step, context) method, or one of "
            f"{', '.join(_NAMES)}; got {backend!r}"
        )
    return _reporter(backend)


def _named_observer(name: str) -> Observer:
    if name == "logging":
        from .logging import LoggingBackend

        return _reporter(LoggingBackend())
    if name == "otel":
        from .otel.backend import OTelBackend

        return _reporter(OTelBackend())
    hint = name_hint(name, _NAMES, otherwise="choose one of")
    raise ValueError(f"unknown backend {name!r}; {hint}")


def _reporter(backend: Any) -> Observer:
    from .shield import Reporter

    # Its `enabled` is an attribute, which spares each step a call; type checkers want a method.
    return cast("Observer", Reporter(backend))


def _automatic_name() -> str:
    # Whoever set a provider has imported the API; importing it here would only cost time.
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return "logging"
    from .otel.backend import real_tracer

    try:
        tracer = real_tracer(trace.get_tracer_provider(), "headrace")
    except Exception:  # a provider that an environment variable names, and that cannot be loaded
        from headrace._logger import log

        log.exception("OpenTelemetry's tracer provider failed to load; steps are logged instead")
        return "logging"
    return "logging" if tracer is None else "otel"


# --- What is in force: the configured observer, and the taps beside it ----------------------------

_configured: Observer | None = None
_taps: tuple[Observer, ...] = ()
_lock = fork_safe_lock(globals(), "_lock")


def install(observer: Observer | None) -> None:
    """Put `observer` in force, in place of the one that was configured before."""
    global _configured  # noqa: PLW0603 - the one in force
    with _lock:
        _configured = observer
        _refresh()


def add_tap(tap: Observer) -> None:
    """Have `tap` told of all steps and units, whatever is configured, until it is removed."""
    global _taps  # noqa: PLW0603 - those in force
    with _lock:
        _taps = (*_taps, tap)
        _refresh()


def remove_tap(tap: Observer) -> None:
    """Undo `add_tap`; what has begun is still ended."""
    global _taps  # noqa: PLW0603 - those in force
    with _lock:
        _taps = tuple(each for each in _taps if each is not tap)
        _refresh()


def _replace(old: Observer, new: Observer) -> None:
    global _configured  # noqa: PLW0603 - the one in force
    with _lock:
        if _configured is old:
            _configured = new
            _refresh()


def _refresh() -> None:
    _state.observer = _together([each for each in (_configured, *_taps) if each is not None])


def _together(observers: list[Observer]) -> Observer | None:
    if not observers:
        return None
    return observers[0] if len(observers) == 1 else _Several(observers)
