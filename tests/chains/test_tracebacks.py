"""Tracebacks: logged with a failed step, and never with a secret."""

from __future__ import annotations

import logging
import pickle
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

import headrace
from headrace import StepFailedError, ValidationFailedError
from headrace import logging as flow_logging
from headrace._exceptions.masked import LIMIT, conceal, masked, without_secrets
from headrace.integration import register_control_flow
from tests.chains.runners import RUNNERS, Runner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = "hunter" + "2"  # keeps the secret out of this file's lines


class BankError(Exception):
    """A library's error, with many attributes."""

    def __init__(self, pin: str, status: int) -> None:
        super().__init__(f"pin {pin}", {"pin": pin})
        self.pin = pin
        self.status = status

    def __repr__(self) -> str:
        return f"BankError({self.pin})"


def refuse(pin: str) -> None:
    """Raise with the secret in the message, a note, the cause, the context and a group."""
    try:
        try:
            raise LookupError(f"context {pin}")
        except LookupError:
            raise KeyError(pin) from OSError(1, f"cause {pin}", pin)
    except KeyError as error:
        inner = BankError(pin, 402)
        inner.add_note(f"note {pin}")
        inner.__cause__ = error
        raise ExceptionGroup(f"group {pin}", [inner, ValueError(pin)]) from inner


def failing(runner: Runner, function: Callable[..., Any] = refuse, **options: Any) -> Any:
    """Return a chain whose step fails with a secret in its error."""
    return runner.chain(**options).next(runner.fn(function), name="pay", args=["pin"])


def the_failure(caplog: pytest.LogCaptureFixture) -> logging.LogRecord:
    """Return the record of the failure, the only one at ERROR."""
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    return record


