"""A chain as a step of another one, and copies of chains."""

from __future__ import annotations

import copy
import gc
import threading
from typing import TYPE_CHECKING, Any

import pytest

import headrace.testing
from headrace import (
    AsyncChain,
    Chain,
    ChainError,
    ChainResult,
    DeadlineExceededError,
    StepFailedError,
    ValidationFailedError,
)
from headrace._process.testing import no_waiting
from tests import virtual_time

if TYPE_CHECKING:
    from .runners import Runner


def names(result: ChainResult | None) -> list[str]:
    assert result is not None
    return [step.name for step in result.steps]


class Shop:
    """A log of the calls and undos of steps."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.events: list[str] = []
        self.failures: list[Exception] = []

    def do(self, name: str) -> Any:
        def step(*args: Any) -> str:
            self.events.append(f"do {name}")
            return name

        return self.runner.fn(step)

    def undo(self, name: str) -> Any:
        def undo(result: Any) -> None:
            self.events.append(f"undo {name}")

        return self.runner.fn(undo)

    def fail(self) -> Any:
        def step() -> str:
            if self.failures:
                raise self.failures.pop(0)
            return "well"

        return self.runner.fn(step)

    def payment(self, *failures: Exception) -> Any:
        """Return a chain of two steps that can be undone, and one that fails at first."""
        self.failures = list(failures)
        return (
            self.runner
            .chain("pay")
            .next(self.do("reserve"), out="reserved", undo=self.undo("reserve"))
            .next(self.do("charge"), out="charged", undo=self.undo("charge"))
            .next(self.fail(), out="sent", name="send")
        )


@pytest.fixture
def shop(runner: Runner) -> Shop:
    return Shop(runner)


@pytest.mark.guarantee(87)
def test_the_steps_of_a_chain_within_show_in_the_report(shop: Shop) -> None:
    """The inner chain starts with the outer context, and its outputs go there."""
    runner = shop.runner
    chain = (
        runner
        .chain()
        .next(runner.fn(lambda: 1), out="first")
        .next(runner.chain().next(runner.fn(lambda x: x + 1), out="second", args=["first"]))
        .next(runner.fn(lambda x: x + 1), out="third", args=["second"])
    )
    result = runner.run(chain)
    assert result == {"first": 1, "second": 2, "third": 3}
    assert names(result) == ["first", "second", "third"]
    assert "second" in str(result.report)


@pytest.mark.guarantee(87)
def test_a_chain_within_takes_inputs_and_gives_its_context(runner: Runner) -> None:
    """With `kwargs` it starts with only these, and `out` holds the result of its `run`."""
    double = (
        runner
        .chain()
        .put("factor", 2)
        .put("n", 0)
        .next(
            runner.fn(lambda n, factor, hidden: (n * factor, hidden)),
            out="product",
            args=["n", "factor", "hidden"],
        )
    )
    chain = runner.chain().next(double, out="doubled", kwargs={"n": "number"})
    result = runner.run(chain, number=4, hidden=1)
    assert result["doubled"] == {"factor": 2, "n": 4, "product": (8, None)}
    assert isinstance(result["doubled"], ChainResult)
    assert "product" not in result
    assert names(result) == ["product"]
    assert result["doubled"].report.steps == result.report.steps


@pytest.mark.guarantee(87)
def test_its_undos_belong_to_the_outer_run(shop: Shop) -> None:
    """A later failure undoes the inner steps too, in reverse order of all steps."""
    runner = shop.runner
    chain = (
        runner
        .chain()
        .next(shop.do("pack"), undo=shop.undo("pack"), name="pack")
        .next(shop.payment())
        .next(shop.do("ship"), undo=shop.undo("ship"), name="ship")
        .next(runner.fn(lambda: 1 / 0), name="label")
    )
    with pytest.raises(StepFailedError, match="step 'label' failed") as caught:
        runner.run(chain)
    assert shop.events[4:] == ["undo ship", "undo charge", "undo reserve", "undo pack"]
    assert caught.value.result is not None
    assert [(step.name, step.reason) for step in caught.value.result.steps] == [
        ("pack", "undone"),
        ("reserved", "undone"),
        ("charged", "undone"),
        ("send", None),
        ("ship", "undone"),
        ("label", "ZeroDivisionError: division by zero"),
    ]


@pytest.mark.guarantee(87)
def test_an_error_within_is_an_error_of_the_outer_run(shop: Shop) -> None:
    """The error names the inner step and has the outer result; it is not wrapped twice."""
    runner = shop.runner
    chain = (
        runner
        .chain()
        .next(shop.do("pack"), out="packed", undo=shop.undo("pack"))
        .next(shop.payment(ValueError("no route")))
        .next(shop.do("never"))
    )
    with pytest.raises(StepFailedError) as caught:
        runner.run(chain)
    assert str(caught.value) == "step 'send' failed: ValueError: no route"
    assert isinstance(caught.value.__cause__, ValueError)
    assert caught.value.attempts == 1
    result = caught.value.result
    assert result == {"packed": "pack", "reserved": "reserve", "charged": "charge"}
    assert names(result) == ["packed", "reserved", "charged", "send"]
    assert shop.events[3:] == ["undo charge", "undo reserve", "undo pack"]


@pytest.mark.guarantee(87)
def test_a_retry_of_a_chain_undoes_what_the_attempt_has_done(shop: Shop) -> None:
    """It happens before the next attempt; `retry_on` sees the inner step's error."""
    runner = shop.runner
    payment = shop.payment(ConnectionError("down"), ConnectionError("down"))
    chain = runner.chain().next(payment, name="payment", retries=2, retry_on=ConnectionError)
    with no_waiting():
        result = runner.run(chain)
    attempt = ["do reserve", "do charge", "undo charge", "undo reserve"]
    assert shop.events == [*attempt, *attempt, "do reserve", "do charge"]
    assert [(step.outcome, step.reason) for step in result.steps] == [("ok", None)] * 3
    assert result["sent"] == "well"


