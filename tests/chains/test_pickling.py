"""Pickled results and errors: values that survive, and secrets that must not."""

from __future__ import annotations

import copy
import pickle
import threading
import traceback
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

import headrace
import headrace.integration
from headrace import (
    Chain,
    ChainError,
    ChainResult,
    DeadlineExceededError,
    StepFailedError,
    UnresolvedReferenceError,
    ValidationFailedError,
)
from headrace._redaction import secrets

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chains.runners import Runner

SECRET = "hunter2-ü"

pytestmark = pytest.mark.guarantee(95)


def again(value: Any) -> Any:
    """Return `value` pickled and unpickled; the pickle must hold no secret."""
    data = pickle.dumps(value)
    assert SECRET.encode() not in data
    return pickle.loads(data)


def failure(runner: Runner, chain: Any, **inputs: Any) -> Any:
    """Return the error of a run of `chain`."""
    with pytest.raises(ChainError) as caught:
        runner.run(chain, **inputs)
    return caught.value


class Picky(Exception):  # noqa: N818
    """An error that its arguments cannot recreate."""

    def __init__(self, *, code: int) -> None:
        super().__init__(f"code {code}")


class Gone:
    """A value that can be pickled but not unpickled."""

    def __reduce__(self) -> Any:
        return int, ("x",)


class Refusing:
    """A value that raises its own error when pickled."""

    def __reduce__(self) -> Any:
        raise RuntimeError


def fail() -> None:
    """Fail with an error that cannot be pickled."""
    raise Picky(code=7) from OSError("down")


