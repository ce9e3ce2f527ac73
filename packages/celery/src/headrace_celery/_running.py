"""The worker's side and the eager one: a unit of work around each run of a task."""

from __future__ import annotations

import logging
import sys
from typing import Any

from celery import signals
from celery.exceptions import Retry

from headrace import FlowContext, get_flow_context
from headrace.integration import Unit, is_detached, plain_text

from ._contexts import eager_context, report, worker_context
from ._envelope import HEADER, write
from ._log import log
from ._redelivery import take_over

# The units of the runs under way, by the identity of the request: `task_postrun` gets the same
# request as `task_prerun` did, and nothing is added to it that Celery would copy or show.
_open: dict[int, Unit] = {}


def begin(task: Any, **_: Any) -> None:
    """Receive `task_prerun`: open the unit of the run."""
    if signals.task_postrun.receivers[-1][1] is not end:
        stay_outermost()
    request = task.request
    caller = get_flow_context() if request.get("is_eager") else None
    unit = None if caller is not None else take_over()
    problem = ""
    if unit is None:
        if caller is not None:
            context = eager_context(task, request, caller)
        else:
            context, problem = worker_context(task, _fields(request))
        # A soft time limit may interrupt what is inside, and leave a unit open there.
        unit = Unit(context, encloses=True)
        unit.__enter__()
    try:
        _open[id(request)] = unit
        if problem:
            report(problem, task.name, request.id)
        if log.isEnabledFor(logging.DEBUG):
            _log_start(task, unit.context)
    except BaseException as exc:  # a time limit came just now
        _open.pop(id(request), None)
        unit.__exit__(type(exc), exc, exc.__traceback__)
        raise


def _fields(request: Any) -> dict[str, Any]:
    # A caller may forward its headers to an eager run, as to a message. Those of an eager retry
    # are the attempt's before.
    if request.get("is_eager") and not request.retries and is_detached():
        return {}
    fields: dict[str, Any] = vars(request)
    return fields


def end(task: Any, retval: Any = None, state: str | None = None, **_: Any) -> None:
    """Receive `task_postrun`: end the unit of the run with what the run raised."""
    unit = _open.pop(id(task.request), None)
    if unit is None:
        return
    exc = _raised(retval, state)
    if exc is None:
        unit.__exit__(None, None, None)
        return
    if isinstance(exc, Retry):
        _remember_attempt(exc, unit.context)
    unit.__exit__(type(exc), exc, exc.__traceback__)


def stay_outermost() -> None:
    """Be the first to receive `task_prerun` and the last to receive `task_postrun`.

    What the other receivers log carries the ID; and those that make something current for the
    run, as OpenTelemetry's instrumentation does, restore it before we restore what was there
    before. Celery calls the receivers of both signals in the order in which they were connected.
    """
    _move(signals.task_prerun, begin, 0)
    _move(signals.task_postrun, end, -1)


def _move(signal: Any, receiver: Any, index: int) -> None:
    with signal.lock:
        ours = [entry for entry in signal.receivers if entry[1] is receiver]
        others = [entry for entry in signal.receivers if entry[1] is not receiver]
        signal.receivers[:] = [*ours, *others] if index == 0 else [*others, *ours]
        signal.sender_receivers_cache.clear()


def _log_start(task: Any, context: FlowContext) -> None:
    fields = {
        "task": task.name,
        "task_id": task.request.id,
        "from_flow": context.get_value("celery.from_flow"),
        "from_step": context.get_value("celery.from_step"),
    }
    shown = {name: None if text is None else plain_text(text) for name, text in fields.items()}
    log.debug("task.start", extra={**shown, "queue_ms": context.get_value("celery.queue_ms")})


def _raised(retval: Any, state: str | None) -> BaseException | None:
    if state is None:
        # It passes through Celery at this moment: an eager error, or a SystemExit.
        return sys.exc_info()[1]
    return retval if state != "SUCCESS" and isinstance(retval, BaseException) else None


def _remember_attempt(retry: Any, context: FlowContext) -> None:
    # An eager retry is run by the caller, when the attempt that asked for it has ended.
    if retry.is_eager and retry.sig is not None:
        headers = retry.sig.options.get("headers") or {}
        retry.sig.options["headers"] = {**headers, HEADER: write(context)}