@pytest.mark.guarantee(87)
@pytest.mark.parametrize("error", [KeyError("x"), ConnectionError("down")])
def test_a_chain_that_fails_for_good_is_undone_once(shop: Shop, error: Exception) -> None:
    """It is undone once, whether or not `retry_on` matches its error."""
    runner = shop.runner
    chain = runner.chain().next(shop.payment(error, error), retries=1, retry_on=ConnectionError)
    with no_waiting(), pytest.raises(StepFailedError, match="step 'send' failed"):
        runner.run(chain)
    assert shop.events.count("do charge") == shop.events.count("undo charge")
    assert shop.events[-2:] == ["undo charge", "undo reserve"]


@pytest.mark.guarantee(87)
def test_what_belongs_to_a_step_belongs_to_a_chain_too(shop: Shop) -> None:
    """`when`, `validate`, `undo` and `log` apply to the inner chain as a whole."""
    runner = shop.runner
    logged: list[Any] = []
    skipped = runner.chain().next(shop.payment(), name="payment", when="is_paid")
    result = runner.run(skipped, is_paid=False)
    assert [(step.name, step.outcome) for step in result.steps] == [("payment", "skipped")]
    assert shop.events == []

    chain = runner.chain().next(
        shop.payment(),
        out="payment",
        validate=lambda payment: payment["sent"] != "well",
        undo=shop.undo("all of it"),
    )
    with pytest.raises(ValidationFailedError) as caught:
        runner.run(chain)
    assert shop.events[2:] == ["undo all of it", "undo charge", "undo reserve"]
    assert names(caught.value.result) == ["reserved", "charged", "send", "payment"]

    chain = runner.chain().next(shop.payment(), log=lambda context, result: logged.append(result))
    runner.run(chain)
    assert logged == [{"reserved": "reserve", "charged": "charge", "sent": "well"}]


