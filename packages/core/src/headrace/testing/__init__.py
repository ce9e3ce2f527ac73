"""Helpers for application tests: capture units and steps, detect a leaked context."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headrace._configure import configure
from headrace._observation.dispatch import attach, detach
from headrace._observation.outcomes import outcome_of
from headrace._process import clock
from headrace._process.locks import new_lock
from headrace._process.testing import FakeClock, fake_clock, fake_random, no_waiting

from . import _paths as paths
from ._leaks import current, describe, restore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace._context.model import FlowContext
    from headrace._step_info import StepInfo

__all__ = [
    "Capture",
    "CapturedStep",
    "CapturedUnit",
    "FakeClock",
    "assert_clean",
    "capture",
    "fake_clock",
    "fake_random",
    "no_waiting",
    "reset",
]


@dataclass(slots=True)
class CapturedStep:
    """A step that began while a `capture` was open.

    Attributes:
        flow: the name of the flow.
        name: the name of the step.
        correlation_id: the correlation ID.
        unit_id: the ID of the unit of work.
        parent: the name of the enclosing step (``flow.step`` if it is in another flow), or None if
            there is none or it began before the capture.
        outcome: ``ok``, ``error`` or ``cancelled``; None while the step runs.
        error: the exception that the step raised, or None.
        seconds: the duration; None while the step runs.
    """

    flow: str
    name: str
    correlation_id: str
    unit_id: str
    parent: str | None = None
    outcome: str | None = None
    error: BaseException | None = None
    seconds: float | None = None


@dataclass(slots=True)
class CapturedUnit:
    """A unit of work that began while a `capture` was open.

    Attributes:
        kind: ``http``, ``websocket``, ``task``, ``command``, ``flow`` or ``manual``.
        name: the route, task or flow name, or None.
        correlation_id: the correlation ID.
        unit_id: the ID of the unit.
        parent: the ID of the unit that caused this one, or None.
        outcome: ``ok``, ``error`` or ``cancelled``; None while the unit runs.
        error: the exception that the unit raised, or None.
        seconds: the duration; None while the unit runs.
    """

    kind: str
    name: str | None
    correlation_id: str
    unit_id: str
    parent: str | None = None
    outcome: str | None = None
    error: BaseException | None = None
    seconds: float | None = None


@dataclass(slots=True)
class Capture:
    """The units and steps of a `capture` so far, in the order in which they began.

    Attributes:
        units: the units of work.
        steps: the steps, including entrypoints.
    """

    units: list[CapturedUnit] = field(default_factory=list)
    steps: list[CapturedStep] = field(default_factory=list)

    def assert_path(self, *steps: str) -> None:
        """Check that an operation ran `steps` in this order, possibly with others in between.

        Args:
            steps: the names of steps, or ``flow.step``.

        Raises:
            AssertionError: none did; the message shows the steps that ran.
            TypeError: an argument is not a string.
        """
        __tracebackhide__ = True
        problem = paths.problem(self.steps, steps)
        if problem:
            raise AssertionError(problem)

    def assert_not_reached(self, *steps: str) -> None:
        """Check that none of `steps` has begun.

        Args:
            steps: the names of steps, or ``flow.step``.

        Raises:
            AssertionError: one has; the message shows the steps that ran.
            ValueError: no flow declares such a step, so that the check would always pass.
            TypeError: an argument is not a string.
        """
        __tracebackhide__ = True
        for name in steps:
            paths.check_name(name, self.steps)
            if any(paths.is_named(step, name) for step in self.steps):
                raise AssertionError(f"{name!r} was reached\n{self.path}")

    @property
    def path(self) -> str:
        """The steps that ran, as text: those of each operation in the order they began."""
        return paths.shown(self.steps)


@contextmanager
def capture() -> Iterator[Capture]:
    """Collect the units of work and steps that begin inside the block.

    The capture covers the whole process, with all its threads and tasks, and works with any
    backend, including ``none``, which it does not disturb. Units and steps that began before the
    block are not captured; those that outlive it get their outcome when they end. Captures nest,
    and each one sees everything.
    """
    captured = Capture()
    _dispatcher.open(captured)
    try:
        yield captured
    finally:
        _dispatcher.close(captured)


def assert_clean() -> None:
    """Check that no context has leaked into this thread or task.

    Raises:
        AssertionError: a unit of work, a step or a deadline is current; the message names it.
    """
    left = describe(current())
    if left:
        raise AssertionError(f"a context was left behind: {left}")


def reset() -> None:
    """Restore the initial configuration, and clear the context of this thread or task.

    Flows and steps stay registered, since modules declare them only once, on import. To remove the
    log record factory, call `headrace.logging.uninstall`.
    """
    configure()
    restore((None, None, None))


# The enclosing step, which backends do not receive.
_enclosing: ContextVar[StepInfo | None] = ContextVar("headrace.testing.enclosing", default=None)


class _CaptureDispatcher:
    """The dispatcher that fills all open captures."""

    def __init__(self) -> None:
        self._captures: tuple[Capture, ...] = ()
        self._lock = new_lock()

    def open(self, captured: Capture) -> None:
        with self._lock:
            if not self._captures:
                attach(self)
            self._captures = (*self._captures, captured)

    def close(self, captured: Capture) -> None:
        with self._lock:
            self._captures = tuple(each for each in self._captures if each is not captured)
            if not self._captures:
                detach(self)

    def enabled(self) -> bool:
        return True

    def wants_units(self) -> bool:
        return True

    def only_logs(self) -> bool:
        return False

    def begin(self, step: StepInfo, context: FlowContext) -> _Running:
        outer = _enclosing.get()
        record = CapturedStep(
            step.flow, step.name, context.correlation_id, context.unit_id, _name(outer, step)
        )
        for captured in self._captures:
            captured.steps.append(record)
        return _Running(record, outer, step)

    def end(self, state: _Running, exc: BaseException | None) -> None:
        state.end(exc)

    def begin_unit(self, context: FlowContext) -> _Running:
        record = CapturedUnit(
            context.kind,
            context.name,
            context.correlation_id,
            context.unit_id,
            context.causation_id,
        )
        for captured in self._captures:
            captured.units.append(record)
        return _Running(record, _enclosing.get(), None, context)


class _Running:
    """A captured step or unit that is running."""

    __slots__ = ("_info", "_outer", "_record", "_start", "_unit")

    def __init__(
        self,
        record: CapturedStep | CapturedUnit,
        outer: StepInfo | None,
        info: StepInfo | None,
        unit: FlowContext | None = None,
    ) -> None:
        self._record = record
        self._unit = unit
        self._outer = outer
        self._info = info
        _enclosing.set(info)
        self._start = clock.perf_counter()

    def end(self, exc: BaseException | None) -> None:
        record = self._record
        record.seconds = clock.perf_counter() - self._start
        record.outcome = outcome_of(exc)
        record.error = None if record.outcome == "ok" else exc
        if self._unit is not None and isinstance(record, CapturedUnit):
            record.name = self._unit.name  # the route became known later
        if _enclosing.get() is self._info:  # unless it ends in a different context
            _enclosing.set(self._outer)


def _name(outer: StepInfo | None, step: StepInfo) -> str | None:
    if outer is None:
        return None
    return outer.name if outer.flow == step.flow else f"{outer.flow}.{outer.name}"


_dispatcher = _CaptureDispatcher()
