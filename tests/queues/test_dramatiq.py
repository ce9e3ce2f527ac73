"""What is special to Dramatiq, with its broker for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace.testing import capture

dramatiq = pytest.importorskip("dramatiq")

from dramatiq.brokers.stub import StubBroker  # noqa: E402
from dramatiq.middleware import AsyncIO, Middleware, SkipMessage  # noqa: E402

from headrace_queues.dramatiq import FlowMiddleware, init_app  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def broker() -> Iterator[Any]:
    """A broker in memory, whose messages carry the context."""
    broker = StubBroker()
    broker.emit_after("process_boot")
    init_app(broker)
    yield broker
    broker.close()


@pytest.fixture
def run(broker: Any) -> Iterator[Any]:
    """Return a function that lets a worker process everything that waits in the queue."""
    workers = []

    def run() -> None:
        worker = dramatiq.Worker(broker, worker_timeout=50, worker_threads=1)
        workers.append(worker)
        worker.start()
        broker.join("default", fail_fast=False)
        worker.join()

    yield run
    for worker in workers:
        worker.stop()


def noting(broker: Any, **options: Any) -> tuple[Any, list[headrace.FlowContext]]:
    """Return an actor that keeps the context of each run, and what it keeps."""
    seen: list[Any] = []

    def look() -> None:
        seen.append(headrace.get_flow_context())

    return dramatiq.actor(look, broker=broker, **options), seen


def test_middleware_becomes_the_outermost_and_is_added_once(broker: Any) -> None:
    """It comes before all others, and a second call of `init_app` adds none."""
    init_app(broker)
    found = [isinstance(each, FlowMiddleware) for each in broker.middleware]
    assert found == [True, *[False] * (len(found) - 1)]


def test_anything_but_a_broker_is_refused() -> None:
    """`init_app` names what it takes."""
    with pytest.raises(TypeError, match="takes a Dramatiq broker, not 'redis'"):
        init_app("redis")  # type: ignore[arg-type]


@pytest.mark.guarantee(151)
@pytest.mark.parametrize("envelope", [None, "s3cr3t", {"v": 9}, {"v": 1, "id": "a\nb"}])
def test_malformed_envelope_is_ignored_with_one_line(
    broker: Any, run: Any, caplog: pytest.LogCaptureFixture, envelope: Any
) -> None:
    """The actor runs in a unit of its own, and a warning does not quote the envelope."""
    actor, seen = noting(broker)
    actor.send_with_options(headrace=envelope)
    run()
    assert len(seen[0].correlation_id) == 32
    (line,) = (each for each in caplog.records if each.levelname == "WARNING")
    assert "ignored the headrace header of task look" in line.getMessage()
    assert "s3cr3t" not in line.getMessage()


@pytest.mark.guarantee(151)
def test_message_sent_when_detached_carries_nothing(broker: Any, run: Any) -> None:
    """Inside `detached`, an envelope that is given is removed."""
    actor, seen = noting(broker)
    with headrace.open_context("outer"), headrace.detached():
        actor.send_with_options(headrace={"v": 1, "id": "given"})
    run()
    assert seen[0].correlation_id not in {"outer", "given"}
    assert seen[0].causation_id is None


@pytest.mark.guarantee(151)
def test_envelope_does_not_grow_with_retries(broker: Any, run: Any) -> None:
    """Each retry overwrites the envelope of the attempt before."""
    sizes: list[int] = []

    class Sizes(Middleware):  # type: ignore[misc]
        def before_enqueue(self, broker: Any, message: Any, delay: Any) -> None:
            sizes.append(len(str(message.options["headrace"])))

    broker.add_middleware(Sizes())

    def fail() -> None:
        raise LookupError

    actor = dramatiq.actor(fail, broker=broker, max_retries=5, min_backoff=1, max_backoff=1)
    with headrace.open_context():
        actor.send()
    run()
    assert len(sizes) >= 6
    assert max(sizes) == min(sizes)


def test_skipped_message_ends_as_ignored(broker: Any, run: Any) -> None:
    """A message that another middleware skips has a unit, with the outcome `ignored`."""

    class Skipping(Middleware):  # type: ignore[misc]
        def before_process_message(self, broker: Any, message: Any) -> None:
            raise SkipMessage

    broker.add_middleware(Skipping())
    actor, seen = noting(broker)
    with capture() as captured:
        actor.send()
        run()
    assert seen == []
    (unit,) = captured.units
    assert unit.outcome == "ignored"


def test_delayed_message_is_published_once(
    broker: Any, run: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The line says when it is due; the broker's own move to the queue logs none."""
    caplog.set_level("INFO", "headrace")
    actor, seen = noting(broker)
    with headrace.open_context("an-id"):
        actor.send_with_options(delay=50)
    run()
    lines = [vars(each) for each in caplog.records]
    (line,) = (each for each in lines if each.get("event") == "task.published")
    assert line["queue"] == "default"
    assert line["eta"].startswith("20")
    assert seen[0].correlation_id == "an-id"


def test_async_actor_runs_in_the_unit(broker: Any, run: Any) -> None:
    """An actor that is a coroutine function runs in another thread, with the context."""
    broker.add_middleware(AsyncIO())
    seen: list[Any] = []

    async def look() -> None:
        seen.append(headrace.current_flow_id())

    actor = dramatiq.actor(look, broker=broker)
    with headrace.open_context("an-id"):
        actor.send()
    run()
    assert seen == ["an-id"]
