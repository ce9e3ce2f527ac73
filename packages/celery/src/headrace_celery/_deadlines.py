"""The deadlines of messages, which a worker obeys if its app accepts them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from celery import Celery

from headrace.integration import clock
from headrace.integration.messages import Envelope, seconds_until

from ._envelope import read

_MIN_SECONDS = 0.001  # Celery treats 0 as no limit; a task without time left has expired anyway
accepting: WeakKeyDictionary[Celery, bool] = WeakKeyDictionary()
"""The apps that were set up, and whether their workers obey the deadlines of messages."""
_worker_limits: list[float | None] = []  # of the worker of this process, if there is one


def deadline_of(envelope: Envelope, app: Any) -> float | None:
    """Return the deadline of a message on the monotonic clock, in seconds.

    It is None if the message has none, or if `app` accepts none.
    """
    if envelope.deadline_ms is None or not accepting.get(app):
        return None
    return clock.monotonic() + seconds_until(envelope.deadline_ms)


def remember_worker_limit(worker: Any) -> None:
    """Keep the hard time limit of `worker`, in seconds, which applies to tasks without their own.

    The command line may set it. It is kept before the pool forks.
    """
    _worker_limits[:] = [getattr(worker, "time_limit", None)]


def hard_limit_of(task: Any, request: Any) -> float | None:
    """Return the hard time limit, in seconds, of the run of `task` with `request`, or None."""
    hard, _ = request.timelimit or (None, None)
    found: float | None = hard or task.time_limit or (_worker_limits[0] if _worker_limits else None)
    return found


def on_task_received(request: Any = None, **_: Any) -> None:
    """Shorten the request's expiry and soft time limit to the deadline of its message.

    The message does not change: a retry gets the limits that its task declares.
    """
    if not accepting.get(request.app):
        return
    try:
        envelope = read(request.request_dict)
        deadline_ms = envelope and envelope.deadline_ms
        if deadline_ms is None:
            return
        # Computed from the remaining time, since a test may have replaced our clock.
        deadline = datetime.now(UTC) + timedelta(seconds=seconds_until(deadline_ms))
    except Exception:  # the run reports a malformed header
        return
    request.expires = min(request.expires or deadline, deadline)
    hard, soft = request.time_limits
    request.time_limits = _Limits(hard, soft or request.task.soft_time_limit, deadline_ms)


class _Limits:
    """The hard and the soft time limit of a run, in seconds.

    Celery unpacks them when it passes the run to the pool, possibly long after the message arrived:
    a request with an ETA waits in the worker. The remaining time is computed at that point.
    """

    def __init__(self, hard: float | None, soft: float | None, deadline_ms: int) -> None:
        self._hard = hard
        self._soft = soft
        self._deadline_ms = deadline_ms

    def __iter__(self) -> Iterator[float | None]:
        left = max(_MIN_SECONDS, seconds_until(self._deadline_ms))
        yield self._hard
        yield left if self._soft is None else min(left, self._soft)