@pytest.mark.guarantee(87)
def test_chains_nest_in_chains_and_branches(shop: Shop) -> None:
    """Chains nest at any depth, and each step name is unique."""
    runner = shop.runner
    inner = runner.chain().next(shop.do("a"), undo=shop.undo("a"), name="a")
    middle = runner.chain().next(inner).next(shop.do("b"), undo=shop.undo("b"), name="b")
    chain = (
        runner
        .chain()
        .next(middle)
        .parallel(runner.chain().next(inner), runner.chain().next(shop.do("c"), name="c"))
        .next(inner)
        .next(runner.fn(lambda: 1 / 0), name="fails")
    )
    with pytest.raises(StepFailedError) as caught:
        runner.run(chain)
    assert names(caught.value.result) == ["a", "b", "a_2", "c", "a_3", "fails"]
    assert [event for event in shop.events if "undo" in event] == [
        "undo a",
        "undo a",
        "undo b",
        "undo a",
    ]
    assert list(chain.graph().steps) == ["a", "b", "a_2", "c", "a_3", "fails"]
    assert runner.run(inner) == {}


@pytest.mark.guarantee(87)
def test_hooks_and_backends_see_the_steps_within(shop: Shop) -> None:
    """The outer chain's hooks apply unless the inner one has its own; each step is seen once."""
    runner = shop.runner
    hooked: list[str] = []
    chain = runner.chain("shop", before_step=lambda step, context: hooked.append(step))
    chain.next(shop.payment()).next(shop.do("ship"), name="ship")
    with headrace.testing.capture() as captured:
        runner.run(chain)
    assert hooked == ["reserved", "charged", "send", "ship"]
    assert [(step.flow, step.name) for step in captured.steps] == [
        ("shop", name) for name in hooked
    ]
    drawn = str(headrace.generate_dag("shop"))
    assert "charged --> send" in drawn
    assert "send --> ship" in drawn


@pytest.mark.guarantee(87)
def test_the_deadline_of_the_outer_run_bounds_the_inner_one(shop: Shop) -> None:
    """The inner deadline can only shorten the outer one."""
    runner = shop.runner
    inner = runner.chain(deadline=60).next(runner.fn(headrace.remaining), out="left")
    chain = runner.chain(deadline=5).next(inner)
    assert 4 < runner.run(chain)["left"] <= 5
    inner = runner.chain(deadline=0).next(runner.fn(headrace.remaining), out="left")
    with pytest.raises(DeadlineExceededError):
        runner.run(runner.chain(deadline=5).next(inner))


@pytest.mark.guarantee(87)
def test_a_sync_chain_is_a_step_of_an_async_one() -> None:
    """Its steps run in threads; a timeout covers the whole inner chain."""
    undone: list[str] = []

    def slow() -> str:
        virtual_time.sleep(1)
        return "slow"

    inner = Chain().next(lambda: "a", undo=undone.append, name="a").next(slow, undo=undone.append)
    chain = AsyncChain().next(inner, name="inner", timeout=0.5)

    with pytest.raises(DeadlineExceededError, match="no result within"):
        virtual_time.run(chain.run())
    assert undone == ["slow", "a"]


@pytest.mark.guarantee(87)
def test_what_cannot_be_is_refused_with_the_reason(runner: Runner) -> None:
    """Invalid nesting raises while the chain is built."""
    step = runner.fn(lambda: 1)
    inner = runner.chain().next(step, out="x")
    with pytest.raises(TypeError, match="takes its inputs by name"):
        runner.chain().next(inner, args=["x"])
    with pytest.raises(ValueError, match="step of itself"):
        inner.next(inner)
    with pytest.raises(ValueError, match="at least one step"):
        runner.chain().next(runner.chain())
    with pytest.raises(ValueError, match="both write 'x'"):
        runner.chain().next(step, out="x").next(inner)
    runner.chain().next(step, out="x").next(inner, out="y")
    with pytest.raises(ChainError, match="a step"):
        inner.next(step)


