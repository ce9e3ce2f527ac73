"""The retry policy of a step: which errors to retry, and after what delay."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from headrace._exceptions.control_flow import is_all_of, is_control_flow, members
from headrace._process import clock as _clock

from .arguments import COROUTINE, kind_of
from .errors import ChainError, DeadlineExceededError, StepFailedError
from .messages import complain, unresolved_arguments

if TYPE_CHECKING:
    from .run import Run

RetryOn = type[BaseException] | tuple[type[BaseException], ...] | Callable[[Any], Any]


class Retries:
    """The retry policy of a step.

    Args:
        count: the maximum number of retries.
        retry_on: the exception types to retry on, or a predicate that takes the exception and
            returns True, False, or the delay in seconds (such as a server's Retry-After). A group
            of exceptions is retried if each of its members would be.
        backoff: the longest delay before the first retry, in seconds; it doubles with each retry.
        max_backoff: the longest delay before any retry, in seconds.
    """

    __slots__ = ("_ceilings", "_last", "_predicate", "_types", "count")

    def __init__(self, count: int, retry_on: RetryOn, backoff: float, max_backoff: float) -> None:
        self.count: int = count
        self._types, self._predicate = _parsed(retry_on)
        self._ceilings = _ceilings(count, backoff, max_backoff)
        self._last = self._ceilings[-1] if self._ceilings else 0.0

    def policy(self) -> str:
        """Describe the policy in a few words; "" if there are no retries."""
        if not self.count:
            return ""
        names = "|".join(each.__qualname__ for each in self._types) or "predicate"
        return f"{self.count}({names}, {self.ceiling(1):g}..{self._last:g} s)"

    def ceiling(self, attempt: int) -> float:
        """Return the longest delay after failed attempt `attempt` (from 1), in seconds."""
        ceilings = self._ceilings
        return ceilings[attempt - 1] if attempt <= len(ceilings) else self._last

    def delay(self, exc: Exception, attempt: int, jitter: bool) -> float | None:
        """Return the delay before the next attempt, in seconds, or None for no further attempt.

        Args:
            exc: the exception that the last attempt raised.
            attempt: the number of the last attempt, from 1.
            jitter: whether to draw the delay between 0 and the ceiling.

        Raises:
            TypeError: the predicate returned something else.
        """
        if self._predicate is None:
            return self.scheduled(attempt, jitter) if is_all_of(exc, self._types) else None
        answer = _answer(self._predicate, exc)
        if answer is False and isinstance(exc, ExceptionGroup):
            answer = _answer_for_all([_answer(self._predicate, each) for each in members(exc)])
        if isinstance(answer, bool):
            return self.scheduled(attempt, jitter) if answer else None
        return answer

    def scheduled(self, attempt: int, jitter: bool) -> float:
        """Return the regular delay after failed attempt `attempt` (from 1), in seconds."""
        # Cap first, then draw: the other way round, all long delays would equal the cap.
        ceiling = self.ceiling(attempt)
        return ceiling * _clock.draw() if jitter else ceiling


# Errors that a function may raise because an argument is None, unlike a broken connection.
_MISTAKES = (AssertionError, AttributeError, LookupError, TypeError, ValueError)


def _answer(predicate: Callable[[Any], Any], exc: BaseException) -> bool | float:
    answer = predicate(exc)
    if answer is None or isinstance(answer, bool):
        return bool(answer)
    if isinstance(answer, int | float) and 0 <= answer < math.inf:
        return float(answer)
    raise TypeError(f"retry_on must return True, False or a delay in seconds, not {answer!r}")


def _answer_for_all(answers: list[bool | float]) -> bool | float:
    """Return the answer for a group: False if one member is not retried, else the longest delay."""
    if any(answer is False for answer in answers):
        return False
    return max((answer for answer in answers if answer is not True), default=True)


def _parsed(
    retry_on: RetryOn,
) -> tuple[tuple[type[BaseException], ...], Callable[[Any], Any] | None]:
    given: tuple[Any, ...] = tuple(retry_on) if isinstance(retry_on, tuple | list) else (retry_on,)
    if all(isinstance(each, type) and issubclass(each, BaseException) for each in given):
        return given, None
    if callable(retry_on) and not isinstance(retry_on, type):
        if kind_of(retry_on) == COROUTINE:
            raise TypeError(
                "retry_on is a coroutine function, which is never awaited; pass a sync function"
            )
        return (), retry_on
    raise TypeError(
        f"retry_on takes exception types, a tuple of these, or a function of the exception, not "
        f"{retry_on!r}"
    )


def _ceilings(count: int, backoff: float, max_backoff: float) -> tuple[float, ...]:
    """Return the ceilings, up to the one that all further retries share."""
    ceilings: list[float] = []
    while len(ceilings) < count:
        ceilings.append(min(backoff, max_backoff))
        if backoff >= max_backoff or backoff == 0:
            break
        backoff *= 2
    return tuple(ceilings)


NO_RETRIES = Retries(0, (Exception,), 0.0, 0.0)


def next_delay(run: Run, exc: Exception) -> float | None:
    """Return the delay before the next attempt at the current step, or None for no attempt.

    Args:
        run: the run.
        exc: the exception that the last attempt raised.
    """
    step, attempt, jitter = run.step, run.attempts, run.plan.settings.jitter
    if is_control_flow(exc):
        return None
    if isinstance(exc, ChainError) and exc.result is run.context:
        # The step's own timeout is retried whatever retry_on says; no other error of the run is.
        if isinstance(exc, DeadlineExceededError):
            return step.retries.scheduled(attempt, jitter)
        # For a nested chain, the error of its step counts.
        cause = exc.__cause__ if step.plan is not None else None
        if not isinstance(exc, StepFailedError) or not isinstance(cause, Exception):
            return None
        exc = cause
    if isinstance(exc, _MISTAKES) and unresolved_arguments(run, step):
        return None  # the arguments would be the same
    try:
        return step.retries.delay(exc, attempt, jitter)
    except Exception as error:
        complain(run, f"retry_on of step {step.name!r}", error)
        return None


RETRY_DEFAULTS = ((Exception,), 1.5, 10.0)  # of retry_on, backoff and max_backoff, in `Chain.next`
