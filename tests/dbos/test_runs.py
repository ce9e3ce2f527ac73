"""Durable runs within one process: results, errors, records, handles."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

import headrace
import headrace_dbos
from headrace import AsyncChain, Chain, StepFailedError
from headrace_dbos import (
    ChangedChainError,
    DurableError,
    RunCancelledError,
    RunConflictError,
    ValueNotRecordedError,
    _state,
    durable,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class Shop:
    """Steps that write down what they do."""

    def __init__(self, failures: int = 0) -> None:
        self.events: list[Any] = []
        self._failures = failures

    def charge(self, order: int) -> dict[str, Any]:
        self.events.append(("charge", headrace.current_step_key()))
        if self._failures:
            self._failures -= 1
            raise ConnectionError("the bank is away")
        return {"order": order, "lines": (1, 2)}

    def refund(self, paid: Any) -> None:
        self.events.append(("refund", paid, headrace.current_step_key()))

    def ship(self) -> str:
        self.events.append("ship")
        return "parcel"

    def fail(self) -> None:
        raise ValueError("no mail")


def names(handle: headrace_dbos.Handle) -> list[str]:
    """Return the names of the recorded steps."""
    return [step.name for step in handle.watch()]


def test_a_run_returns_the_result_of_the_chain(launch: Callable[..., None]) -> None:
    """Values, `put` values, reports and the correlation ID are those of a run in the process."""
    shop = Shop()
    chain = Chain("orders").put("unit", "kg")
    chain.next(shop.charge, args=["order"], out="paid").next(shop.ship, out="parcel")
    orders = durable(chain)
    launch()
    with headrace.open_context("order-7"):
        result = orders.run(order=7)
    paid = {"order": 7, "lines": [1, 2]}
    assert result == {"unit": "kg", "order": 7, "paid": paid, "parcel": "parcel"}
    assert [(each.name, each.outcome) for each in result.steps] == [
        ("paid", "ok"),
        ("parcel", "ok"),
    ]
    assert result.correlation_id == "order-7"
    assert chain.run(order=7)["paid"]["lines"] == (1, 2), "the chain still runs in the process"


def test_the_cause_of_a_run_is_the_unit_that_started_it(launch: Callable[..., None]) -> None:
    """Steps run in a unit of the starter's operation, which names the starter as its cause."""
    seen: list[headrace.FlowContext] = []

    def note() -> None:
        context = headrace.get_flow_context()
        assert context is not None
        seen.append(context)

    orders = durable(Chain("orders").next(note))
    launch()
    with headrace.open_context("order-7") as starter:
        orders.start("run-1").result()
    assert [(each.correlation_id, each.causation_id) for each in seen] == [
        ("order-7", starter.unit_id)
    ]


def test_each_attempt_and_undo_is_a_step_and_backoff_is_a_sleep(
    launch: Callable[..., None],
) -> None:
    """The records are named for the attempts; undos get results as they were recorded."""
    shop = Shop(failures=1)
    chain = Chain("orders", jitter=False)
    chain.next(
        shop.charge, name="charge", args=["order"], retries=2, backoff=0.01, undo=shop.refund
    )
    chain.next(shop.fail, name="mail", when=lambda context: context["order"] == 7)
    orders = durable(chain)
    launch()
    handle = orders.start("r1", order=7)
    with pytest.raises(StepFailedError, match="'mail' failed: ValueError: no mail") as caught:
        handle.result()
    assert names(handle) == [
        "charge",
        "DBOS.sleep",
        "charge#2",
        "when mail",
        "mail",
        "undo charge",
    ]
    assert shop.events == [
        ("charge", "r1:charge"),
        ("charge", "r1:charge"),
        ("refund", {"order": 7, "lines": [1, 2]}, "r1:undo charge"),
    ]
    assert handle.status() == "failed"
    assert caught.value.result is not None
    assert [each.reason for each in caught.value.result.steps] == ["undone", "ValueError: no mail"]


