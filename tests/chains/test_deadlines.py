"""Deadlines: a run begins nothing for which there is no time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace import DeadlineExceededError, RemoteContext, StepFailedError
from headrace._process.testing import FakeClock, fake_clock, no_waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chains.runners import Runner


@pytest.fixture
def clock() -> Iterator[FakeClock]:
    """A clock that moves when a step says so, or when something waits."""
    with fake_clock() as clock:
        yield clock


def failing(calls: list[Any]) -> Any:
    """Return a step that fails, and counts."""

    def fail() -> None:
        calls.append(len(calls) + 1)
        raise ConnectionError("down")

    return fail


def test_no_step_begins_behind_the_deadline(runner: Runner, clock: FakeClock) -> None:
    """The step that is running ends; the next one is not begun."""
    done: list[str] = []
    chain = runner.chain(deadline=10, safety_margin=0)
    chain.next(runner.fn(lambda: clock.advance(6)), name="a")
    chain.next(runner.fn(lambda: clock.advance(6)), name="b")
    chain.next(runner.fn(lambda: done.append("c")), name="c")
    with pytest.raises(DeadlineExceededError) as caught:
        runner.run(chain)
    assert done == []
    assert caught.value.step == "c"
    assert str(caught.value) == (
        "step 'c': the deadline leaves no time for it (safety margin: 0 s)"
    )
    steps = [(s.name, s.outcome, s.attempts) for s in caught.value.result.steps]  # type: ignore[union-attr]
    assert steps == [("a", "ok", 1), ("b", "ok", 1), ("c", "error", 0)]
    assert clock.now == 1012


def test_a_step_that_ends_behind_the_deadline_has_ended(runner: Runner, clock: FakeClock) -> None:
    """Where nothing is left to begin, the run is a success."""
    chain = runner.chain(deadline=10).next(runner.fn(lambda: clock.advance(60)), name="a")
    assert runner.run(chain).steps[0].outcome == "ok"


def test_the_safety_margin_is_kept_free(runner: Runner, clock: FakeClock) -> None:
    """`safety_margin` seconds before the deadline nothing is begun any more."""
    chain = runner.chain(deadline=10, safety_margin=4)
    chain.next(runner.fn(lambda: clock.advance(6)), name="a")
    chain.next(runner.fn(lambda: None), name="b")
    with pytest.raises(DeadlineExceededError, match=r"safety margin: 4 s"):
        runner.run(chain)


def test_a_deadline_within_the_margin_leaves_no_time_at_all(
    runner: Runner, clock: FakeClock
) -> None:
    """The margin is 0.25 s, unless another one is given."""
    calls: list[Any] = []
    with pytest.raises(DeadlineExceededError, match=r"0\.25 s"):
        runner.run(runner.chain(deadline=0.2).next(runner.fn(failing(calls))))
    assert calls == []


@pytest.mark.guarantee(38)
def test_no_wait_crosses_the_deadline(runner: Runner, clock: FakeClock) -> None:
    """Where the next retry would come too late the run ends at once, without waiting for it."""
    calls: list[Any] = []
    told: list[float] = []

    def on_retry(next_delay: float, **_: Any) -> None:
        told.append(next_delay)

    chain = runner.chain(deadline=5, safety_margin=0.5, jitter=False, on_retry=on_retry)
    chain.next(runner.fn(failing(calls)), name="fetch", retries=9, backoff=1)
    with pytest.raises(DeadlineExceededError) as caught:
        runner.run(chain)
    assert clock.slept == told == [1.0, 2.0]
    assert calls == [1, 2, 3]
    assert str(caught.value) == (
        "step 'fetch': the deadline leaves no time for a retry in 4 s (safety margin: 0.5 s) "
        "after ConnectionError: down"
    )
    assert isinstance(caught.value.__cause__, ConnectionError)
    assert caught.value.attempts == 3


def test_a_wait_up_to_the_deadline_is_one_too_many(runner: Runner, clock: FakeClock) -> None:
    """A retry at the very moment of the deadline would begin behind it."""
    calls: list[Any] = []
    chain = runner.chain(deadline=3, safety_margin=0, jitter=False)
    chain.next(runner.fn(failing(calls)), retries=9, backoff=1)
    with pytest.raises(DeadlineExceededError):
        runner.run(chain)
    assert clock.slept == [1.0]


def test_a_hook_may_use_the_time_up(runner: Runner, clock: FakeClock) -> None:
    """The deadline is looked at again behind the hook, and behind the wait."""
    calls: list[Any] = []
    hooked: list[float] = []

    def on_retry(next_delay: float, **_: Any) -> None:
        hooked.append(next_delay)
        clock.advance(10)

    chain = runner.chain(deadline=5, safety_margin=0, jitter=False, on_retry=on_retry)
    chain.next(runner.fn(failing(calls)), retries=9, backoff=1)
    with pytest.raises(DeadlineExceededError):
        runner.run(chain)
    assert (hooked, clock.slept, calls) == ([1.0], [], [1])


def test_a_wait_that_takes_too_long_is_noticed(
    runner: Runner, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine may sleep for longer than it was asked to."""
    calls: list[Any] = []

    def oversleep(seconds: float) -> None:
        clock.advance(seconds + 100)

    async def oversleep_async(seconds: float) -> None:
        oversleep(seconds)

    monkeypatch.setattr("headrace._process.clock.sleep", oversleep)
    monkeypatch.setattr("headrace._process.clock.sleep_async", oversleep_async)
    chain = runner.chain(deadline=50).next(runner.fn(failing(calls)), retries=9)
    with pytest.raises(DeadlineExceededError):
        runner.run(chain)
    assert calls == [1]


