"""Hooks, callbacks and validation: what is called around a step."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

import headrace
import headrace.testing
from headrace import AsyncChain, ChainResult, StepFailedError, ValidationFailedError
from headrace._process.testing import fake_clock, no_waiting

if TYPE_CHECKING:
    from tests.chains.runners import Runner


class Recorder:
    """Keeps what hooks are called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def hook(self, name: str) -> Any:
        def call(**about: Any) -> None:
            self.calls.append((name, about))

        return call

    def names(self) -> list[tuple[str, str]]:
        return [(name, about["step"]) for name, about in self.calls]


def chain_with(runner: Runner, hook: Any) -> Any:
    """Return a chain with the hooks that `hook(name)` makes."""
    names = ("before_step", "after_step", "on_retry")
    return runner.chain("hooked", **{name: hook(name) for name in names})


def test_hooks_come_once_per_step_and_once_per_retry(runner: Runner) -> None:
    """Whatever the retries, a step has one `before_step` and one `after_step`."""
    left = [ValueError("one"), ValueError("two")]

    def flaky() -> str:
        if left:
            raise left.pop(0)
        return "done"

    recorder = Recorder()
    chain = chain_with(runner, recorder.hook)
    chain.next(runner.fn(flaky), out="a", retries=3).next(runner.fn(str.upper), out="b", args=["a"])
    with no_waiting():
        runner.run(chain)
    assert recorder.names() == [
        ("before_step", "a"),
        ("on_retry", "a"),
        ("on_retry", "a"),
        ("after_step", "a"),
        ("before_step", "b"),
        ("after_step", "b"),
    ]


def test_hooks_are_told_everything_by_keyword(runner: Runner) -> None:
    """The step's name with what is known of it, the context, the result, the times."""
    error = ValueError("one")
    left = [error]

    def flaky() -> str:
        if left:
            raise left.pop()
        return "done"

    recorder = Recorder()
    chain = runner.chain(
        "told",
        jitter=False,
        before_step=recorder.hook("before_step"),
        after_step=recorder.hook("after_step"),
        on_retry=recorder.hook("on_retry"),
    )
    with fake_clock():
        result = runner.run(chain.next(runner.fn(flaky), out="a", retries=1))
    (_, before), (_, retry), (_, after) = recorder.calls
    assert before == {"step": "a", "context": result}
    assert before["step"].name == "a"
    assert before["step"].info.flow == "told"
    assert isinstance(before["context"], ChainResult)
    assert retry == {"step": "a", "exc": error, "attempt": 1, "next_delay": 1.5}
    assert after == {"step": "a", "context": result, "result": "done", "elapsed": 1.5}


@pytest.mark.guarantee(36)
def test_a_hook_that_raises_neither_fails_nor_repeats_a_step(runner: Runner, lines: Any) -> None:
    """Each failure is logged, and each step called once, or as often as its retries say."""
    calls: list[str] = []
    left = [ValueError("mine")]

    def pay() -> str:
        calls.append("pay")
        if left:
            raise left.pop()
        return "paid"

    def broken(name: str) -> Any:
        def call(**_: Any) -> None:
            raise RuntimeError(f"{name} is broken")

        return call

    def broken_log(context: ChainResult, result: str) -> None:
        raise KeyError(result)

    chain = chain_with(runner, broken)
    chain.next(runner.fn(pay), out="receipt", retries=5, log=broken_log)
    with no_waiting():
        result = runner.run(chain)
    assert result["receipt"] == "paid"
    assert calls == ["pay", "pay"]
    assert [text for level, text in lines() if level == "ERROR"] == [
        *(
            f"{hook} of step 'receipt' raised RuntimeError: {hook} is broken; the run continued"
            for hook in ("before_step", "on_retry", "after_step")
        ),
        "log of step 'receipt' raised KeyError: 'paid'; the run continued",
    ]


@pytest.mark.guarantee(36)
def test_a_backend_that_raises_neither_fails_nor_repeats_a_step(
    runner: Runner, caplog: Any
) -> None:
    """A broken backend and a broken log handler are the same: the step has been done."""

    class Broken:
        def span(self, step: Any, context: Any) -> Any:
            raise RuntimeError("the backend is broken")

    calls: list[str] = []
    headrace.configure(backend=Broken())
    chain = runner.chain().next(runner.fn(lambda: calls.append("pay")), retries=3, name="pay")
    with headrace.open_context():
        runner.run(chain)
    assert calls == ["pay"]
    assert "Broken" in caplog.text


def test_hooks_may_be_coroutine_functions_in_an_async_chain() -> None:
    """They are awaited, and so are predicates and callbacks."""
    seen: list[str] = []

    def noting(what: str, answer: Any = None) -> Any:
        async def note(*_: Any, **__: Any) -> Any:
            await asyncio.sleep(0)
            seen.append(what)
            return answer

        return note

    left = [ValueError()]

    async def flaky() -> int:
        if left:
            raise left.pop()
        return 1

    async def fail() -> None:
        raise ValueError

    chain = AsyncChain(
        before_step=noting("before"), after_step=noting("after"), on_retry=noting("retry")
    )
    chain.next(
        flaky,
        retries=1,
        when=noting("when", True),
        validate=noting("validate", True),
        log=noting("log"),
        undo=noting("undo"),
    )
    chain.next(fail, when=noting("when", False)).next(fail)
    with no_waiting(), pytest.raises(StepFailedError):
        asyncio.run(chain.run())
    expected = ["when", "before", "retry", "validate", "after", "log", "when", "before", "undo"]
    assert seen == expected