def test_an_error_read_from_the_records_is_like_the_live_one(launch: Callable[..., None]) -> None:
    """Another start of the same run gives its type, cause, undo errors, result and reports."""

    def refund(_paid: Any) -> None:
        raise RuntimeError("no refund")

    shop = Shop()
    chain = Chain("orders").next(shop.charge, args=["order"], out="paid", undo=refund)
    orders = durable(chain.next(shop.fail, name="mail"))
    launch()
    with pytest.raises(StepFailedError):
        orders.run("r1", order=7)
    with pytest.raises(StepFailedError) as caught:
        orders.run("r1", order=7)
    error = caught.value
    assert (error.step, error.reason) == ("mail", "ValueError: no mail")
    assert isinstance(error.__cause__, ValueError)
    assert [str(each) for each in error.undo_errors] == ["no refund"]
    assert error.result is not None
    assert error.result["paid"]["order"] == 7
    assert error.result.steps[0].reason == "undo failed: RuntimeError: no refund"


def test_the_same_id_and_inputs_are_one_run(launch: Callable[..., None]) -> None:
    """It runs once; other inputs or another chain raise; the context is not compared."""
    shop = Shop()
    orders = durable(Chain("orders").next(shop.ship, out="parcel"))
    others = durable(Chain("others").next(shop.ship, out="parcel"))
    launch()
    with headrace.open_context("first"):
        assert orders.run("r1", order=7)["parcel"] == "parcel"
    with headrace.open_context("second"):
        assert orders.run("r1", order=7).correlation_id == "first"
    assert shop.events == ["ship"]
    with pytest.raises(RunConflictError, match="'r1' was started with other inputs"):
        orders.run("r1", order=8)
    with pytest.raises(RunConflictError, match="another chain"):
        others.run("r1", order=7)


def test_branches_are_child_workflows_whose_undos_the_parent_runs(
    launch: Callable[..., None],
) -> None:
    """Outputs, nested branches, reports and undos arrive; errors name the step."""
    undone: list[Any] = []
    shop = Shop()
    deep = Chain().next(lambda left: left + "d", args=["left"], out="deep", undo=undone.append)
    left = Chain().next(lambda: "l", out="left", undo=undone.append)
    left.parallel(deep, Chain().next(lambda: "e", out="deeper"))
    right = Chain().next(lambda order: order + 1, args=["order"], out="right", undo=undone.append)
    chain = Chain("orders").parallel(left, right).next(shop.fail, name="mail")
    orders = durable(chain)
    launch()
    handle = orders.start("r1", order=7)
    with pytest.raises(StepFailedError, match="'mail'") as caught:
        handle.result()
    assert undone == [8, "ld", "l"]
    assert caught.value.result == {"order": 7, "left": "l", "deep": "ld", "deeper": "e", "right": 8}
    reports = [(each.name, each.reason) for each in caught.value.result.steps]
    assert reports == [
        ("left", "undone"),
        ("deep", "undone"),
        ("deeper", None),
        ("right", "undone"),
        ("mail", "ValueError: no mail"),
    ]


def test_the_error_of_a_branch_is_that_of_the_chain(launch: Callable[..., None]) -> None:
    """It names the step, and what the other branch did is undone."""
    undone: list[Any] = []
    shop = Shop()
    good = Chain().next(lambda: "l", out="left", undo=undone.append)
    chain = Chain("orders").parallel(good, Chain().next(shop.fail, name="mail"))
    orders = durable(chain)
    launch()
    with pytest.raises(StepFailedError, match="step 'mail' failed: ValueError: no mail") as caught:
        orders.run()
    assert undone == ["l"]
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_result_that_cannot_be_recorded_fails_the_step_but_its_undo_gets_it(
    launch: Callable[..., None],
) -> None:
    """It is not retried, its undo runs with the live result, the error names step and type."""
    undone: list[Any] = []
    calls: list[int] = []

    def connect() -> object:
        calls.append(1)
        return shop

    shop = Shop()
    orders = durable(Chain("orders").next(connect, retries=3, undo=undone.append))
    launch()
    with pytest.raises(StepFailedError, match=r"step 'connect'.*type Shop") as caught:
        orders.run()
    assert isinstance(caught.value.__cause__, ValueNotRecordedError)
    assert (calls, undone) == ([1], [shop])


