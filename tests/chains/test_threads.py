"""Sync steps of an `AsyncChain`: late ones are waited for and undone; context variables return."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import pytest

from headrace import AsyncChain, ChainError, DeadlineExceededError
from headrace._process.testing import no_waiting
from tests import virtual_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from .runners import Runner


class Bank:
    """Slow payments, and a log of their events."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = list(seconds)
        self.events: list[str] = []
        self.running = self.most = 0
        self._lock = threading.Lock()
        self.refunding = asyncio.Event()

    def charge(self) -> str:
        """Take the next of `seconds`; the last is repeated."""
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
            number = sum(event.startswith("charge ") for event in self.events) + 1
            self.events.append(f"charge {number}")
        virtual_time.sleep(self.seconds[min(number, len(self.seconds)) - 1])
        with self._lock:
            self.running -= 1
            self.events.append(f"charged {number}")
        return f"payment {number}"

    def refuse(self) -> None:
        """Charge, and fail at the end."""
        self.charge()
        raise ValueError("refused")

    def refund(self, payment: str) -> None:
        """Undo a payment."""
        self.events.append(f"refund {payment}")

    async def refund_later(self, payment: str) -> None:
        """Undo a payment, on the event loop."""
        await asyncio.sleep(0)
        self.events.append(f"refund {payment}")

    async def refund_slowly(self, payment: str) -> None:
        """Undo a payment, yielding to the loop several times first."""
        self.refunding.set()
        for _ in range(5):
            await asyncio.sleep(0)
        self.events.append(f"refund {payment}")

    def release(self, reservation: str) -> None:
        """Undo what was done before the payment."""
        self.events.append(f"release, {self.running} running")


async def reserve() -> str:
    """Reserve, as the step before the payment."""
    return "reservation"


def run(chain: AsyncChain) -> ChainError:
    """Run `chain` and return its error."""
    with no_waiting(), pytest.raises(ChainError) as caught:
        virtual_time.run(chain.run())
    return caught.value


@pytest.mark.guarantee(83)
@pytest.mark.parametrize("how", ["refund", "refund_later", None])
def test_the_next_attempt_waits_for_the_one_that_timed_out(how: str | None) -> None:
    """Attempts never overlap; a late success still counts as a timeout, and is undone first."""
    bank = Bank(0.1, 0)
    undo = {} if how is None else {"undo": getattr(bank, how)}
    chain = AsyncChain().next(bank.charge, out="payment", timeout=0.03, retries=1, **undo)
    with no_waiting():
        result = virtual_time.run(chain.run())
    assert result["payment"] == "payment 2"
    assert bank.most == 1
    refunds = [] if how is None else ["refund payment 1"]
    assert bank.events == ["charge 1", "charged 1", *refunds, "charge 2", "charged 2"]
    (report,) = result.steps
    assert (report.outcome, report.attempts, report.reason) == ("ok", 2, None)


@pytest.mark.guarantee(83)
def test_a_late_failure_has_nothing_to_undo() -> None:
    """The next attempt only waits for its end."""
    bank = Bank(0.1, 0)
    chain = AsyncChain().next(bank.refuse, timeout=0.03, retries=1, undo=bank.refund)
    assert "refused" in str(run(chain))
    assert bank.events == ["charge 1", "charged 1", "charge 2", "charged 2"]


@pytest.mark.guarantee(83)
def test_a_late_success_that_cannot_be_undone_is_not_repeated() -> None:
    """Another attempt would charge twice: the timeout is the end."""
    bank = Bank(0.1, 0)

    def refund(payment: str) -> None:
        raise ConnectionError("the bank is down")

    chain = AsyncChain().next(bank.charge, timeout=0.03, retries=3, undo=refund)
    error = run(chain)
    assert isinstance(error, DeadlineExceededError)
    assert [type(each) for each in error.undo_errors] == [ConnectionError]
    assert bank.events == ["charge 1", "charged 1"]


@pytest.mark.guarantee(83)
def test_the_undos_wait_for_the_attempt_that_timed_out(lines: Callable[[], Any]) -> None:
    """Its own undo runs first; without a deadline a warning names the step that they wait for."""
    bank = Bank(0.1)
    chain = (
        AsyncChain()
        .next(reserve, out="reservation", undo=bank.release)
        .next(bank.charge, name="charge", timeout=0.03, undo=bank.refund)
    )
    error = run(chain)
    assert isinstance(error, DeadlineExceededError)
    assert bank.events[2:] == ["refund payment 1", "release, 0 running"]
    assert error.result is not None
    assert [step.reason for step in error.result.steps] == [
        "undone",
        "no result within 0.03 s; undone",
    ]
    warnings = [line for level, line in lines() if level == "WARNING"]
    (warning,) = warnings
    assert warning == (
        "the undo of the run is waiting for 'charge', still running in its thread; a deadline "
        "would limit the wait"
    )