def test_a_hook_that_returns_a_coroutine_cannot_be_awaited_in_a_chain(lines: Any) -> None:
    """It is closed, and logged with the way out."""

    async def later() -> None: ...

    chain = headrace.Chain(after_step=lambda **_: later()).next(lambda: None, name="a")
    chain.run()
    assert lines() == [
        (
            "ERROR",
            (
                "after_step of step 'a' raised TypeError: it returned a coroutine, which a Chain "
                "cannot await; use AsyncChain; the run continued"
            ),
        )
    ]


def test_log_is_called_with_context_and_result(runner: Runner) -> None:
    """For logging of one's own; what it returns is ignored."""
    seen: list[Any] = []

    def log(context: ChainResult, result: int) -> None:
        seen.append((dict(context), result))

    runner.run(runner.chain().next(runner.fn(lambda: 5), out="n", log=log), given=1)
    assert seen == [({"given": 1, "n": 5}, 5)]


# --- validation -----------------------------------------------------------------------------------


def positive(number: int) -> bool:
    """Tell whether the number is above 0."""
    return number > 0


def complain(number: int) -> None:
    """Raise, with the reason."""
    raise ValueError(f"{number} is not enough")


@pytest.mark.parametrize(
    ("validate", "reason"),
    [(positive, "positive returned False"), (complain, "ValueError: -1 is not enough")],
)
def test_validate_rejects_by_false_or_by_raising(
    runner: Runner, validate: Any, reason: str
) -> None:
    """The message contains the reason; nothing is retried, and the result is not kept."""
    calls: list[int] = []

    def compute() -> int:
        calls.append(1)
        return -1

    chain = runner.chain().next(runner.fn(compute), out="n", validate=validate, retries=5)
    with no_waiting(), pytest.raises(ValidationFailedError) as caught:
        runner.run(chain)
    assert calls == [1]
    assert str(caught.value) == f"step 'n': the result was rejected: {reason}"
    assert caught.value.result == {}
    assert caught.value.result.steps[0].reason == reason  # type: ignore[union-attr]


@pytest.mark.parametrize("answer", [True, None, 0, ""])
def test_validate_accepts_by_anything_but_false(runner: Runner, answer: Any) -> None:
    """A validator that returns nothing accepts."""
    chain = runner.chain().next(runner.fn(lambda: 1), out="n", validate=lambda result: answer)
    assert runner.run(chain)["n"] == 1


# --- when -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "is_done"),
    [
        ("order.is_new", True),
        (headrace.ref("order.is_new"), True),
        ("order.is_old", False),
        ("missing", False),
        (lambda context: context["order"]["is_new"], True),
        (lambda context: 0, False),
    ],
)
def test_when_decides_whether_a_step_is_done(runner: Runner, when: Any, is_done: bool) -> None:
    """A reference or a predicate; a skipped step is reported, and keeps nothing."""
    chain = runner.chain(after_step=lambda **_: None)
    chain.next(runner.fn(lambda: "mail"), out="sent", when=when).next(
        runner.fn(lambda: 1), out="end"
    )
    result = runner.run(chain, order={"is_new": True, "is_old": False})
    assert ("sent" in result) is is_done
    assert result["end"] == 1
    report = result.steps[0]
    expected = ("ok", 1, None) if is_done else ("skipped", 0, "condition was false")
    assert (report.outcome, report.attempts, report.reason) == expected


def test_a_skipped_step_is_not_told_to_anyone(runner: Runner) -> None:
    """No hook, no backend."""
    recorder = Recorder()
    chain = chain_with(runner, recorder.hook).next(runner.fn(print), name="a", when="missing")
    with headrace.testing.capture() as captured:
        runner.run(chain)
    assert recorder.calls == []
    assert captured.steps == []


def test_a_predicate_that_raises_fails_its_step(runner: Runner) -> None:
    """It is not known whether the step is wanted."""
    chain = runner.chain().next(runner.fn(print), name="a", when=lambda context: 1 / 0, retries=3)
    with pytest.raises(StepFailedError, match="step 'a' failed: ZeroDivisionError"):
        runner.run(chain)


def test_an_unresolved_when_raises_under_strict(runner: Runner) -> None:
    """Strict means every reference."""
    chain = runner.chain(strict=True).next(runner.fn(print), name="a", when="missing")
    with pytest.raises(headrace.UnresolvedReferenceError, match="'missing' cannot be resolved"):
        runner.run(chain)


class Liar:
    """An object that cannot be asked for its class."""

    @property
    def __class__(self) -> Any:
        raise RuntimeError("no class")


@pytest.mark.guarantee(36)
def test_an_object_that_cannot_be_asked_for_its_class_is_a_result(runner: Runner) -> None:
    """Neither a result nor the answer of a callback is looked at more closely than its type."""
    undone: list[Any] = []

    def undo(result: Any) -> Liar:
        undone.append(type(result))
        return Liar()

    chain = runner.chain(before_step=lambda **about: Liar())
    chain.next(
        runner.fn(Liar),
        out="liar",
        name="liar",
        undo=undo,
        validate=lambda result: Liar(),
        log=lambda context, result: Liar(),
    )
    chain.next(runner.fn(lambda: 1 // 0), name="fail")
    with pytest.raises(StepFailedError) as caught:
        runner.run(chain)
    assert caught.value.step == "fail"
    assert caught.value.undo_errors == []
    assert undone == [Liar]
