"""One run of a chain: what has happened so far, what is logged of it, how much time is left."""

from __future__ import annotations

import logging
import math
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from headrace import _state as _runtime
from headrace._context.deadlines import Budget, inherited_deadline, min_deadline
from headrace._context.variables import budget_var
from headrace._exceptions.control_flow import is_control_flow
from headrace._exceptions.masked import conceal, masked, text_of, without_secrets
from headrace._logger import GuardedLogger, report_lost_line
from headrace._messages.text import plain_text
from headrace._process import clock as _clock

from .errors import ChainError, DeadlineExceededError, StepFailedError, ValidationFailedError
from .references import is_unresolved, unresolved
from .result import ChainResult, Notes, StepReport, flattened
from .undos import Undos

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from headrace._context.model import FlowContext
    from headrace._observation.dispatch import Observer

    from .plan import Parallel, Plan, Row
    from .step import Step
    from .templates import Template

    Ended = tuple["Run", BaseException]

logger = GuardedLogger("headrace.chain")
_is_on = logger.logger.isEnabledFor
_budget = budget_var.get


class Tally:
    """How it stands with a step that is being done.

    Attributes:
        step: the step.
        begun: when it began, by the clock of durations.
        attempts: how often it has been called.
    """

    __slots__ = ("attempts", "begun", "step")

    def __init__(self, step: Step, begun: float) -> None:
        self.step = step
        self.begun = begun
        self.attempts = 0

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return _clock.perf_counter() - self.begun


