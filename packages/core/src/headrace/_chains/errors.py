"""The errors of chains: which step failed, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace._context.marks import MARKS
from headrace._errors import HeadraceError
from headrace._exceptions.masked import text_of, without_secrets

if TYPE_CHECKING:
    from .result import ChainResult

_IS_TEXT = "_headrace_is_text"


class ChainError(HeadraceError):
    """The base class of the errors that chains raise.

    Attributes:
        step: the name of the step that failed, or ``""``.
        reason: the reason, in one line.
        attempts: how many times the step was called.
        result: the `ChainResult` up to the failure.
        undo_errors: the errors that undos raised, in the order in which these ran.
        others: the errors of other branches that failed too.
    """

    def __init__(self, step: str = "", reason: str = "") -> None:
        super().__init__(step, reason)
        self.step = step
        self.reason = reason
        self.attempts = 0
        self.result: ChainResult | None = None
        self.undo_errors: list[BaseException] = []
        self.others: list[BaseException] = []

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the error, with secrets masked, and errors of other types as text."""
        shown = without_secrets(self)
        state = {
            "step": self.step,
            "reason": self.reason,
            "attempts": self.attempts,
            "result": self.result,
            "undo_errors": [_portable(error) for error in self.undo_errors],
            "others": [_portable(error) for error in self.others],
        }
        marks = {key: value for key, value in vars(self).items() if key in MARKS}
        return _unpickled, (type(self), state | marks, _portable(shown.__cause__))

    def __str__(self) -> str:
        """Give the step, the number of attempts, the reason, and the number of failed undos."""
        text = self._headline()
        failed = len(self.undo_errors)
        if failed:
            text += f" ({failed} {'undo' if failed == 1 else 'undos'} failed, see undo_errors)"
        return text

    def _headline(self) -> str:
        return self.reason


def _portable(error: BaseException | None) -> BaseException | None:
    """Return a `ChainError` as it is, and any other error as text, which can be pickled."""
    if error is None or isinstance(error, ChainError):
        return error
    if type(error) is Exception and _IS_TEXT in vars(error):  # already pickled once
        return error
    shown = without_secrets(error)
    text = text_of(shown)
    portable = Exception(f"{type(shown).__name__}: {text}" if text else type(shown).__name__)
    vars(portable)[_IS_TEXT] = True
    return portable


def _unpickled(
    kind: type[ChainError], state: dict[str, Any], cause: BaseException | None
) -> ChainError:
    error: ChainError = kind.__new__(kind, state["step"], state["reason"])
    vars(error).update(state)
    error.__cause__ = cause
    return error


class StepFailedError(ChainError):
    """A step failed for good; the ``__cause__`` is the error that it raised."""

    def _headline(self) -> str:
        times = f" after {self.attempts} attempts" if self.attempts > 1 else ""
        return f"step {self.step!r} failed{times}: {self.reason}"


class ValidationFailedError(ChainError):
    """A step's `validate` rejected its result."""

    def _headline(self) -> str:
        return f"step {self.step!r}: the result was rejected: {self.reason}"


class DeadlineExceededError(ChainError):
    """The deadline passed, or a step's `timeout` expired."""

    def _headline(self) -> str:
        return f"step {self.step!r}: {self.reason}"


class UnresolvedReferenceError(ChainError, LookupError):
    """A strict chain has an unresolved reference."""

    def _headline(self) -> str:
        return f"step {self.step!r}: {self.reason}"


class FrozenChainError(ChainError, RuntimeError):
    """A chain was changed after its first run."""