@pytest.mark.guarantee(83)
def test_the_undos_of_others_wait_too() -> None:
    """A reservation is not released while a payment still relies on it."""
    bank = Bank(0.1)
    chain = (
        AsyncChain().next(reserve, undo=bank.release).next(bank.charge, name="charge", timeout=0.03)
    )
    run(chain)
    assert bank.events == ["charge 1", "charged 1", "release, 0 running"]


@pytest.mark.guarantee(83)
def test_the_undos_of_branches_wait_for_each_other() -> None:
    """A call that a branch left running is over before another branch's step is undone."""
    bank = Bank(0.1)
    chain = (
        AsyncChain()
        .next(reserve, name="reserve", undo=bank.release)
        .parallel(
            AsyncChain().next(bank.charge, name="charge", timeout=0.03),
            AsyncChain().next(asyncio.sleep, args=[60]),
        )
    )
    run(chain)
    assert bank.events == ["charge 1", "charged 1", "release, 0 running"]


@pytest.mark.guarantee(83)
def test_nothing_waits_where_nothing_follows() -> None:
    """Without another attempt and without undos, the error is raised at the timeout."""
    bank = Bank(0.2)
    chain = AsyncChain().next(bank.charge, timeout=0.03)

    async def main() -> list[str]:
        with pytest.raises(DeadlineExceededError):
            await chain.run()
        return bank.events.copy()

    assert virtual_time.run(main()) == ["charge 1"]


@pytest.mark.guarantee(83)
@pytest.mark.parametrize("how", ["refund", "refund_later"])
@pytest.mark.parametrize("retries", [0, 1])
def test_behind_the_deadline_nothing_waits(
    how: str, retries: int, lines: Callable[[], Any]
) -> None:
    """The outcome is logged as unknown; the other undos run at once, the late one when it can."""
    bank = Bank(5)
    chain = (
        AsyncChain(deadline=0.1, safety_margin=0)
        .next(reserve, undo=bank.release)
        .next(bank.charge, name="charge", timeout=0.03, retries=retries, undo=getattr(bank, how))
    )
    error = run(chain)  # the loop waits for its executor's threads at its end
    assert isinstance(error, DeadlineExceededError)
    assert bank.events == [
        "charge 1",
        "release, 1 running",
        "charged 1",
        "refund payment 1",
    ]
    said = [line for level, line in lines() if level == "WARNING" and "attempt" in line]
    unknown, known = said
    assert unknown == (
        "step 'charge': the outcome of its last attempt is unknown: it is still running in its "
        "thread, which cannot be interrupted"
    )
    assert known == "step 'charge': the abandoned attempt succeeded; undone"


@pytest.mark.guarantee(83)
@pytest.mark.parametrize("has_begun", [False, True])
def test_a_late_undo_outlives_the_cancellation_of_all_tasks(
    *, has_begun: bool, lines: Callable[[], Any]
) -> None:
    """At its end, `asyncio.run` cancels the remaining tasks, then waits for the threads."""
    bank = Bank(5)
    chain = (
        AsyncChain(deadline=0.1, safety_margin=0)
        .next(reserve, undo=bank.release)
        .next(bank.charge, name="charge", timeout=0.03, undo=bank.refund_slowly)
    )

    async def main() -> None:
        with pytest.raises(DeadlineExceededError):
            await chain.run()
        if has_begun:
            await bank.refunding.wait()
        else:  # scheduled by the thread while the loop is blocked, so that it has not begun
            loop = asyncio.get_running_loop()
            assert isinstance(loop, virtual_time.VirtualLoop)
            loop.was_called.clear()
            loop.wake_all()
            assert loop.was_called.wait(60)

    virtual_time.run(main())
    assert bank.events[1:] == ["release, 1 running", "charged 1", "refund payment 1"]
    assert "abandoned attempt succeeded; undone" in lines()[-1][1]


@pytest.mark.guarantee(83)
def test_an_undo_that_needs_a_loop_that_is_gone_is_logged(lines: Callable[[], Any]) -> None:
    """The undo fails with a log line instead of waiting forever."""
    bank = Bank(0.3)
    chain = AsyncChain(deadline=0.1, safety_margin=0).next(
        bank.charge, name="charge", timeout=0.03, undo=bank.refund_later
    )
    pool = ThreadPoolExecutor(1)
    with virtual_time.virtual_loop() as loop:
        loop.set_default_executor(pool)
        with pytest.raises(DeadlineExceededError):
            loop.run_until_complete(chain.run())
        loop.close()
    pool.shutdown()
    assert "abandoned attempt succeeded; undo failed" in lines()[-1][1]
    assert bank.events == ["charge 1", "charged 1"]