def unpicklable() -> list[Any]:
    """Return values that do not survive."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    return [
        threading.Lock(),
        lambda: 1,
        Gone(),
        Refusing(),
        (x for x in [1]),
        [threading.Lock()],
        deep,
    ]


def test_a_failure_survives_whatever_is_in_its_context(runner: Runner) -> None:
    """Step, reason, attempts, the cause as text, the report, and the values that survive."""
    chain = runner.chain("pickled.failure").next(runner.fn(lambda: 1), out="one")
    chain.next(runner.fn(fail), name="pay", retries=1, backoff=0)
    inputs = {f"x{i}": value for i, value in enumerate(unpicklable())}
    error = failure(runner, chain, rows=[1, {"a": 2}], **inputs)
    other = again(error)
    assert type(other) is StepFailedError
    assert (other.step, other.reason, other.attempts) == ("pay", "Picky: code 7", 2)
    assert str(other) == str(error)
    assert str(other.__cause__) == "Picky: code 7"
    assert other.result == {"one": 1, "rows": [1, {"a": 2}]}
    assert other.result.steps == error.result.steps
    assert str(other.result.report) == str(error.result.report)
    assert other.result.correlation_id == error.result.correlation_id
    assert again(other).reason == error.reason
    assert "Picky: code 7" in "".join(traceback.format_exception(other))


@pytest.mark.parametrize(
    ("make", "type_"),
    [
        (lambda k: k.chain().next(print, validate=lambda _: False), ValidationFailedError),
        (lambda k: k.chain(deadline=0).next(print), DeadlineExceededError),
        (lambda k: k.chain(strict=True).next(print, args=["a"]), UnresolvedReferenceError),
    ],
)
def test_every_error_survives(
    runner: Runner, make: Callable[[Any], Any], type_: type[ChainError]
) -> None:
    """Each error survives with its type and text; attributes that cannot be pickled are dropped."""
    error = failure(runner, make(runner), lock=threading.Lock())
    other = again(error)
    assert type(other) is type_
    assert str(other) == str(error)
    assert other.result == {}
    assert (other.undo_errors, other.others) == ([], [])


def test_failed_undos_and_other_branches_survive_as_text(runner: Runner) -> None:
    """They survive in order, without secrets."""

    def undo(result: Any) -> None:
        raise Picky(code=result)

    chain = runner.chain(redact=["pin"]).put("pin", SECRET)
    chain.next(runner.fn(lambda: 8), undo=runner.fn(undo))
    chain.next(runner.fn(lambda: {"pin": SECRET}), undo=lambda result: int(result["pin"]))
    branch = runner.chain().next(runner.fn(fail), name="b")
    chain.parallel(branch, runner.chain().next(runner.fn(fail), name="c"))
    error = failure(runner, chain)
    other = again(error)
    texts = [str(each) for each in other.undo_errors]
    assert texts == [
        "ValueError: invalid literal for int() with base 10: '***'",
        "Picky: code 8",
    ]
    assert str(other) == str(error)
    assert len(other.others) == len(error.others)


def test_the_operation_of_an_error_is_known_in_another_process(runner: Runner) -> None:
    """The receiving process can log the error under its ID."""
    with headrace.open_context("op-1"):
        error = failure(runner, runner.chain().next(runner.fn(fail)))
    with pytest.raises(ChainError) as caught, headrace.open_context("op-2"):
        raise error
    assert headrace.integration.marked_id(again(caught.value)) == "op-2"


@dataclass
class Login:
    user: str
    pin: str


class Hidden:
    """An object whose secret only its own code can find."""

    def __init__(self, value: str) -> None:
        self._inner = (value,)


def test_secrets_are_masked_wherever_they_stand(runner: Runner) -> None:
    """Secrets are masked under any key, in records, objects and errors; all else is unchanged."""

    def refuse(pin: str) -> None:
        raise ValueError(f"wrong {pin}")

    cycle: dict[str, Any] = {"pin": SECRET, "n": 4711, "m": 47}
    cycle["self"] = [cycle]
    inputs = {
        "echo": f"x{SECRET}x",
        "deep": [{"pin": SECRET, "a": (1, {"x"})}, Login("ada", SECRET)],
        "hidden": Hidden(SECRET),
        "raw": SECRET.encode(),
        "cycle": cycle,
        "free": [Hidden("open")],
    }
    chain = runner.chain(redact=["pin", "number"]).next(runner.fn(refuse), args=["pin"])
    error = failure(runner, chain, pin=SECRET, number=4711, **inputs)
    other = again(error)
    result = other.result
    assert (result["pin"], result["number"], result["echo"]) == ("***", "***", "x***x")
    assert result["deep"] == [{"pin": "***", "a": (1, {"x"})}, "***"]
    assert (result["hidden"], result["raw"]) == ("***", "***")
    assert (result["cycle"]["n"], result["cycle"]["m"]) == ("***", 47)
    assert result["cycle"]["self"][0] is result["cycle"]
    assert result["free"][0]._inner == ("open",)
    assert str(other.__cause__) == "ValueError: wrong ***"
    assert error.result["cycle"] is cycle
    assert cycle["pin"] == SECRET
    assert repr(other.result)


def test_what_cannot_be_known_is_masked(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """If there are more values than the search covers, every value is masked."""
    monkeypatch.setattr(secrets, "LIMIT", 10)
    result = runner.run(runner.chain(redact=["pin"]).next(print), rows=[["a"]] * 20, n=7, t="t")
    assert again(result) == dict.fromkeys(["rows", "n", "t"], "***")


def test_a_result_is_pickled_with_what_survives(runner: Runner) -> None:
    """The steps and the ID survive, also for a result made without a chain."""
    result = runner.run(runner.chain().next(runner.fn(lambda: 1), out="a"), lock=threading.Lock())
    other = again(result)
    assert type(other) is ChainResult
    assert other == {"a": 1}
    assert (other.steps, other.correlation_id) == (result.steps, result.correlation_id)
    assert again(ChainResult(a=1, b=print, c=lambda: 1)) == {"a": 1, "b": print}


def test_a_copy_keeps_what_cannot_be_pickled() -> None:
    """The values of a shallow copy are the same, and those of a deep copy are copies."""
    result = Chain().next(threading.Lock, out="lock").next(list, out="rows").run()
    assert copy.copy(result) == result
    deep = copy.deepcopy(Chain().next(list, out="rows").run(same=[1]))
    assert deep == {"rows": [], "same": [1]}
    circle = ChainResult()
    circle["self"] = circle
    assert copy.deepcopy(circle)["self"]["self"] is not circle


def run_redacted() -> ChainResult:
    """Fail with a redacted error, in another process."""
    return Chain(redact=["pin"]).next(fail, args=[]).run(pin="x", lock=threading.Lock())


def test_an_error_comes_out_of_a_process_pool() -> None:
    """The caller of the pool gets the error."""
    with ProcessPoolExecutor(1) as pool, pytest.raises(StepFailedError) as caught:
        pool.submit(run_redacted).result()
    assert caught.value.result == {"pin": "***"}


def test_the_cause_reads_alike_however_often_it_is_pickled(runner: Runner) -> None:
    """An error that crosses several processes keeps the text of its cause."""

    def fail() -> None:
        raise KeyError("sku")

    error = failure(runner, runner.chain().next(runner.fn(fail)))
    once = again(error)
    assert str(once.__cause__) == "KeyError: 'sku'"
    assert str(again(again(once)).__cause__) == str(once.__cause__)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_errors_and_results_are_copied_whatever_their_context_holds(
    runner: Runner, copied: Callable[[Any], Any]
) -> None:
    """What cannot be copied is shared."""
    chain = runner.chain().next(runner.fn(int), args=[headrace.literal("x")])
    error = failure(runner, chain, lock=(lock := threading.Lock()), rows=[1])
    copy_of_error, result = copied(error), copied(error.result)
    assert str(copy_of_error) == str(error)
    assert copy_of_error.result["rows"] == [1]
    assert result["lock"] is lock
    assert result["rows"] == [1]


def test_a_secret_that_only_its_argument_names_is_masked(runner: Runner) -> None:
    """The value of an argument called like a secret is one wherever it stands in the pickle."""

    def login(password: str) -> None:
        raise ValueError(f"{password} is wrong")

    chain = runner.chain(redact=["password"])
    chain.next(runner.fn(login), kwargs={"password": "settings.database"})
    copied = again(failure(runner, chain, settings={"database": SECRET}))
    assert copied.result["settings"] == {"database": "***"}
