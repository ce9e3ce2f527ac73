"""The canonical line: one log record at the end of each unit of work, whatever the backend."""

from __future__ import annotations

import logging
from itertools import count
from typing import TYPE_CHECKING, Any

from headrace._logger import report_lost_line
from headrace._messages.text import plain_text, printable
from headrace._process import clock

from .outcomes import FAILED, error_text, outcome_of
from .records import emit, gate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace._context.dispatcher import Dispatcher, UnitReport
    from headrace._context.model import FlowContext
    from headrace._step_info import StepInfo

_NAME = "headrace"
_log = logging.getLogger(_NAME)
_INFO = logging.INFO

# The facts that a line shows, by the kind of the unit.
_REQUEST = ("method", "path", "status")
_TASK = ("task_id", "queue", "queue_ms", "retries", "redelivered")
_FACTS = {"http": _REQUEST, "websocket": _REQUEST, "task": _TASK}
_RUN = ("run_id", "resumed")
_NO_FACTS: Mapping[str, Any] = {}
_FIRST_SERVER_ERROR = 500


class UnitLines:
    """A dispatcher that logs each unit of work, and sends everything on to another dispatcher.

    Each unit ends with the line ``unit.end``, at INFO or at the level of its outcome. It begins
    with ``unit.start``, at DEBUG, or at INFO for a task and a durable run, since a killed process
    writes no end. The records go to the logger ``headrace``.

    Args:
        inner: the dispatcher of the backends.
        levels: the levels of outcomes that are not logged at INFO.
    """

    __slots__ = (
        "_begin_step",
        "_begin_unit",
        "_inner",
        "_is_on",
        "_levels",
        "begin",
        "enabled",
        "end",
        "wants_units",
    )

    def __init__(self, inner: Dispatcher, levels: Mapping[str, int]) -> None:
        self._levels = levels
        self._is_on = gate(_NAME, max([_INFO, *levels.values()]))
        self.send_on_to(inner)

    def replace(self, old: Dispatcher, new: Dispatcher) -> None:
        """Send everything on to `new` if it went to `old`."""
        if self._inner is old:
            self.send_on_to(new)

    def send_on_to(self, inner: Dispatcher) -> None:
        """Send everything on to `inner` from now on."""
        is_on = self._is_on
        self._inner = inner
        self._begin_step = inner.begin
        # Attributes rather than methods, which saves a call per step.
        self.end: Callable[[Any, BaseException | None], None] = inner.end
        is_shared = inner.enabled is is_on  # the usual logging backend
        self.enabled: Callable[[], bool] = is_on if is_shared else self._is_any_enabled
        self.begin: Callable[[StepInfo, FlowContext], Any] = (
            self._count_and_begin if is_shared else self._count_and_begin_if_enabled
        )
        listens = getattr(inner, "listens_to_units", True)
        self._begin_unit = inner.begin_unit if listens else None
        self.wants_units: Callable[[], bool] = self._is_any_watching if listens else is_on

    def _is_any_enabled(self) -> bool:
        return self._inner.enabled() or self._is_on()

    def _is_any_watching(self) -> bool:
        return self._inner.wants_units() or self._is_on()

    def _count_and_begin(self, step: StepInfo, context: FlowContext) -> Any:
        steps = getattr(context, "_steps", None)
        if steps is not None:
            next(steps)
        return self._begin_step(step, context)

    def _count_and_begin_if_enabled(self, step: StepInfo, context: FlowContext) -> Any:
        steps = getattr(context, "_steps", None)
        if steps is not None:
            next(steps)
        return self._begin_step(step, context) if self._inner.enabled() else None

    def only_logs(self) -> bool:
        return self._begin_unit is None

    def begin_unit(self, context: FlowContext) -> UnitReport | None:
        begin, report = self._begin_unit, None
        if begin is not None:
            report = begin(context)
            if not self._is_on():  # without other listeners, the caller has checked that
                return report
        if "lost" in getattr(context, "_facts", _NO_FACTS):
            return report
        try:
            return _Line(self._levels, context, report)
        except BaseException as exc:  # a signal
            if report is not None:
                report.end(exc)
            raise

    def level_of(self, outcome: str) -> int:
        """Return the level of a line with `outcome`."""
        return self._levels.get(outcome, _INFO)


