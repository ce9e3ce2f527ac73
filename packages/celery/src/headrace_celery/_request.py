"""What the worker's parent process says of a run that it cannot leave to the run itself.

A killed child sends no `task_postrun`: its parent logs the loss, and publishes the errbacks, the
retry, the chord's body. All of that belongs to the operation of the request.

Celery takes the class from `Task.Request`; `init_app` puts this one there. A request class of your
own inherits from it to keep what it does.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from billiard import einfo
from celery.exceptions import Reject, TimeLimitExceeded
from celery.worker.request import Request
from celery.worker.state import revoked as revoked_ids

from headrace import FlowContext
from headrace.integration import Unit, as_current

from ._contexts import worker_context

if TYPE_CHECKING:
    from collections.abc import Iterator


class FlowRequest(Request):
    """A worker's request, whose parent process speaks under the request's correlation ID."""

    def on_failure(
        self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False
    ) -> Any:
        """Handle what the pool reports: a failure, or with ``return_ok=False`` a lost run."""
        exc = _unwrapped(exc_info.exception)
        # Of a failure the run itself has said all, except of a message that it rejects.
        with nullcontext() if return_ok and not isinstance(exc, Reject) else self._lost(exc):
            return super().on_failure(exc_info, send_failed_event, return_ok)

    def on_timeout(self, soft: bool, timeout: float) -> Any:
        """Handle a time limit; beyond the hard one the run was killed."""
        with self._mentioned() if soft else self._lost(TimeLimitExceeded(timeout)):
            return super().on_timeout(soft, timeout)

    def revoked(self) -> bool:
        """Tell whether the task must not run, and announce it."""
        may_expire = self.expires is not None
        if not (may_expire or revoked_ids or self.stamped_headers):
            return bool(super().revoked())
        with self._mentioned():
            return bool(super().revoked())

    def _announce_revoked(self, *args: Any, **kwargs: Any) -> Any:
        with self._mentioned():
            return super()._announce_revoked(*args, **kwargs)  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]

    def _mentioned(self) -> AbstractContextManager[None]:
        return as_current(self._context_of_run())

    @contextmanager
    def _lost(self, exc: BaseException) -> Iterator[None]:
        """Report the unit that the killed process could not end."""
        unit = Unit(self._context_of_run())
        unit.__enter__()
        try:
            yield
        finally:
            unit.__exit__(type(exc), exc, exc.__traceback__)

    def _context_of_run(self) -> FlowContext:
        # What is wrong with the header is for the run to say.
        return worker_context(self.task, self.request_dict)[0]


def _unwrapped(exc: Any) -> BaseException:
    wrapper = getattr(einfo, "ExceptionWithTraceback", ())
    unwrapped: BaseException = exc.exc if isinstance(exc, wrapper) else exc
    return unwrapped
