"""The errors and log lines of a run, with the secrets of its context masked.

An error of a run has the run's context as its `result`. This distinguishes it from the error of a
separate chain that a step happened to run. Log lines go to the logger ``headrace.chain``.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from headrace._exceptions.control_flow import is_control_flow, is_interrupt
from headrace._exceptions.masked import conceal as mark_concealed
from headrace._exceptions.masked import masked, text_of, without_secrets
from headrace._logger import GuardedLogger, report_lost_line
from headrace._messages.text import plain_text
from headrace._observation.outcomes import outcome_of

from .errors import ChainError, DeadlineExceededError, StepFailedError, ValidationFailedError
from .references import is_unresolved, unresolved

if TYPE_CHECKING:
    from headrace._redaction.rules import Redaction

    from .run import Run
    from .step import Step
    from .templates import Template

_logger = GuardedLogger("headrace.chain")
is_on = _logger.logger.isEnabledFor


class Stopped(BaseException):
    """Ends a branch that was cancelled because another one failed."""


def describe(run: Run, exc: BaseException, *values: Any) -> str:
    """Return the type and message of `exc`, with the secrets of the context masked.

    Args:
        run: the run.
        exc: the exception.
        values: values outside the context that may hold secrets.
    """
    text = text_of(exc)
    if run.plan.settings.redaction.names:
        text = run.plan.blotter(run.context, *values)(text)
    return f"{type(exc).__name__}: {text}" if text else type(exc).__name__


def unresolved_arguments(run: Run, step: Step) -> str:
    """Describe the unresolved arguments of `step`, at the end of a message; usually "".

    An unresolved argument is None, which may be why the step failed.
    """
    paths = [path for where, path in step.references if where in {"args", "kwargs"}]
    missing = [path for path in dict.fromkeys(paths) if is_unresolved(run.context, path)]
    return "".join([f"; {unresolved(run.context, path)}" for path in missing])


def own(run: Run, error: ChainError, attempts: int = 0, *values: Any) -> ChainError:
    """Turn `error` into an error of `run`, and return it.

    Args:
        run: the run.
        error: the error.
        attempts: how many times the step was called.
        values: values outside the context that may hold secrets.
    """
    error.result = run.context
    error.attempts = attempts
    conceal(run, error, *values)
    return error


def conceal(run: Run, exc: BaseException, *values: Any) -> None:
    """Mark `exc`, which leaves the run, as one that may hold secrets."""
    if run.plan.settings.redaction.names:
        mark_concealed(exc, partial(run.plan.blotter, run.context, *values))


def failed(run: Run, exc: BaseException) -> StepFailedError:
    """Return the error of the current step, which failed with `exc`."""
    reason = describe(run, exc) + unresolved_arguments(run, run.step)
    error = StepFailedError(run.step.name, reason)
    own(run, error, run.attempts)
    error.__cause__ = exc
    return error


def verdict(run: Run, exc: BaseException) -> tuple[BaseException, str, str]:
    """Return the error that ends the run, in which the current step raised `exc`.

    Args:
        run: the run.
        exc: the exception.

    Returns:
        The error, and the outcome of the step and the reason, for the report.
    """
    if isinstance(exc, ChainError) and exc.result is run.context:
        exc.attempts = exc.attempts or run.attempts
        return exc, "error", exc.reason
    if is_interrupt(exc):
        reason = f"interrupted by {type(exc).__name__}"
        if run.step.plan is None:
            line = f"the outcome of its last attempt is unknown: {reason}"
            log(run, logging.ERROR, f"step {run.step.name!r}: {line}")
        return exc, "unknown", reason
    stops = is_control_flow(exc)
    if isinstance(exc, Exception) and not stops:
        error = failed(run, exc)
        return error, "error", error.reason
    if outcome_of(exc) == "cancelled":
        return exc, "cancelled", "cancelled"
    return exc, "stopped" if stops else "error", describe(run, exc)


def rejected(run: Run, result: Any, reason: str) -> ChainError:
    """Return the error of the current step, whose result was rejected."""
    step = run.step
    error = ValidationFailedError(step.name, reason + unresolved_arguments(run, step))
    return own(run, error, 0, {step.out: result})


def too_late(run: Run, failure: BaseException | None, delay: float) -> ChainError:
    """Return the error of the current step, for which the deadline leaves no time.

    Args:
        run: the run.
        failure: what the previous attempt raised, or None before the first.
        delay: the delay before the next attempt, in seconds.
    """
    margin = run.plan.settings.safety_margin
    reason = f"the deadline leaves no time for it (safety margin: {margin:g} s)"
    if failure is not None:
        reason = (
            f"the deadline leaves no time for a retry in {delay:.3g} s (safety margin: "
            f"{margin:g} s) after {describe(run, failure)}"
        )
    return own(run, DeadlineExceededError(run.step.name, reason), run.attempts)


def adopted(run: Run, exc: BaseException, inner: Run) -> BaseException:
    """Return `exc`, which ended the nested run `inner`, as an error of `run`."""
    if isinstance(exc, ChainError) and exc.result is inner.context:
        exc.result = run.context
        if isinstance(exc, StepFailedError | ValidationFailedError):
            exc.reason += unresolved_arguments(run, run.step)  # an input may be unresolved
    return exc


def seal(run: Run, error: ChainError) -> None:
    """Replace the cause of a task's error with a masked copy.

    A worker logs the error with all its causes, and sends them to the result backend.
    """
    if run.plan.settings.redaction.names:
        shown = masked(error)
        error.__cause__, error.__context__ = shown.__cause__, shown.__context__


def shown(run: Run, exc: BaseException) -> BaseException:
    """Return the error of the current step for backends; a masked copy if keys are redacted."""
    if not run.plan.settings.redaction.names:
        return exc
    copy = masked(exc, run.plan.blotter(run.context))
    if is_control_flow(exc) or not isinstance(exc, Exception):
        return copy
    error = StepFailedError(run.step.name, describe(run, exc))
    error.__cause__ = copy
    return error.with_traceback(exc.__traceback__)


def together(run: Run, raised: list[tuple[Run, BaseException]]) -> BaseException:
    """Return the most important error of several branches; its message names all of them."""
    raised.sort(key=_rank)
    branch, first = raised[0]
    others = raised[1:]
    if isinstance(first, ChainError) and first.result is branch.context:
        first.reason = "; ".join([first.reason, *(_line(other, exc) for other, exc in others)])
        first.others = [exc for _, exc in others if not isinstance(exc, Stopped)]
        for other, exc in others:
            conceal(other, exc)
        return own(run, first, first.attempts)
    for other, exc in others:
        log(run, logging.ERROR, f"in another branch: {_line(other, exc)}")
    return first


def _rank(raised: tuple[Run, BaseException]) -> int:
    _, exc = raised
    if isinstance(exc, Stopped):
        return 3
    if not isinstance(exc, Exception):
        return 0
    return 1 if is_control_flow(exc) else 2


def _line(run: Run, exc: BaseException) -> str:
    if isinstance(exc, ChainError) and exc.result is run.context:
        return str(exc)
    reports = run.context.steps
    name = reports[-1].name if reports else run.plan.first.name
    if isinstance(exc, Stopped):
        return f"step {name!r} was cancelled"
    return f"step {name!r}: {describe(run, exc)}"


# --- log lines ------------------------------------------------------------------------------------


def log(
    run: Run,
    level: int,
    line: str,
    exc: BaseException | None = None,
    *,
    failure: ChainError | None = None,
) -> None:
    """Log `line`, redacted by the chain's own functions.

    A handler or filter that raises cannot fail a finished step or prevent an undo.

    Args:
        run: the run.
        level: the level.
        line: the line.
        exc: an exception whose traceback to log, unless the chain redacts.
        failure: the error of the run; the traceback of its cause is logged, masked.
    """
    try:
        if is_on(level):
            _log(run.plan.settings.redaction, level, line, exc, failure)
    except Exception as error:
        report_lost_line("headrace.chain", error)


def complain(run: Run, what: str, exc: Exception, *values: Any) -> None:
    """Log that `what`, which cannot make a step fail, raised `exc`.

    Args:
        run: the run.
        what: the hook or callback.
        exc: the exception.
        values: values outside the context that may hold secrets.

    Raises:
        Exception: `exc` itself, if it is an interrupt.
    """
    if is_interrupt(exc):
        raise exc
    reason = describe(run, exc, *values)
    log(run, logging.ERROR, f"{what} raised {reason}; the run continued", exc)


def log_result(run: Run, template: Template, result: Any) -> None:
    """Log the line of the current step."""
    try:
        line = template.render(run.context, result, run.plan)
    except Exception as error:
        report_lost_line("headrace.chain", error)
    else:
        log(run, logging.INFO, line)


def _log(
    redaction: Redaction,
    level: int,
    line: str,
    exc: BaseException | None,
    failure: ChainError | None,
) -> None:
    try:
        line = _rewritten(redaction, line)
        shown = _traceable(redaction, exc, failure)
    except Exception as error:
        if is_interrupt(error):
            raise
        # Better no line than one with a secret; nor a traceback, for the same reason.
        _logger.error("redact raised %s; a log line was dropped", type(error).__name__)  # noqa: TRY400
        return
    _logger.log(level, plain_text(line), exc_info=shown)  # the line contains external text


def _traceable(
    redaction: Redaction, exc: BaseException | None, failure: ChainError | None
) -> BaseException | None:
    if failure is not None:
        if redaction.functions:
            copy = masked(failure, lambda text: _rewritten(redaction, text))
        else:
            copy = without_secrets(failure)
        return copy.__cause__
    if exc is None or redaction.names or redaction.functions:
        return None
    return without_secrets(exc)


def _rewritten(redaction: Redaction, text: str) -> str:
    for function in redaction.functions:
        text = function(text)
    return text