class _Line:
    """The lines of one unit of work."""

    __slots__ = ("_context", "_levels", "_report", "_start", "_steps")

    def __init__(
        self, levels: Mapping[str, int], context: FlowContext, report: UnitReport | None
    ) -> None:
        self._levels = levels
        self._context = context
        self._report = report
        # An iterator, since threads share it: a number could miss a step.
        self._steps = context._steps = count()  # noqa: SLF001 - a slot for this module
        kind = context.kind
        is_logged = kind == "task" or (kind == "flow" and _is_run(context))
        level = _INFO if is_logged else logging.DEBUG
        if _log.isEnabledFor(level):
            try:
                _log_start(context, level)
            except Exception as error:
                report_lost_line(_NAME, error)
        self._start = clock.perf_counter()

    def end(self, exc: BaseException | None) -> None:
        seconds = clock.perf_counter() - self._start
        try:
            self._log(seconds * 1000.0, exc)
        except Exception as error:  # of a handler or filter, or of a value's `str()`
            report_lost_line(_NAME, error)
        finally:
            if self._report is not None:
                self._report.end(exc)

    def _log(self, duration_ms: float, exc: BaseException | None) -> None:
        context = self._context
        facts = getattr(context, "_facts", _NO_FACTS)
        status = facts.get("status")
        outcome, error = "ok", None
        if exc is not None or (status is not None and status >= _FIRST_SERVER_ERROR):
            outcome, error = _failure(exc, facts)
        level = self._levels.get(outcome, _INFO)
        if not _log.isEnabledFor(level):
            return
        values = _values("unit.end", context, facts)
        values["outcome"] = outcome
        values["error"] = error
        values["duration_ms"] = duration_ms
        values["steps"] = next(self._steps)
        if "chain" in facts:
            values["chain"] = [*facts["chain"]]
        if outcome == "ok":
            ending, preposition = outcome if status is None else status, "in"
        else:
            ending = outcome if status is None else f"{status} {outcome}"
            preposition = "after"
        queued = _queued(values) if context.kind == "task" else ""
        args = (_subject(values), ending, preposition, duration_ms, queued)
        emit(_log, level, "%s %s %s %.1f ms%s", args, values)


def _log_start(context: FlowContext, level: int) -> None:
    values = _values("unit.start", context, getattr(context, "_facts", _NO_FACTS))
    emit(_log, level, "%s started%s", (_subject(values), _queued(values)), values)


def _is_run(context: FlowContext) -> bool:
    """Return whether a unit is an execution of a durable run."""
    return "run_id" in getattr(context, "_facts", _NO_FACTS)


def _values(event: str, context: FlowContext, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that the record of a unit has from its beginning."""
    kind, name, flow_id = context.kind, context.name, context.correlation_id
    cause = context.causation_id
    if not (flow_id.isprintable() and (name is None or name.isprintable())):
        flow_id, name = printable(flow_id), None if name is None else printable(name)
    values: dict[str, Any] = {
        "event": event,
        "kind": kind,
        "unit_name": name,  # not `name`, which is the logger's in every record
        "correlation_id": flow_id,
        "unit_id": context.unit_id,
        "causation_id": None if cause is None else printable(cause),
    }
    for fact in _RUN if "run_id" in facts else _FACTS.get(kind, ()):
        value = facts.get(fact)
        if isinstance(value, str) and not value.isprintable():
            value = plain_text(value)
        values[fact] = value
    return values


def _subject(values: Mapping[str, Any]) -> str:
    """Return the unit as a reader knows it: ``GET /orders/{id}``, ``worker.fulfil``."""
    kind, name = values["kind"], values["unit_name"]
    if name is None:
        return str(kind)
    return str(name) if kind == "task" else f"{values.get('method') or kind} {name}"


def _queued(values: Mapping[str, Any]) -> str:
    queue_ms = values.get("queue_ms")
    return "" if queue_ms is None else f" (queued {queue_ms:.0f} ms)"


def _failure(exc: BaseException | None, facts: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return the outcome of a unit that may have failed, and the text of its error or None.

    Args:
        exc: its exception; None if the framework has turned it into a response.
        facts: the facts of the unit.
    """
    if exc is None:
        return "error", facts.get("error")
    outcome = outcome_of(exc)
    return outcome, error_text(exc) if outcome in FAILED else None
