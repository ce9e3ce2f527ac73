"""Foreign code that fails at any crossing of a chain's run."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace import AsyncChain, Chain, ChainError, StepFailedError
from tests.faults.crossings import (
    BrokenError,
    Crossings,
    ForeignError,
    ForeignValue,
    Interrupt,
    each_fault,
)
from tests.faults.interrupts import interrupt

if TYPE_CHECKING:
    from collections.abc import Callable

RUNNERS: dict[str, Callable[..., Any]] = {
    "sync": Chain,
    "async": AsyncChain,
}
# A fault in these is meaningful: the step or the run fails.
DECIDING = {"when", "validate", "undo"}
# Called after a run has succeeded, and asyncio's own check of the result.
AFTER_THE_RUN = {
    "backend: unit: __exit__",
    "unit line filter",
    "unit line handler",
    "value: repr",
}


class Shop:
    """The steps of an order, which count their calls, and the hooks around them."""

    def __init__(self, crossings: Crossings, *, fails: bool) -> None:
        self.crossings = crossings
        self.calls: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.undone: Counter[str] = Counter()
        self.error = ForeignError(crossings)
        self._fails = fails

    def pay(self, order: Any) -> str:
        self.calls["pay"] += 1
        self.done["pay"] += 1
        return "paid"

    def ship(self, order: Any) -> str:
        self.calls["ship"] += 1
        if self.calls["ship"] == 1:
            raise ConnectionError("again")
        self.done["ship"] += 1
        return "shipped"

    def mail(self) -> str:
        self.calls["mail"] += 1
        if self._fails:
            raise self.error
        self.done["mail"] += 1
        return "mailed"

    def hook(self, name: str) -> Callable[..., None]:
        def call(*_args: Any, **_about: Any) -> None:
            self.crossings.cross(name)

        return call

    def asks(self, name: str) -> Callable[..., bool]:
        def ask(*_: Any) -> bool:
            self.crossings.cross(name)
            return True

        return ask

    def undo(self, name: str) -> Callable[[Any], None]:
        def undo(_result: Any) -> None:
            self.undone[name] += 1
            self.crossings.cross("undo")

        return undo

    def chain(self, kind: Callable[..., Any], redact: Any) -> Any:
        return (
            kind(
                "tests.faults",
                before_step=self.hook("before_step"),
                after_step=self.hook("after_step"),
                on_retry=self.hook("on_retry"),
                redact=redact,
                deadline=1000,
                jitter=False,
            )
            .next(
                self.pay,
                out="pay",
                args=["order"],
                undo=self.undo("pay"),
                when=self.asks("when"),
                validate=self.asks("validate"),
                log=self.hook("log"),
                log_fmt="{order} {order.name} {order.__len__} {pay} {secret}",
            )
            .next(
                self.ship,
                out="ship",
                args=["order"],
                retries=2,
                backoff=0,
                retry_on=self.asks("retry_on"),
                undo=self.undo("ship"),
                log_fmt="{result} of {order}",
            )
            .next(self.mail, out="mail", log_fmt="{mail} {order.items}")
        )


def run(chain: Any, **inputs: Any) -> Any:
    """Run `chain` to its end."""
    result = chain.run(**inputs)
    return asyncio.run(result) if asyncio.iscoroutine(result) else result


def attempt(shop: Shop, kind: Callable[..., Any], redact: Any) -> tuple[Any, BaseException | None]:
    """Run the shop's chain, and return its result or its error."""
    order = ForeignValue(shop.crossings)
    try:
        return run(shop.chain(kind, redact), order=order, secret="4711-0815"), None
    except (ChainError, BrokenError, Interrupt) as error:
        return None, error


@pytest.mark.guarantee(98)
@pytest.mark.parametrize("redact", [None, ["secret"]], ids=["plain", "redacted"])
@pytest.mark.parametrize("runner", RUNNERS)
def test_a_fault_in_foreign_code_changes_nothing_of_a_good_run(runner: str, redact: Any) -> None:
    """Each step is called as often as without the fault, and the run has its result."""

    def scenario(crossings: Crossings) -> None:
        shop = Shop(crossings, fails=False)
        result, error = attempt(shop, RUNNERS[runner], redact)
        assert headrace.get_flow_context() is None
        reached = crossings.reached
        if reached in DECIDING:
            assert isinstance(error, ChainError)
            assert shop.undone == {name: 1 for name in shop.done if name != "mail"}
            return
        if reached == "retry_on":  # it cannot ask for another attempt
            assert shop.calls == {"pay": 1, "ship": 1}
            assert shop.undone == {"pay": 1}
            return
        assert error is None
        assert shop.calls == {"pay": 1, "ship": 2, "mail": 1}
        assert (result["pay"], result["ship"], result["mail"]) == ("paid", "shipped", "mailed")
        assert shop.undone == {}

    names = each_fault(scenario, BrokenError)
    assert {"before_step", "after_step", "on_retry", "log", "log handler"} <= names


