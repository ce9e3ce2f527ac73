"""Deadlines that came with a message: a worker obeys them if its app accepts them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from ._contexts import accepting_deadlines
from ._envelope import Envelope, find, parse

_LEAST_SECONDS = 0.001  # Celery reads 0 as no limit; a task out of time has expired anyway


def on_task_received(request: Any = None, **_: Any) -> None:
    """Receive `task_received`: shorten the request's expiry and soft time limit.

    Only this request is changed, not the message: a retry brings the limits of its own task.
    """
    if request.app not in accepting_deadlines:
        return
    try:
        present, raw = find(request.request_dict)
        envelope = parse(raw) if present else None
        if envelope is None or envelope.deadline_ms is None:
            return
        # From the remaining time, since a test may replace our clock.
        deadline = datetime.now(UTC) + timedelta(seconds=envelope.seconds_left())
    except Exception:  # the run reports a malformed header
        return
    if request.expires is None or not _is_before(request.expires, deadline):
        request.expires = deadline
    hard, soft = request.time_limits
    request.time_limits = _Limits(hard, soft or request.task.soft_time_limit, envelope)


class _Limits:
    """The hard and the soft limit of a run, computed when the run goes to the pool."""

    def __init__(self, hard: float | None, soft: float | None, envelope: Envelope) -> None:
        self._hard = hard
        self._soft = soft
        self._envelope = envelope

    def __iter__(self) -> Iterator[float | None]:
        left = max(_LEAST_SECONDS, self._envelope.seconds_left())
        yield self._hard
        yield min(left, math.inf if self._soft is None else self._soft)


def _is_before(one: datetime, other: datetime) -> bool:
    return one < (other if one.tzinfo else other.replace(tzinfo=None))