def test_an_input_that_cannot_be_recorded_is_refused_before_the_run_is(
    launch: Callable[..., None],
) -> None:
    """Nothing is recorded, and the error names the input."""
    orders = durable(Chain("orders").next(print))
    launch()
    with pytest.raises(ValueNotRecordedError, match=r"input 'order'.*type object"):
        orders.run("r1", order=object())
    assert list(headrace_dbos.unfinished()) == []


def test_redacted_keys_are_not_recorded_in_clear_text(launch: Callable[..., None]) -> None:
    """As an input, inside a result, or as an output that is known before."""
    orders = durable(Chain("orders", redact=["card"]).next(lambda: {"card": 4111}, name="pay"))
    launch()
    with pytest.raises(ValueNotRecordedError, match="'card', which the chain redacts"):
        orders.run(card=4111)
    with pytest.raises(StepFailedError, match=r"step 'pay'.*'card', which the chain redacts"):
        orders.run()


def test_a_redacted_output_is_refused_at_launch(launch: Callable[..., None]) -> None:
    """Unless the serializer says that it encrypts."""

    class Sealed(headrace_dbos.PickleSerializer):
        encrypts = True

    durable(Chain("orders", redact=["card"]).next(lambda: 4111, out="card"))
    with pytest.raises(ValueError, match="redacts its output 'card'"):
        launch()
    launch(serializer=Sealed())


def test_pickle_is_a_choice(launch: Callable[..., None]) -> None:
    """With it, tuples stay tuples."""
    orders = durable(Chain("orders").next(lambda: (1, {2}), out="pair"))
    launch(serializer="pickle")
    assert orders.run("r1")["pair"] == (1, {2})
    assert orders.run("r1")["pair"] == (1, {2})


def test_a_run_can_be_watched_cancelled_and_resumed(launch: Callable[..., None]) -> None:
    """A cancelled run stops before its next step, with its branches; `resume` continues it."""
    shop, is_open = Shop(), [False]

    def wait() -> None:
        deadline = time.monotonic() + 60
        while not is_open[0] and time.monotonic() < deadline:
            time.sleep(0.01)

    branch = Chain().next(wait, name="wait").next(shop.ship, name="inner")
    orders = durable(Chain("orders").next(shop.ship, name="first").parallel(branch))
    launch()
    handle = orders.start("r1")
    assert next(iter(handle.watch())).name == "first"
    assert handle.status() == "running"
    handle.cancel()
    is_open[0] = True
    with pytest.raises(RunCancelledError, match="'r1' was cancelled"):
        handle.result()
    assert handle.status() == "cancelled"
    assert [each.run_id for each in headrace_dbos.unfinished()] == ["r1"]
    assert headrace_dbos.resume("r1").result() == {}
    assert shop.events == ["ship", "ship"], "each once"
    assert list(headrace_dbos.unfinished()) == []


def test_finished_runs_are_deleted_with_their_branches(launch: Callable[..., None]) -> None:
    """Those that ended long enough ago, well or not."""
    orders = durable(Chain("orders").parallel(Chain().next(lambda: 1, out="one")))
    launch()
    orders.run("r1")
    assert headrace_dbos.delete_finished(older_than=60) == 0
    time.sleep(0.01)
    assert headrace_dbos.delete_finished(older_than=0) == 1
    with pytest.raises(DurableError, match="no run 'r1'"):
        headrace_dbos.resume("r1")
    orders.run("r1")


