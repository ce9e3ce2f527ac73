"""The request of a worker: how the parent process of a pool handles a run.

A killed child sends no `task_postrun`. Its parent logs the loss and publishes the errbacks, the
retry and the chord's body, which all belong to the operation of the message. The parent also
announces revoked tasks and time limits.

`init_app` sets this class as `Task.Request`. Your own request class must inherit from it to keep
this behaviour.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from billiard.einfo import (  # type: ignore[attr-defined]
    ExceptionWithTraceback,  # pyright: ignore[reportAttributeAccessIssue]
)
from celery.exceptions import Reject, TimeLimitExceeded
from celery.worker.request import Request
from celery.worker.state import revoked as revoked_ids

from headrace.integration import Unit, add_facts, as_current, units_are_watched

from ._contexts import worker_context


class FlowRequest(Request):
    """A worker's request that logs and publishes under the correlation ID of its message."""

    def on_failure(
        self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False
    ) -> Any:
        """Handle a failure that the pool reports; with ``return_ok=False``, the run was lost."""
        exc = _unwrapped(exc_info.exception)
        # A failed run has ended its unit and reported the failure itself. A rejected message,
        # however, is handled only here.
        with nullcontext() if return_ok and not isinstance(exc, Reject) else self._lost(exc):
            return super().on_failure(exc_info, send_failed_event, return_ok)

    def on_timeout(self, soft: bool, timeout: float) -> Any:
        """Handle a time limit; at the hard limit, the pool kills the run."""
        with self._as_current() if soft else self._lost(TimeLimitExceeded(timeout)):
            return super().on_timeout(soft, timeout)

    def revoked(self) -> bool:
        """Return whether the task is revoked or has expired, and announce it."""
        # Celery calls this for each message: create no context for one that cannot be revoked.
        if not (self.expires is not None or revoked_ids or self.stamped_headers):
            return bool(super().revoked())
        with self._as_current():
            return bool(super().revoked())

    def _announce_revoked(self, *args: Any, **kwargs: Any) -> Any:
        # Celery does not call `revoked` for a task that is terminated while it runs.
        with self._as_current():
            return super()._announce_revoked(*args, **kwargs)  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]

    def _as_current(self) -> AbstractContextManager[None]:
        """Make the context of the run current, without reporting a unit to the backends."""
        # The run itself reports a malformed header.
        return as_current(worker_context(self.task, self.request_dict)[0])

    @contextmanager
    def _lost(self, exc: BaseException) -> Iterator[None]:
        """Report a failed unit to the backends instead of the one that the killed run left open.

        It has no log lines: the line ``unit.start`` of the killed run remains without an end.
        """
        context = worker_context(self.task, self.request_dict)[0]
        if units_are_watched():
            add_facts(context, lost=True)
        unit = Unit(context)
        unit.__enter__()
        try:
            yield
        finally:
            unit.__exit__(type(exc), exc, exc.__traceback__)


def _unwrapped(exc: Any) -> BaseException:
    # Pools wrap an exception to carry its traceback through a pipe.
    unwrapped: BaseException = exc.exc if isinstance(exc, ExceptionWithTraceback) else exc
    return unwrapped