@pytest.mark.parametrize(
    ("own", "from_function", "outside", "left"),
    [
        (10, None, None, 10),
        (None, 10, None, 10),
        (None, None, 10, 10),
        (30, 20, 10, 10),
        (10, 20, 30, 10),
        (20, 10, 30, 10),
        (None, None, None, None),
    ],
)
def test_the_shortest_deadline_wins(
    runner: Runner, clock: FakeClock, own: Any, from_function: Any, outside: Any, left: Any
) -> None:
    """Of `deadline=`, `deadline_fn()` and that of the context; steps see it in `remaining()`."""
    chain = runner.chain(deadline=own, deadline_fn=lambda: from_function)
    chain.next(runner.fn(headrace.remaining), out="left")
    if outside is None:
        assert runner.run(chain)["left"] == left
    else:
        with headrace.deadline(outside):
            assert runner.run(chain)["left"] == left
    with headrace.open_context():
        assert runner.run(chain)["left"] == min(
            (x for x in (own, from_function) if x), default=None
        )
        assert headrace.remaining() is None


@pytest.mark.guarantee(40)
def test_an_inbound_deadline_can_only_shorten(runner: Runner, clock: FakeClock) -> None:
    """What a message says counts where it is shorter than the chain's own, and only there."""
    chain = runner.chain(deadline=10, safety_margin=0)
    chain.next(runner.fn(headrace.remaining), out="left").next(runner.fn(lambda: clock.advance(5)))
    chain.next(runner.fn(lambda: None))
    with headrace.open_context(remote=RemoteContext(deadline=clock.now + 400)):
        assert runner.run(chain)["left"] == 10
    remote = RemoteContext(deadline=clock.now + 4)
    with headrace.open_context(remote=remote), pytest.raises(DeadlineExceededError) as caught:
        runner.run(chain)
    assert caught.value.result == {"left": 4}


def test_the_chains_deadline_is_inherited_by_a_chain_within(
    runner: Runner, clock: FakeClock
) -> None:
    """A step that runs another chain passes its deadline on, and it ends with the step."""
    inner = runner.chain(deadline=99).next(runner.fn(headrace.remaining), out="left")
    outer = runner.chain(deadline=10).next(inner.run, out="inner")
    assert runner.run(outer)["inner"]["left"] == 10
    with headrace.open_context():
        assert runner.run(inner)["left"] == 99


def test_outgoing_messages_carry_the_chains_deadline(runner: Runner, clock: FakeClock) -> None:
    """`inject` writes the milliseconds that are left."""

    def headers() -> dict[str, str]:
        carrier: dict[str, str] = {}
        headrace.inject(carrier)
        return carrier

    chain = runner.chain(deadline=7).next(runner.fn(headers), out="headers")
    assert runner.run(chain)["headers"]["X-Deadline-Ms"] == "7000"


def test_a_negative_rest_is_no_time(runner: Runner, clock: FakeClock) -> None:
    """`deadline_fn` may say that the time is over before anything has begun."""
    with pytest.raises(DeadlineExceededError):
        runner.run(runner.chain(deadline_fn=lambda: -1.0).next(print))


def test_what_deadline_fn_raises_is_the_callers(runner: Runner) -> None:
    """Nothing has run yet, so its error comes out as it is."""
    with pytest.raises(ZeroDivisionError):
        runner.run(runner.chain(deadline_fn=lambda: 1 / 0).next(print))


def test_deadline_fn_is_asked_once_for_each_run(runner: Runner) -> None:
    """When the run begins."""
    asked: list[float] = []
    chain = runner.chain(deadline_fn=lambda: asked.append(1.0) or 60.0)
    chain.next(runner.fn(lambda: None), name="a").next(runner.fn(lambda: None), name="b")
    runner.run(chain)
    runner.run(chain)
    assert len(asked) == 2


def test_a_deadline_leaves_the_caller_as_it_was(runner: Runner) -> None:
    """No budget stays behind, neither after success nor after failure."""
    calls: list[Any] = []
    with headrace.open_context():
        runner.run(runner.chain(deadline=60).next(runner.fn(lambda: None)))
        with pytest.raises(StepFailedError):
            runner.run(runner.chain(deadline=60).next(runner.fn(failing(calls))))
        assert headrace.remaining() is None


def test_without_waiting_a_retry_is_never_too_late(runner: Runner, clock: FakeClock) -> None:
    """Under `no_waiting` the schedule does not count against the deadline; hooks still see it."""
    delays: list[float] = []
    calls: list[Any] = []

    def on_retry(next_delay: float, **_: Any) -> None:
        delays.append(next_delay)

    chain = runner.chain(deadline=5, jitter=False, on_retry=on_retry)
    chain.next(runner.fn(failing(calls)), retries=4)
    with no_waiting(), pytest.raises(StepFailedError):
        runner.run(chain)
    assert delays == [1.5, 3.0, 6.0, 10.0]
    assert calls == [1, 2, 3, 4, 5]
    assert clock.slept == []


@pytest.mark.guarantee(38)
def test_with_the_real_clock_a_deadline_is_overshot_by_a_step_at_most(runner: Runner) -> None:
    """All retries together would take far longer."""
    calls: list[Any] = []
    chain = runner.chain(deadline=0.3, safety_margin=0, jitter=False)
    chain.next(runner.fn(failing(calls)), retries=1000, backoff=0.05, max_backoff=0.05)
    with pytest.raises(DeadlineExceededError):
        runner.run(chain)
    assert len(calls) <= 7