def test_an_async_chain_is_awaited(launch: Callable[..., None]) -> None:
    """With coroutine functions, sync steps, retries, timeouts, branches, undos and handles."""
    undone: list[Any] = []
    calls: list[int] = []

    async def charge(order: int) -> int:
        calls.append(order)
        if len(calls) == 1:
            await asyncio.sleep(60)
        return order

    async def refund(paid: int) -> None:
        undone.append((paid, headrace.current_step_key()))

    chain = AsyncChain("orders", jitter=False)
    chain.next(
        charge, name="charge", args=["order"], retries=1, backoff=0.01, timeout=0.05, undo=refund
    )
    chain.parallel(
        AsyncChain().next(lambda: "l", out="left"), AsyncChain().next(lambda: "r", out="right")
    )
    chain.next(lambda fails: 1 / (0 if fails else 1), args=["fails"], name="mail")
    orders = durable(chain)
    launch()

    async def main() -> None:
        assert await orders.run("r1", order=7, fails=False) == {
            "order": 7,
            "fails": False,
            "left": "l",
            "right": "r",
        }
        handle = await orders.start("r2", order=8, fails=True)
        with pytest.raises(StepFailedError, match="'mail' failed: ZeroDivisionError"):
            await handle.result()
        assert await handle.status() == "failed"
        steps = [step.name async for step in handle.watch()]
        assert steps == ["charge", "mail", "undo charge"]
        with pytest.raises(RunConflictError):
            await orders.start("r1", order=8)

    asyncio.run(main())
    assert calls == [7, 7, 8]
    assert undone == [(8, "r2:undo charge")]


def test_everything_can_be_called_on_an_event_loop(launch: Callable[..., None]) -> None:
    """Where DBOS itself refuses to block: the launch with a queue, and what an operator calls."""

    async def one() -> int:
        return 1

    orders = durable(AsyncChain("orders").next(one, out="one"), queue="slow")

    async def main() -> None:
        launch()
        handle = await orders.start("r1")
        assert (await handle.result())["one"] == 1
        assert list(headrace_dbos.unfinished()) == []
        assert headrace_dbos.recover("two") == 0
        assert headrace_dbos.delete_finished(older_than=60) == 0

    asyncio.run(main())


def test_hooks_are_called_once_for_each_step(launch: Callable[..., None]) -> None:
    """In a run that nothing interrupts they are called as in the process."""
    hooks: list[str] = []
    chain = Chain(
        "orders",
        before_step=lambda step, context: hooks.append(f"before {step}"),
        after_step=lambda step, **_: hooks.append(f"after {step}"),
        on_retry=lambda step, **_: hooks.append(f"retry {step}"),
    )
    chain.next(Shop(failures=1).charge, name="charge", args=["order"], retries=1, backoff=0)
    orders = durable(chain)
    launch()
    orders.run(order=1)
    assert hooks == ["before charge", "retry charge", "after charge"]


def test_what_a_durable_chain_cannot_have_is_refused(launch: Callable[..., None]) -> None:
    """No name, a name twice, a timeout around a nested chain, and a start before the launch."""
    with pytest.raises(ValueError, match="needs a name"):
        durable(Chain().next(print))
    inner = AsyncChain().next(print)
    with pytest.raises(ValueError, match="nested chain 'inner' has a timeout"):
        durable(AsyncChain("orders").next(inner, name="inner", timeout=1))
    orders = durable(Chain("orders").next(print))
    with pytest.raises(ValueError, match="another durable chain named 'orders'"):
        durable(Chain("orders").next(print))
    with pytest.raises(RuntimeError, match="launch"):
        orders.run()
    launch()
    with pytest.raises(RuntimeError, match="already"):
        launch()