@pytest.mark.guarantee(87)
def test_an_async_chain_is_no_step_of_a_sync_one() -> None:
    """A sync chain cannot await it, and `allow_sync=False` checks the inner steps."""

    async def wait() -> None: ...

    with pytest.raises(TypeError, match="a Chain cannot await"):
        Chain().next(AsyncChain().next(wait))  # type: ignore[arg-type, unused-ignore]
    with pytest.raises(TypeError, match="allow_sync=False"):
        AsyncChain(allow_sync=False).next(Chain().next(print))


@pytest.mark.guarantee(87)
def test_check_looks_into_a_chain_within(runner: Runner) -> None:
    """`check` resolves its references against the outer context or its inputs."""
    inner = runner.chain().next(runner.fn(len), out="n", args=["rows"])
    assert runner.chain().next(inner).check("rows") == []
    assert runner.chain().next(inner).next(runner.fn(str), args=["n"]).check("rows") == []
    (problem,) = runner.chain().next(inner, kwargs={"row": "rows"}).check("rows")
    assert problem.startswith("step 'n': args refers to 'rows'")
    (problem,) = runner.chain().next(inner, kwargs={"rows": "missing"}).check("rows")
    assert "kwargs refers to 'missing'" in problem


@pytest.mark.guarantee(116)
@pytest.mark.parametrize("how", [copy.copy, lambda chain: chain.copy()])
def test_a_copy_is_independent_and_can_be_built_further(runner: Runner, how: Any) -> None:
    """A copy can be extended even if the original has run, or is a branch or a step."""
    original = runner.chain().put("n", 1).next(runner.fn(lambda n: n + 1), out="m", args=["n"])
    runner.run(original)
    runner.chain().next(original)
    copied = how(original).put("n", 10).next(runner.fn(lambda m: m + 1), out="o", args=["m"])
    assert type(copied) is type(original)
    assert runner.run(copied) == {"n": 10, "m": 11, "o": 12}
    assert runner.run(original) == {"n": 1, "m": 2}
    with pytest.raises(ChainError):
        copied.put("n", 2)


@pytest.mark.guarantee(116)
def test_a_copy_of_a_flow_leaves_its_steps_to_the_original(runner: Runner) -> None:
    """The copy takes the steps over if the original is freed first."""
    step = runner.fn(lambda: 1)
    original = runner.chain(f"copied {runner}").next(step, name="a")

    def steps() -> set[str]:
        return set(headrace.get_flow(f"copied {runner}").graph().steps)

    copied = original.copy().next(step, name="b")
    assert steps() == {"a", "b"}
    del copied
    gc.collect()
    original.copy()
    assert steps() == {"a"}
    copied = original.copy()
    del original
    gc.collect()
    copied.next(step, name="c")
    copied.copy()
    assert steps() == {"a", "c"}


@pytest.mark.guarantee(87)
def test_a_result_is_true_when_steps_ran(runner: Runner) -> None:
    """`if error.result:` is true if the result has steps or values."""
    with pytest.raises(ChainError) as caught:
        runner.run(runner.chain().next(runner.fn(lambda: 1 / 0)))
    assert caught.value.result == {}
    assert caught.value.result
    assert runner.run(runner.chain().next(runner.fn(lambda: None)))
    assert not runner.run(runner.chain())
    assert runner.run(runner.chain(), n=1)
    assert copy.copy(caught.value.result)
    assert not ChainResult()


@pytest.mark.guarantee(116)
def test_a_deep_copy_has_put_values_of_its_own(runner: Runner) -> None:
    """`copy.deepcopy` gives a chain that can be built further and shares no value."""
    lock = threading.Lock()  # what cannot be copied is shared
    chain = runner.chain().put("rows", [1]).put("lock", lock)
    chain.next(runner.fn(len), out="count", args=["rows"])
    runner.run(chain)
    copied = copy.deepcopy(chain).next(runner.fn(list), out="rest", args=["rows"])
    assert runner.run(copied)["rest"] == [1]
    assert runner.run(copied)["rows"] is not runner.run(chain)["rows"]
    assert runner.run(copied)["lock"] is lock
