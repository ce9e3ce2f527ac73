"""headrace for RQ: a queue that writes the context into a job's `meta`, a worker that reads it."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from rq import Queue, Worker
from rq.exceptions import AbandonedJobError, DeserializationError
from rq.job import Job, Retry
from rq.worker import BaseWorker

import headrace.logging
from headrace import integration
from headrace.integration import Unit, as_current, messages, nested_context, register_control_flow

__all__ = ["FlowQueue", "FlowWorker", "FlowWorkerMixin"]


class FlowQueue(Queue):
    """A queue whose jobs carry the context of the code that enqueues or schedules them."""

    def create_job(self, *args: Any, meta: Any = None, **kwargs: Any) -> Job:
        """Create a job, with the envelope of the current unit in its `meta`."""
        kwargs["meta"] = headers = dict(meta or {})
        integration.write_headers(headers)
        return super().create_job(*args, **kwargs)

    def enqueue_job(self, job: Job, *args: Any, **kwargs: Any) -> Job:
        """Enqueue a job, or have it wait for those that it depends on."""
        with _publication(job):
            enqueued: Job = super().enqueue_job(job, *args, **kwargs)
            return enqueued

    def enqueue_many(self, *args: Any, **kwargs: Any) -> list[Job]:
        """Enqueue several jobs."""
        jobs = super().enqueue_many(*args, **kwargs)
        for job in jobs:
            _publication(job).__enter__()
        return jobs

    def enqueue_at(self, datetime: datetime, *args: Any, **kwargs: Any) -> Job:
        """Schedule a job."""
        job: Job = super().enqueue_at(datetime, *args, **kwargs)
        _publication(job, eta=datetime.isoformat()).__enter__()
        return job

    def run_job(self, job: Job) -> Job:
        """Run a job of a queue with ``is_async=False``, in a unit inside the caller's."""
        with Unit(nested_context("task", _name(job))):
            return super().run_job(job)


class FlowWorkerMixin(BaseWorker):
    """Opens a unit of work around each job: ``class MyWorker(FlowWorkerMixin, SimpleWorker)``."""

    _unit: Unit | None = None
    _raised: BaseException | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        headrace.logging.install()
        for name in ("rq.worker", "rq.job"):  # whose format may contain "%(flow_id)s"
            logging.getLogger(name).addFilter(headrace.logging.FlowFilter())

    def perform_job(self, job: Job, *args: Any, **kwargs: Any) -> bool:
        """Run `job` in a unit of its own, in the process of the work horse if there is one."""
        self._unit = unit = _begin(job)
        self._raised = None
        try:
            return super().perform_job(job, *args, **kwargs)
        except BaseException as exc:  # of the worker itself, such as a forced stop
            self._raised = exc
            raise
        finally:
            self._unit = None
            integration.end_run(unit, self._raised)

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """Note the exception of a run."""
        self._raised = exc_info[1]
        super().handle_exception(job, *exc_info)

    def handle_job_retry(self, job: Job, queue: Any, retry: Retry, *args: Any, **kw: Any) -> None:
        """Handle a job that returned a `Retry`, with this run as the cause of the next one."""
        is_granted = (job.number_of_retries or 0) < retry.max
        self._raised = _ReturnedRetry() if is_granted else RuntimeError("too many retries")
        if is_granted:
            _write_retry(job)
        super().handle_job_retry(job, queue, retry, *args, **kw)

    def handle_job_failure(self, job: Job, *args: Any, **kwargs: Any) -> None:
        """Handle a job that failed, whose retry has this run as its cause."""
        # A killed work horse could not end its unit: report a failed one in its place.
        lost = None if self._unit else _begin(job)
        try:
            if job.retries_left:
                _write_retry(job)
            super().handle_job_failure(job, *args, **kwargs)
        finally:
            if lost is not None:
                integration.end_run(lost, AbandonedJobError())

    def monitor_work_horse(self, job: Job, *args: Any, **kwargs: Any) -> None:
        """Wait for the work horse; lines about it carry the ID of its job."""
        envelope = messages.read_headers(job.meta)[0]
        with as_current(messages.task_context(_name(job), job.meta, envelope)):
            super().monitor_work_horse(job, *args, **kwargs)  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


class FlowWorker(FlowWorkerMixin, Worker):
    """RQ's `Worker` with a unit of work around each job."""


class _ReturnedRetry(Exception):  # noqa: N818 - no error
    """A job asked for a retry by returning RQ's `Retry`."""


register_control_flow(_ReturnedRetry, outcome="retry")


def _begin(job: Job) -> Unit:
    facts = {"system": "rq", "task_id": job.id, "queue": job.origin, "retries": _retries(job)}
    return integration.begin_run(_name(job), job.meta, **facts)


def _write_retry(job: Job) -> None:
    retries = _retries(job) + 1
    integration.write_headers(job.meta)
    job.meta[messages.HEADER]["retries"] = retries
    _publication(job).__enter__()


def _publication(job: Job, eta: str | None = None) -> integration.Publication:
    return integration.Publication(_name(job), job.id, queue=job.origin, eta=eta)


def _retries(job: Job) -> int:
    # RQ itself counts only the retries that are left.
    envelope = job.meta.get(messages.HEADER)
    count = envelope.get("retries") if isinstance(envelope, dict) else 0
    return count if isinstance(count, int) else 0


def _name(job: Job) -> str:
    try:
        return job.func_name or "unknown"
    except DeserializationError:
        return "unknown"