@pytest.mark.guarantee(83)
def test_a_cancelled_run_waits_for_its_thread_before_it_undoes() -> None:
    """It waits as after a timeout; the cancellation is raised after the undos."""
    bank = Bank(0.1)
    chain = AsyncChain().next(reserve, undo=bank.release).next(bank.charge, undo=bank.refund)

    async def main() -> None:
        async with asyncio.timeout(0.03):
            await chain.run()

    with pytest.raises(TimeoutError):
        virtual_time.run(main())
    assert bank.events == ["charge 1", "charged 1", "refund payment 1", "release, 0 running"]


@pytest.mark.guarantee(83)
def test_a_cancellation_while_the_next_attempt_waits_ends_the_run() -> None:
    """The late attempt is still undone, and no other begins."""
    bank = Bank(0.2)
    chain = AsyncChain().next(bank.charge, timeout=0.03, retries=1, backoff=0, undo=bank.refund)

    async def main() -> None:
        async with asyncio.timeout(0.1):
            await chain.run()

    with pytest.raises(TimeoutError):
        virtual_time.run(main())
    assert bank.events == ["charge 1", "charged 1", "refund payment 1"]


@pytest.mark.guarantee(83)
@pytest.mark.parametrize("how", ["timeout", "cancelled"])
def test_a_call_that_has_not_begun_never_begins(how: str) -> None:
    """If all threads of the loop are busy, a timed-out call is withdrawn and never runs."""
    bank = Bank(0)
    chain = AsyncChain(jitter=False).next(
        bank.charge,
        timeout=0.02 if how == "timeout" else None,
        retries=1,
        backoff=0,
        undo=bank.refund,
    )

    free = threading.Event()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        blocked = loop.run_in_executor(None, free.wait, 60)
        with pytest.raises((ChainError, TimeoutError)):
            async with asyncio.timeout(0.05 if how == "cancelled" else None):
                await chain.run()
        free.set()
        await blocked

    asyncio.run(main())
    assert bank.events == []


@pytest.mark.guarantee(83)
def test_undos_do_not_wait_for_a_thread_of_the_loop() -> None:
    """Undos run even if calls that never end occupy all threads of the loop."""
    bank = Bank(0.3)
    chain = (
        AsyncChain(deadline=0.1, safety_margin=0)
        .next(reserve, undo=bank.release)
        .next(bank.charge, timeout=0.03)
    )

    async def main() -> list[str]:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        with pytest.raises(ChainError):
            await chain.run()
        return bank.events.copy()

    assert virtual_time.run(main()) == ["charge 1", "release, 1 running"]


# --- context variables ----------------------------------------------------------------------------

tenant: ContextVar[str] = ContextVar("tenant", default="-")


@pytest.mark.guarantee(85)
def test_a_context_variable_is_seen_by_the_steps_after_it(runner: Runner) -> None:
    """It is seen whether its step is sync, async or runs in a thread."""
    chain = (
        runner
        .chain()
        .next(runner.fn(lambda: tenant.set("acme")))
        .next(
            runner.fn(tenant.get), out="tenant", undo=runner.fn(lambda _: seen.append(tenant.get()))
        )
        .next(runner.fn(lambda: 1 / 0), out="never")
    )
    seen: list[str] = []
    with pytest.raises(ChainError) as caught:
        runner.run(chain)
    assert caught.value.result is not None
    assert caught.value.result["tenant"] == "acme"
    assert seen == ["acme"]


@pytest.mark.guarantee(85)
def test_what_a_failed_attempt_sets_is_seen_by_the_next(runner: Runner) -> None:
    """Its context variables stay set, as for a call in the same thread."""

    def step() -> str:
        seen = tenant.get()
        tenant.set("acme")
        if seen == "-":
            raise ValueError
        return seen

    async def main() -> Any:
        tenant.set("-")
        return await chain.run()

    chain = runner.chain().next(runner.fn(step), out="seen", retries=1, backoff=0)
    tenant.set("-")
    result = asyncio.run(main()) if runner.is_async else chain.run()
    assert result["seen"] == "acme"


@pytest.mark.guarantee(85)
def test_only_what_a_step_sets_comes_back() -> None:
    """The thread's copy does not overwrite a variable that was set meanwhile."""
    other: ContextVar[str] = ContextVar("other", default="-")

    def returns_a_coroutine() -> Any:
        tenant.set("acme")

        async def later() -> None:
            other.set(tenant.get())

        return later()

    def read() -> tuple[str, str]:
        return tenant.get(), other.get()

    chain = AsyncChain().next(returns_a_coroutine).next(read, out="read")
    assert asyncio.run(chain.run())["read"] == ("acme", "acme")