def test_a_deadline_is_wall_time(launch: Callable[..., None]) -> None:
    """Of the chain or of the caller: it is recorded, and what it refuses is a record too."""
    shop = Shop(failures=9)
    chain = Chain("orders", deadline=600, jitter=False).next(headrace.remaining, out="left")
    chain.next(shop.charge, name="c", args=["left"], retries=9, backoff=99, max_backoff=99)
    orders = durable(chain)
    launch()
    with headrace.open_context(), headrace.deadline(60):
        handle = orders.start("r1")
    with pytest.raises(headrace.DeadlineExceededError, match=r"'c'.*no time for a retry"):
        handle.result()
    assert names(handle)[-1] == "deadline c"
    (status,) = [each for each in _inputs() if each["inputs"] == {}]
    assert time.time() < status["until"] < time.time() + 60


def _inputs() -> list[dict[str, Any]]:
    from dbos import DBOS

    found: list[Any] = DBOS.list_workflows()
    return [each.input["args"][0] for each in found]


def test_a_queue_of_dbos_starts_the_runs(launch: Callable[..., None]) -> None:
    """With `queue=`, a run waits there for its turn."""
    orders = durable(Chain("orders").next(lambda: 1, out="one"), queue="slow")
    launch()
    handle = orders.start("r1")
    assert handle.result()["one"] == 1


def test_the_dbos_of_an_application_is_joined(url: str) -> None:
    """If its executor, version and serializer are those of `launch`; otherwise it says so."""
    from dbos import DBOS

    orders = durable(Chain("joined").next(lambda: 1, out="one"))
    config: Any = {
        "name": "shop",
        "system_database_url": url,
        "executor_id": "one",
        "application_version": "headrace",
        "serializer": headrace_dbos.JsonSerializer(),
    }
    DBOS(config=config)
    DBOS.launch()
    try:
        with pytest.raises(RuntimeError, match="executor ID, application version and serializer"):
            headrace_dbos.launch(executor_id="two")
        with pytest.raises(RuntimeError, match="serializer"):
            headrace_dbos.launch(executor_id="one", serializer="pickle")
        headrace_dbos.launch(executor_id="one")
        assert orders.run("r1")["one"] == 1
    finally:
        DBOS.destroy()


def test_a_run_of_another_definition_is_parked_and_forked(
    url: str, launch: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    """Its branches too; the handle and the list say so, and a fork goes on with the new chain."""
    is_open = [False]

    def wait() -> None:
        until = time.monotonic() + 60
        while not is_open[0] and time.monotonic() < until:
            time.sleep(0.01)

    def build() -> Chain:
        chain = Chain("parked").next(lambda: 1, out="one", undo=print)
        return chain.parallel(Chain().next(wait, name="wait").next(lambda: 2, out="two"))

    old = durable(build())
    launch()
    handle = old.start("r1", order=7)
    assert next(iter(handle.watch())).name == "one"
    handle.cancel()
    is_open[0] = True
    with pytest.raises(RunCancelledError):
        handle.result()
    headrace_dbos.shutdown()
    _state.chains.clear()
    durable(build().next(lambda: 3, out="three"))
    headrace_dbos.launch(url, executor_id="one")
    with pytest.raises(ChangedChainError, match="step three out=three") as caught:
        headrace_dbos.resume("r1").result()
    assert caught.value.difference == ["+ step three out=three"]
    assert [(each.run_id, each.status()) for each in headrace_dbos.unfinished()] == [
        ("r1", "parked")
    ]
    lines = [each for each in caplog.records if each.name == "headrace.chain"]
    assert sum("is parked" in each.getMessage() for each in lines) == 1
    with pytest.raises(DurableError, match="no step 'never'"):
        headrace_dbos.fork("r1", "never")
    forked = headrace_dbos.fork("r1", "one", accept_change=True)
    assert forked.result() == {"order": 7, "one": 1, "two": 2, "three": 3}
    assert [each.run_id for each in headrace_dbos.unfinished()] == ["r1"]