@pytest.mark.guarantee(98)
@pytest.mark.parametrize("redact", [None, ["secret"]], ids=["plain", "redacted"])
@pytest.mark.parametrize("runner", RUNNERS)
def test_a_fault_in_foreign_code_hides_no_failure_and_skips_no_undo(
    runner: str, redact: Any
) -> None:
    """The caller gets the step's own error, and each finished step is undone once."""

    def scenario(crossings: Crossings) -> None:
        shop = Shop(crossings, fails=True)
        _, error = attempt(shop, RUNNERS[runner], redact)
        assert headrace.get_flow_context() is None
        assert shop.undone == dict.fromkeys(shop.done, 1)
        assert isinstance(error, ChainError)
        if crossings.reached in {"when", "validate", "retry_on"}:
            return
        assert isinstance(error, StepFailedError)
        assert error.step == "mail"
        assert shop.calls == {"pay": 1, "ship": 2, "mail": 1}
        assert isinstance(error.__cause__, ForeignError)

    names = each_fault(scenario, BrokenError)
    assert {"undo", "exception: str", "log filter"} <= names


@pytest.mark.guarantee(98)
@pytest.mark.parametrize("fails", [False, True], ids=["good", "failing"])
@pytest.mark.parametrize("redact", [None, ["secret"]], ids=["plain", "redacted"])
@pytest.mark.parametrize("runner", RUNNERS)
def test_an_interrupt_in_foreign_code_repeats_no_step_and_skips_no_undo(
    runner: str, redact: Any, fails: bool
) -> None:
    """It reaches the caller, no step runs again, and each finished step is undone once."""

    def scenario(crossings: Crossings) -> None:
        shop = Shop(crossings, fails=fails)
        result, error = attempt(shop, RUNNERS[runner], redact)
        assert headrace.get_flow_context() is None
        assert max(shop.calls.values(), default=0) <= 2
        assert (shop.calls["pay"], shop.calls["mail"]) <= (1, 1)
        is_after_the_run = crossings.reached in AFTER_THE_RUN
        if result is None and not is_after_the_run:
            assert shop.undone == {name: 1 for name in shop.done if name != "mail"}
        if crossings.reached == "exception: str" and isinstance(error, StepFailedError):
            return  # the traceback module swallows it while formatting the failure
        if crossings.reached:
            assert isinstance(error, Interrupt)

    assert len(each_fault(scenario, Interrupt)) > 10


@pytest.mark.guarantee(98)
@pytest.mark.filterwarnings("ignore:.*was never awaited")
@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is new in 3.12")
@pytest.mark.parametrize("runner", RUNNERS)
def test_an_interrupt_at_any_place_keeps_no_more_than_one_undo_from_running(runner: str) -> None:
    """That of the step that has just ended, or the one that was about to begin; never another."""
    places = 0
    with asyncio.Runner() as loop:
        loop.get_loop()
        for target in range(1, 5000):
            shop = Counters()
            chain = shop.chain(RUNNERS[runner])
            chain._freeze()

            def scenario(chain: Any = chain) -> None:
                with contextlib.suppress(ChainError):
                    result = chain.run()
                    if asyncio.iscoroutine(result):
                        loop.get_loop().run_until_complete(result)

            # No unit encloses the run, which would restore the step after an interrupt of its end.
            place = contextvars.copy_context().run(interrupt, scenario, target)
            if not place:
                break
            places += 1
            missing = shop.done - shop.undone
            assert missing.total() <= 1, (place, missing)
            assert not shop.undone - shop.done, place
    assert places > 100


class Counters:
    """A chain of three steps with undos, the last of which fails, and counts of both."""

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()
        self.undone: Counter[str] = Counter()

    def chain(self, make: Callable[..., Any]) -> Any:
        chain = make()
        for name in ("a", "b", "c"):
            step = (
                lambda name=name: self.done.update([name]),
                lambda _, name=name: self.undone.update([name]),
            )
            function, undo = step if make is Chain else map(_awaited, step)
            chain.next(function, name=name, undo=undo)
        fail: Any = lambda: 1 / 0  # noqa: E731
        return chain.next(fail if make is Chain else _awaited(fail), name="d")


def _awaited(function: Callable[..., Any]) -> Callable[..., Any]:
    async def awaited(*args: Any) -> Any:
        return function(*args)

    return awaited
