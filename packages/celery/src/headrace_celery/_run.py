"""A unit of work around each run of a task, in a worker or eagerly."""

from __future__ import annotations

import sys
from typing import Any

from celery.exceptions import Retry

from headrace import FlowContext, get_flow_context
from headrace.integration import Unit, end_run
from headrace.integration.messages import (
    HEADER,
    await_span,
    is_detached,
    report_ignored,
    write_envelope,
)

from . import _order
from ._contexts import TRACE_HEADER, eager_context, worker_context
from ._redelivery import take_over

# The units of the runs in progress. The key is the identity of the request, which is the same in
# both signals of a run; runs in other threads and greenlets, and nested eager runs, have their own
# requests. An attribute of the request would end up in the message of a retry.
_open: dict[int, Unit] = {}
_FORWARDED = (HEADER, "headers", TRACE_HEADER)


def on_task_prerun(task: Any, **_: Any) -> None:
    """Open the unit of the run."""
    span_follows = _order.has_changed() and keep_outermost()
    request = task.request
    # Only an eager run has a caller. In a worker, an active unit belongs to the code that started
    # the worker.
    caller = get_flow_context() if request.get("is_eager") else None
    unit = None if caller is not None else take_over()
    problem = ""
    if unit is None:
        if caller is not None:
            context = eager_context(task, request, caller)
        else:
            context, problem = worker_context(task, _fields(request))
        if span_follows:
            await_span(context)
        # A soft time limit may interrupt a unit opened inside and leave it open.
        unit = Unit(context, encloses=True)
        unit.__enter__()
    try:
        _open[id(request)] = unit
        if problem:
            report_ignored(problem, task.name, request.id)
    except BaseException as exc:
        # A soft time limit may strike here, before `task_postrun` can find the unit.
        _open.pop(id(request), None)
        unit.__exit__(type(exc), exc, exc.__traceback__)
        raise


def on_task_postrun(task: Any, retval: Any = None, state: str | None = None, **_: Any) -> None:
    """End the unit of the run with the exception that the run raised, if any."""
    unit = _open.pop(id(task.request), None)
    if unit is None:
        return
    exc = _raised(retval, state)
    if isinstance(exc, Retry):
        _remember_attempt(exc, unit.context)
    end_run(unit, exc)


def keep_outermost() -> bool:
    """Put the receivers of this module outside all others except OpenTelemetry's.

    Returns:
        Whether OpenTelemetry's instrumentation is about to start a span inside our unit.
    """
    return _order.restore(on_task_prerun, on_task_postrun)


def _fields(request: Any) -> dict[str, Any]:
    """Return the message's headers, without those that an eager run in `detached` must not read."""
    fields: dict[str, Any] = vars(request)
    # A caller can pass headers to an eager run as to a message. The headers of an eager retry,
    # however, are our own and name the previous attempt.
    if request.get("is_eager") and not request.retries and is_detached():
        return {key: value for key, value in fields.items() if key not in _FORWARDED}
    return fields


def _raised(retval: Any, state: str | None) -> BaseException | None:
    if state is None:
        # Celery sends the signal while the exception propagates: an error of an eager run, or a
        # `SystemExit`.
        return sys.exc_info()[1]
    # A task may also return an exception, which counts as a success.
    return retval if state != "SUCCESS" and isinstance(retval, BaseException) else None


def _remember_attempt(retry: Any, context: FlowContext) -> None:
    # The caller runs an eager retry after this attempt has ended. As in a worker, this attempt is
    # the cause of the retry, so the signature carries it.
    if retry.is_eager and retry.sig is not None:
        headers = retry.sig.options.get("headers") or {}
        retry.sig.options["headers"] = {**headers, HEADER: write_envelope(context)}