@pytest.mark.guarantee(94)
def test_a_failed_step_logs_the_traceback_of_its_error(
    runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    """The line has the original traceback, with the source line of the step."""

    def fail(pin: str) -> None:
        raise KeyError(pin)

    with pytest.raises(StepFailedError) as caught:
        runner.run(failing(runner, fail), pin="x")
    info = the_failure(caplog).exc_info
    assert info is not None
    assert info[1] is caught.value.__cause__
    assert "raise KeyError(pin)" in caplog.text


@pytest.mark.guarantee(94)
def test_a_redacted_traceback_is_that_of_a_copy(
    runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    """Each error keeps its type and place without the secret; the raised error is unchanged."""
    with pytest.raises(StepFailedError) as caught:
        runner.run(failing(runner, redact=["pin"]), pin=SECRET)
    info = the_failure(caplog).exc_info
    assert info is not None
    shown = "".join(traceback.format_exception(info[1])) + repr(info[1]) + str(info[1].args)  # type: ignore[union-attr]
    assert SECRET not in shown
    assert SECRET not in caplog.text
    for text in (
        "ExceptionGroup: group *** (2 sub-exceptions)",
        "test_tracebacks.BankError: ('pin ***'",
        "note ***",
        "KeyError: '***'",
        "PermissionError: [Errno 1] cause ***: '***'",
        "ValueError: ***",
        "in refuse",
    ):
        assert text in shown, text
    assert isinstance(info[1], ExceptionGroup)
    assert not set(map(id, linked(info[1]))) & set(map(id, linked(caught.value)))
    assert SECRET in str(caught.value.__cause__)


def linked(exc: BaseException | None) -> list[BaseException]:
    """Return `exc` and all exceptions linked to it."""
    if exc is None:
        return []
    members = exc.exceptions if isinstance(exc, BaseExceptionGroup) else ()
    others = [exc.__cause__, exc.__context__, *members]
    return [exc, *(each for other in others for each in linked(other))]


@pytest.mark.guarantee(94)
def test_a_redacting_function_gets_the_texts_of_a_traceback(
    runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    """A `redact` function gets the traceback like each line; if it raises, there is none."""
    chain = failing(runner, redact=lambda line: line.replace(SECRET, "####"))
    with pytest.raises(StepFailedError):
        runner.run(chain, pin=SECRET)
    assert SECRET not in caplog.text
    assert "note ####" in caplog.text
    caplog.clear()
    with pytest.raises(StepFailedError):
        runner.run(failing(runner, redact=lambda line: 1 / 0), pin=SECRET)
    assert (
        the_failure(caplog).getMessage()
        == "redact raised ZeroDivisionError; a log line was dropped"
    )


class Keeper:
    """A backend that keeps the tracebacks it receives."""

    def __init__(self) -> None:
        self.kept: list[tuple[BaseException, str]] = []

    @contextmanager
    def span(self, *_: object) -> Iterator[None]:
        """Keep the exception of the block."""
        try:
            yield
        except BaseException as exc:
            self.kept.append((exc, "".join(traceback.format_exception(exc))))
            raise

    unit = span


@pytest.fixture
def kept() -> list[tuple[BaseException, str]]:
    """The exceptions that a backend gets, each with its traceback."""
    keeper = Keeper()
    headrace.configure(keeper)
    return keeper.kept


@pytest.mark.guarantee(94)
def test_backends_get_a_masked_traceback(runner: Runner, kept: list[Any]) -> None:
    """Step and unit spans get the copy with causes and the place where it was raised."""
    with pytest.raises(StepFailedError), headrace.open_context():
        runner.run(failing(runner, redact=["pin"]), pin=SECRET)
    assert [type(exc).__name__ for exc, _ in kept] == ["StepFailedError"] * 2
    assert all(
        SECRET not in text and "note ***" in text and "in refuse" in text for _, text in kept
    )


@pytest.mark.guarantee(94)
def test_a_secret_of_an_inner_chain_is_hidden_by_the_outer(
    runner: Runner, caplog: pytest.LogCaptureFixture, kept: list[Any]
) -> None:
    """The secrets stay masked in lines and spans of an outer chain without `redact`."""
    inner = failing(runner, redact=["pin"]).put("pin", SECRET)
    outer = runner.chain("around").next(inner.run, name="nested")
    with pytest.raises(StepFailedError), headrace.open_context():
        runner.run(outer)
    assert SECRET not in caplog.text
    assert caplog.text.count("note ***") >= 2
    assert len(kept) == 3
    assert all(SECRET not in text and "note ***" in text for _, text in kept)


class GoneError(Exception):
    """A framework's control flow."""


register_control_flow(GoneError, outcome="gone")


@pytest.mark.guarantee(94)
@pytest.mark.parametrize("raised", [GoneError, KeyboardInterrupt, SystemExit])
def test_what_passes_through_a_chain_is_masked_for_backends(
    kept: list[Any], raised: type[BaseException]
) -> None:
    """Backends get a copy of the same type and outcome; the caller gets the original."""
    runner = RUNNERS[0]

    def leave(pin: str) -> None:
        try:
            refuse(pin)
        except ExceptionGroup:
            raise raised(pin) from None

    with pytest.raises(raised) as caught, headrace.open_context():
        failing(runner, leave, redact=["pin"]).run(pin=SECRET)
    assert caught.value.args == (SECRET,)
    assert len(kept) == 2
    for exc, text in kept:
        assert isinstance(exc, raised)
        assert SECRET not in text
        assert exc is not caught.value


@pytest.mark.guarantee(94)
def test_a_rejection_and_a_failed_undo_tell_no_secret(runner: Runner, kept: list[Any]) -> None:
    """It is masked although the rejected result never entered the context."""

    def reject(result: dict[str, str]) -> None:
        raise ValueError(f"bad {result}")

    chain = runner.chain(redact=["pin"])
    chain.next(runner.fn(lambda: {"pin": SECRET}), undo=runner.fn(reject), name="a")
    chain.next(runner.fn(lambda: {"pin": SECRET}), validate=reject, name="b")
    with pytest.raises(ValidationFailedError), headrace.open_context():
        runner.run(chain)
    assert [text for _, text in kept if "bad {'pin': '***'}" in text]
    assert not [text for _, text in kept if SECRET in text]


@pytest.mark.guarantee(94)
def test_what_a_chain_has_let_through_is_logged_without_its_secrets(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Any logger masks it, as a server logs unhandled errors; other exceptions are unchanged."""
    flow_logging.install()

    def refuse(pin: str) -> None:
        raise ValueError(f"wrong {pin}")

    plain = LookupError("plain")
    try:
        with pytest.raises(StepFailedError) as caught:
            headrace.Chain(redact=["pin"]).next(refuse, args=["pin"]).run(pin=SECRET)
        logging.getLogger("server").error("unhandled", exc_info=caught.value)
        logging.getLogger("server").error("unhandled", exc_info=plain)
    finally:
        flow_logging.uninstall()
    assert SECRET not in caplog.text
    assert "ValueError: wrong ***" in caplog.text
    assert str(caught.value.__cause__) == f"wrong {SECRET}"
    last = caplog.records[-1].exc_info
    assert last is not None
    assert last[1] is plain


# --- copies ---------------------------------------------------------------------------------------


def hide(text: str) -> str:
    """Mask the secret in a text."""
    return text.replace(SECRET, "***")


class Registered(Exception):  # noqa: N818
    """An error with code that runs on subclassing."""

    known: ClassVar[list[str]] = []

    def __init_subclass__(cls) -> None:
        Registered.known.append(cls.__name__)


class Named(Registered):
    """A subclass of it."""


class Slotted(Exception):  # noqa: N818
    """An error that keeps its values in slots and computes its cause."""

    __slots__ = ("pin",)

    def __init__(self, *, pin: str) -> None:
        self.pin = pin

    def __str__(self) -> str:
        return f"pin {self.pin}"

    @property
    def __cause__(self) -> Any:
        raise RuntimeError

    def __getattribute__(self, name: str) -> Any:
        if name == "missing":
            raise RuntimeError
        return super().__getattribute__(name)


class Mute(Exception):  # noqa: N818
    """An error without a usable text."""

    def __str__(self) -> str:
        raise RuntimeError


class Own(ExceptionGroup[Exception]):
    """A custom exception group."""


EXAMPLES: list[BaseException] = [
    ValueError(SECRET),
    OSError(2, SECRET, SECRET),
    UnicodeDecodeError("utf-8", SECRET.encode(), 0, 1, SECRET),
    SyntaxError(SECRET, (SECRET, 1, 1, SECRET)),
    StopIteration(SECRET),
    Named(SECRET),
    Slotted(pin=SECRET),
    Mute(SECRET),
    Own(SECRET, [ValueError(SECRET), Own(SECRET, [KeyError(SECRET)])]),
    BaseExceptionGroup(SECRET, [KeyboardInterrupt(SECRET)]),
    KeyboardInterrupt(SECRET),
    StepFailedError("pay", SECRET),
    BankError(SECRET, 402),
]


@pytest.mark.guarantee(94)
@pytest.mark.parametrize("exc", EXAMPLES, ids=lambda exc: type(exc).__name__)
def test_a_copy_passes_for_the_original(exc: BaseException) -> None:
    """It has the original's name and builtin type, and usually its type; it can be pickled."""
    copy = masked(exc, hide)
    kind = type(exc)
    assert copy is not exc
    assert (type(copy).__name__, type(copy).__module__) == (kind.__name__, kind.__module__)
    assert isinstance(copy, Registered if kind is Named else kind) or kind is Named
    texts = [str(copy), repr(copy), f"{copy.args}", "".join(traceback.format_exception(copy))]
    assert not [text for text in texts if SECRET in text]
    assert SECRET.encode() not in pickle.dumps(copy)
    assert Registered.known == ["Named"]
    with pytest.raises(AttributeError):
        copy.missing  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.guarantee(94)
def test_a_copy_has_the_texts_and_numbers_of_the_original() -> None:
    """A backend may read a status; attributes other than text and numbers are dropped."""
    exc = BankError(SECRET, 402)
    exc.values = [SECRET]  # type: ignore[attr-defined]
    copy = masked(exc, hide)
    assert (copy.status, copy.pin) == (402, "***")  # type: ignore[attr-defined]
    assert not hasattr(copy, "values")
    assert masked(SystemExit(3)).code == 3  # type: ignore[attr-defined]


@pytest.mark.guarantee(94)
def test_circles_and_long_chains_end() -> None:
    """Cyclic contexts and very long chains of errors are handled."""
    one, two = ValueError(SECRET), ValueError(SECRET)
    one.__cause__, two.__context__ = two, one
    copy = masked(one, hide)
    assert copy.__cause__ is not None
    assert copy.__cause__.__context__ is copy
    last = first = ValueError()
    for _ in range(3 * LIMIT):
        last.__cause__ = last = ValueError(SECRET)
    assert len(linked(masked(first, hide))) == LIMIT


@pytest.mark.guarantee(94)
def test_an_exception_that_is_raised_over_and_over_keeps_little() -> None:
    """The marks on an exception that is raised again and again do not grow."""
    exc = ValueError(SECRET)
    assert without_secrets(exc) is exc
    for _ in range(100):
        conceal(exc, lambda: hide)
    assert len(vars(exc)["_headrace_hidden"]) < 20
    assert str(without_secrets(exc)) == "***"


@pytest.mark.guarantee(94)
def test_a_traceback_shows_no_line_in_which_the_secret_is_written() -> None:
    """The frame is left out; the others are kept."""
    written = "written-out-secret"

    def raises() -> None:
        raise ValueError("written-out-secret")

    with pytest.raises(ValueError, match=written) as caught:
        raises()
    copy = masked(caught.value, lambda text: text.replace(written, "***"))
    text = "".join(traceback.format_exception(copy))
    assert written not in text
    assert "raises()" in text