class Run:
    """The state of one run, or of one of its branches, created when first needed.

    It holds the context but not the reverse, so the values of a run are freed with its result.

    Attributes:
        plan: what the run goes by.
        context: the values.
        unit: the unit of work that the run is part of.
        observer: who is told of the steps, or None.
        until: the deadline that the chain has set itself, as a reading of the clock, or None.
        limit: the reading at which nothing more may begin, or None.
        notes: the parts of the report besides names and times.
        undos: what is to be undone if the run fails.
    """

    __slots__ = (
        "__weakref__",
        "context",
        "limit",
        "notes",
        "observer",
        "plan",
        "undos",
        "unit",
        "until",
    )

    def __init__(
        self,
        plan: Plan,
        context: ChainResult,
        unit: FlowContext,
        observer: Observer | None = None,
        undos: Undos | None = None,
    ) -> None:
        self.plan = plan
        self.context = context
        self.unit = unit
        self.observer = observer
        self.undos = Undos() if undos is None else undos
        self.until = _own_deadline(plan) if plan.has_deadline else None
        deadline = min_deadline(self.until, inherited_deadline(unit))
        self.limit = None if deadline is None else deadline - plan.settings.safety_margin
        self.notes = context._notes = Notes(self.undos.done)

    @property
    def rows(self) -> tuple[Row, ...]:
        """What to do per step: everything, where somebody watches or a clock runs."""
        if self.observer is None and self.limit is None:
            return rows_of(self.plan)
        return self.plan.special_rows

    def branch(self, plan: Plan, inputs: dict[str, Any] | None = None) -> Run:
        """Return the run of a branch, or of a chain that is a step.

        Args:
            plan: the plan to run.
            inputs: its initial values; None for the current values of the context.
        """
        if inputs is None:
            inputs = {**self.context, **plan.values}
        context = new_context(plan, self.unit, inputs)
        run = Run(plan, context, self.unit, self.observer, self.undos)
        context._started = _clock.perf_counter()
        run.limit = min_deadline(run.limit, self.limit)
        return run

    @contextmanager
    def budget(self) -> Iterator[None]:
        """Let `headrace.remaining` tell the time that the chain's own deadline leaves."""
        if self.until is None:
            yield
            return
        until = min_deadline(self.until, inherited_deadline(self.unit))
        budget = Budget(self, self.unit, until)
        try:
            budget.begin()
            yield
        finally:
            budget.leave()

    # --- what has happened ------------------------------------------------------------------------

    def tally(self, step: Step) -> Tally:
        """Return the tally of `step`, which begins where the step before has ended."""
        ends = self.context._ends
        return Tally(step, ends[-1] if ends else self.context._started)

    def note(self, tally: Tally, outcome: str, reason: str | None = None) -> None:
        """Write down what became of a step that was no plain success."""
        step = tally.step
        report = StepReport(step.name, outcome, tally.attempts, tally.seconds, reason)
        if step.plan is None:
            self.notes.noted[step] = (report,)
            return
        # The steps of a nested chain report its outcome, unless none of them caused it.
        is_noted = step in self.notes.noted
        within = flattened(self.notes.reports_of(step, 0.0)) if is_noted else []
        if outcome != "ok" and all(each.outcome in {"ok", "skipped"} for each in within):
            self.notes.noted[step] = [*within, report]

    def end(self, tally: Tally) -> None:
        """Write down that a step has ended well, or was skipped."""
        if tally.attempts > 1:
            self.note(tally, "ok")
        self.context._ends.append(_clock.perf_counter())

    def note_runs(self, step: Step | Parallel, runs: Iterable[Run]) -> None:
        """Record the runs of the branches of `step`, or of the chain that it is."""
        self.notes.noted[step] = [run.context for run in runs]

    # --- errors -----------------------------------------------------------------------------------

    def owns(self, exc: BaseException) -> bool:
        """Tell whether `exc` is an error of this very run, not one of a chain within a step."""
        return isinstance(exc, ChainError) and exc.result is self.context

    def own(self, error: ChainError, attempts: int = 0, *values: Any) -> ChainError:
        """Return `error` with the details of this run filled in.

        Args:
            error: the error.
            attempts: the number of calls of the step.
            values: values outside the context that may hold secrets.
        """
        error.result = self.context
        error.attempts = attempts
        self.conceal(error, *values)
        return error

    def adopted(self, exc: BaseException, inner: Run, step: Step) -> BaseException:
        """Return the error that ended `inner`, the run of `step`, as an error of this run."""
        if inner.owns(exc) and isinstance(exc, ChainError):
            exc.result = self.context
            if isinstance(exc, StepFailedError | ValidationFailedError):
                exc.reason += self.unresolved_arguments(step)  # an input may be unresolved
        return exc

    def conceal(self, exc: BaseException, *values: Any) -> None:
        """Mark `exc`, which leaves the run, as possibly holding secrets."""
        redaction = self.plan.settings.redaction
        if redaction.names:
            conceal(exc, partial(self.plan.blotter, self.context, *values))

    def failed(self, tally: Tally, exc: BaseException) -> StepFailedError:
        """Return the error that says that a step has failed with `exc`."""
        reason = self.describe(exc) + self.unresolved_arguments(tally.step)
        error = StepFailedError(tally.step.name, reason)
        self.own(error, tally.attempts)
        error.__cause__ = exc
        return error

    def seal(self, error: ChainError) -> None:
        """Replace the cause by a masked copy if other code will write its traceback.

        A worker logs a task's error and sends it to the result backend, with all its causes.
        """
        if self.unit.kind == "task" and self.plan.settings.redaction.names:
            shown = masked(error)
            error.__cause__, error.__context__ = shown.__cause__, shown.__context__

    def describe(self, exc: BaseException, *values: Any) -> str:
        """Return type and message of `exc`, without the secrets of the context.

        Args:
            exc: the exception.
            values: values outside the context that may hold secrets.
        """
        text = self.plan.blotter(self.context, *values)(text_of(exc))
        return f"{type(exc).__name__}: {text}" if text else type(exc).__name__

    def unresolved_arguments(self, step: Step) -> str:
        """Return the unresolved arguments of `step` as the end of a line; usually "".

        For failed steps only: without `strict` such an argument is None.
        """
        paths = [path for where, path in step.references if where in {"args", "kwargs"}]
        missing = [path for path in dict.fromkeys(paths) if is_unresolved(self.context, path)]
        return "".join([f"; {unresolved(self.context, path)}" for path in missing])

    def shown(self, step: Step, exc: BaseException) -> BaseException:
        """Return `exc` for backends: a masked copy if there are secrets."""
        redaction = self.plan.settings.redaction
        if not redaction.names:
            return exc
        copy = masked(exc, self.plan.blotter(self.context))
        if is_control_flow(exc) or not isinstance(exc, Exception):
            return copy
        error = StepFailedError(step.name, self.describe(exc))
        error.__cause__ = copy
        return error.with_traceback(exc.__traceback__)

    # --- time -------------------------------------------------------------------------------------

    def check_time(
        self, tally: Tally, failure: BaseException | None = None, delay: float = 0.0
    ) -> None:
        """Raise where the deadline leaves no time for an attempt in `delay` seconds.

        Args:
            tally: of the step.
            failure: what the attempt before has raised, if there was one.
            delay: how long the wait before the attempt would be.

        Raises:
            DeadlineExceededError: there is no time left.
        """
        if self.limit is None or _clock.monotonic() + delay < self.limit:
            return
        margin = self.plan.settings.safety_margin
        reason = f"the deadline leaves no time for it (safety margin: {margin:g} s)"
        if failure is not None:
            reason = (
                f"the deadline leaves no time for a retry in {delay:.3g} s (safety margin: "
                f"{margin:g} s) after {self.describe(failure)}"
            )
        raise self.own(DeadlineExceededError(tally.step.name, reason), tally.attempts) from failure

    # --- log lines --------------------------------------------------------------------------------

    def log(
        self,
        level: int,
        line: str,
        exc: BaseException | None = None,
        *,
        failure: ChainError | None = None,
    ) -> None:
        """Log `line`, after the chain's own functions have redacted it.

        A handler or filter that raises must not fail a finished step or prevent an undo.

        Args:
            level: the level.
            line: the line.
            exc: an exception whose traceback is logged if nothing is redacted.
            failure: the error of the run; the traceback of its cause is logged, masked.
        """
        try:
            self._log(level, line, exc, failure)
        except Exception as error:
            report_lost_line("headrace.chain", error)

    def _log(
        self, level: int, line: str, exc: BaseException | None, failure: ChainError | None
    ) -> None:
        if not _is_on(level):
            return
        try:
            line = self._rewritten(line)
            shown = self._traceable(exc, failure)
        except Exception as error:
            # Better no line than one with a secret in it, and so no traceback either.
            logger.error("redact raised %s; a line was left out", type(error).__name__)  # noqa: TRY400
            return
        logger.log(level, plain_text(line), exc_info=shown)  # it contains external text

    def _traceable(
        self, exc: BaseException | None, failure: ChainError | None
    ) -> BaseException | None:
        redaction = self.plan.settings.redaction
        if failure is not None:
            rewrites = bool(redaction.functions)
            copy = masked(failure, self._rewritten) if rewrites else without_secrets(failure)
            return copy.__cause__
        if exc is None or redaction.names or redaction.functions:
            return None
        return without_secrets(exc)

    def _rewritten(self, text: str) -> str:
        for function in self.plan.settings.redaction.functions:
            text = function(text)
        return text

    def complain(self, what: str, exc: Exception, *values: Any) -> None:
        """Log that `what`, which must not fail a step, has raised `exc`.

        Args:
            what: a hook or callback.
            exc: the exception.
            values: values outside the context that may hold secrets.
        """
        reason = self.describe(exc, *values)
        self.log(logging.ERROR, f"{what} raised {reason}; the run went on", exc)

    def log_result(self, template: Template, result: Any) -> None:
        """Log the line that the template of a step makes."""
        if not _is_on(logging.INFO):
            return
        try:
            line = template.render(self.context, result, self.plan)
        except Exception as error:
            report_lost_line("headrace.chain", error)
        else:
            self.log(logging.INFO, line)


