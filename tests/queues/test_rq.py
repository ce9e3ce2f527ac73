"""What is special to RQ."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace.testing import capture

pytest.importorskip("rq")

from redis import Redis
from rq import Retry, SimpleWorker

from headrace_queues.rq import FlowQueue, FlowWorkerMixin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

seen: list[Any] = []


def look() -> None:
    """Keep the context."""
    seen.append(headrace.get_flow_context())


def fail() -> None:
    """Fail."""
    look()
    raise LookupError


def ask() -> Retry:
    """Ask for a retry, each time."""
    look()
    return Retry(max=1)


class FlowSimpleWorker(FlowWorkerMixin, SimpleWorker):
    """A worker that runs jobs in its own process."""


@pytest.fixture
def queue(redis_url: str) -> Iterator[FlowQueue]:
    """A queue of this test alone."""
    seen.clear()
    connection = Redis.from_url(redis_url.removesuffix("/0") + "/7")
    yield FlowQueue(f"headrace-{uuid.uuid4().hex}", connection=connection)
    # A worker waits only a second for its listening thread, which may have connected again.
    connection.connection_pool.disconnect()


@pytest.fixture
def run(queue: FlowQueue) -> Callable[[], None]:
    """Return a function that runs everything that waits in the queue, in this process."""

    def run() -> None:
        worker: Any = FlowSimpleWorker([queue], connection=queue.connection)
        worker._install_signal_handlers = lambda: None
        worker.work(burst=True)

    return run


@pytest.mark.guarantee(151)
def test_metadata_of_the_caller_is_kept_and_not_changed(queue: FlowQueue) -> None:
    """The envelope is added to a copy of the `meta` that the caller gives."""
    given = {"tenant": "acme"}
    with headrace.open_context("an-id"):
        job = queue.create_job(look, meta=given)
    assert given == {"tenant": "acme"}
    assert job.meta["tenant"] == "acme"
    assert job.meta["headrace"]["id"] == "an-id"


@pytest.mark.guarantee(151)
@pytest.mark.parametrize("envelope", [None, "s3cr3t", {"v": 9, "retries": "x"}])
def test_malformed_envelope_is_ignored_with_one_line(
    queue: FlowQueue, run: Callable[[], None], caplog: pytest.LogCaptureFixture, envelope: Any
) -> None:
    """The job runs in a unit of its own, and a warning does not quote the envelope."""
    queue.enqueue(look, meta={"headrace": envelope})
    run()
    assert len(seen[0].correlation_id) == 32
    (line,) = (each for each in caplog.records if each.name == "headrace")
    assert line.levelname == "WARNING"
    assert "s3cr3t" not in line.getMessage()


@pytest.mark.guarantee(151)
def test_job_enqueued_when_detached_carries_nothing(
    queue: FlowQueue, run: Callable[[], None]
) -> None:
    """Inside `detached`, an envelope that is given is removed."""
    with headrace.open_context("outer"), headrace.detached():
        queue.enqueue(look, meta={"headrace": {"v": 1, "id": "given"}})
    run()
    assert seen[0].correlation_id not in {"outer", "given"}


@pytest.mark.guarantee(151)
def test_envelope_does_not_grow_with_retries(queue: FlowQueue, run: Callable[[], None]) -> None:
    """Each retry overwrites the envelope of the attempt before."""
    with headrace.open_context():
        job = queue.enqueue(fail, retry=Retry(max=9), failure_ttl=60)
    before = len(str(job.meta))
    run()
    assert len(seen) == 10
    assert len(str(job.get_meta())) - before == len(", 'retries': 9")
    assert job.get_meta()["headrace"]["cause"] == seen[-2].unit_id


def test_job_that_asks_too_often_for_a_retry_fails(
    queue: FlowQueue, run: Callable[[], None]
) -> None:
    """The runs that get their retry end as `retry`, the last one as `error`."""
    with capture() as captured:
        queue.enqueue(ask, failure_ttl=60)
        run()
    assert [unit.outcome for unit in captured.units] == ["retry", "error"]


def test_queue_that_is_not_asynchronous_runs_the_job_in_a_unit(queue: FlowQueue) -> None:
    """With ``is_async=False``, the job runs at once, in a unit inside the caller's."""
    now = FlowQueue(queue.name, connection=queue.connection, is_async=False)
    with headrace.open_context("an-id") as caller:
        now.enqueue(look)
        assert headrace.get_flow_context() is caller
    (context,) = seen
    assert (context.correlation_id, context.causation_id) == ("an-id", caller.unit_id)
    assert (context.kind, context.name) == ("task", f"{__name__}.look")


def test_several_jobs_at_once_carry_the_context(
    queue: FlowQueue, run: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    """Each job of `enqueue_many` has the envelope, and a line of its own."""
    caplog.set_level("INFO", "headrace")
    with headrace.open_context("an-id"):
        jobs = queue.enqueue_many([FlowQueue.prepare_data(look) for _ in range(2)])
    run()
    assert [each.correlation_id for each in seen] == ["an-id"] * 2
    lines = [vars(each) for each in caplog.records]
    published = [each["task_id"] for each in lines if each.get("event") == "task.published"]
    assert published == [job.id for job in jobs]


def test_job_that_cannot_be_loaded_has_a_unit_all_the_same(
    queue: FlowQueue, run: Callable[[], None]
) -> None:
    """Data that the worker cannot read fails the job, under the publisher's ID."""
    with capture() as captured:
        with headrace.open_context("an-id"):
            job = queue.enqueue(look, failure_ttl=60)
        queue.connection.hset(job.key, "data", b"no pickle")
        run()
    unit = captured.units[-1]
    assert (unit.correlation_id, unit.outcome) == ("an-id", "error")


def test_lost_job_is_reported_as_a_failed_unit(queue: FlowQueue) -> None:
    """The unit that a worker's parent process reports, and the retry, have the job's ID."""
    with headrace.open_context("an-id"):
        job = queue.enqueue(look, retry=Retry(max=1), failure_ttl=60)
    job.started_at = job.ended_at = job.enqueued_at
    worker: Any = FlowSimpleWorker([queue], connection=queue.connection)
    with capture() as captured:
        worker.handle_job_failure(job, queue=queue, exc_string="killed")
    (unit,) = captured.units
    assert (unit.correlation_id, unit.outcome) == ("an-id", "error")
    assert job.get_meta()["headrace"]["cause"] == unit.unit_id