def begin(plan: Plan, unit: FlowContext, inputs: dict[str, Any]) -> tuple[ChainResult, Run | None]:
    """Return the context of a new run, and its state if a backend or a deadline needs one."""
    context = new_context(plan, unit, inputs)
    observer = _runtime.observer
    if observer is not None and not observer.enabled():
        observer = None
    run = None
    if (
        observer is not None
        or plan.has_deadline
        or unit.deadline is not None
        or _budget() is not None
    ):
        run = Run(plan, context, unit, observer)
    context._started = _clock.perf_counter()
    return context, run


def new_context(plan: Plan, unit: FlowContext, inputs: dict[str, Any]) -> ChainResult:
    """Return the context of a run: the values of `plan`, and `inputs`, which win."""
    if plan.values:
        context = ChainResult(plan.values)
        context.update(inputs)
    else:
        context = ChainResult(inputs)
    context._plan = plan
    context._notes = None
    context._ends = []
    context.correlation_id = unit.correlation_id
    return context


def rows_of(plan: Plan) -> tuple[Row, ...]:
    """Return what to do per step where nobody watches and no clock runs."""
    if plan.has_templates and not _is_on(logging.INFO):
        return plan.silent_rows
    return plan.rows


def _own_deadline(plan: Plan) -> float | None:
    settings = plan.settings
    now = _clock.monotonic()
    left = None if settings.deadline_fn is None else settings.deadline_fn()
    if left is not None and (not isinstance(left, int | float) or math.isnan(left)):
        raise TypeError(f"deadline_fn() returns the seconds that are left, or None, not {left!r}")
    return min_deadline(
        None if settings.deadline is None else now + settings.deadline,
        None if left is None else now + left,
    )
