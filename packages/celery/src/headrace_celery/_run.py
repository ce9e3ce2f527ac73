"""The worker's side and the eager one: a unit of work around each run of a task."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any

from celery import signals
from celery.exceptions import Retry

from headrace import FlowContext, get_flow_context
from headrace.integration import Unit, await_span, is_detached, plain_text

from ._contexts import TRACE_HEADER, eager_context, report, worker_context
from ._envelope import HEADER, write
from ._log import log
from ._redelivery import take_over

# The units of the runs under way, by the identity of the request: `task_postrun` gets the same
# request as `task_prerun` did, and nothing is added to it that Celery would copy or show.
_open: dict[int, Unit] = {}
_FORWARDED = (HEADER, "headers", TRACE_HEADER)


def on_task_prerun(task: Any, **_: Any) -> None:
    """Receive `task_prerun`: open the unit of the run."""
    is_followed = signals.task_postrun.receivers[-1][1] is not _last and stay_outermost()
    request = task.request
    caller = get_flow_context() if request.get("is_eager") else None
    unit = None if caller is not None else take_over()
    problem = ""
    if unit is None:
        if caller is not None:
            context = eager_context(task, request, caller)
        else:
            context, problem = worker_context(task, _fields(request))
        if is_followed:
            await_span(context)
        # A soft time limit may interrupt an inner unit and leave it open.
        unit = Unit(context, encloses=True)
        unit.__enter__()
    try:
        _open[id(request)] = unit
        if problem:
            report(problem, task.name, request.id)
        if log.isEnabledFor(logging.DEBUG):
            _log_start(task, unit.context)
    except BaseException as exc:  # a time limit may strike right here
        _open.pop(id(request), None)
        unit.__exit__(type(exc), exc, exc.__traceback__)
        raise


def _fields(request: Any) -> dict[str, Any]:
    fields: dict[str, Any] = vars(request)
    # A caller may forward its headers to an eager run, as to a message. An eager retry carries
    # those of the previous attempt.
    if request.get("is_eager") and not request.retries and is_detached():
        return {key: value for key, value in fields.items() if key not in _FORWARDED}
    return fields


def on_task_postrun(task: Any, retval: Any = None, state: str | None = None, **_: Any) -> None:
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


def stay_outermost() -> bool:
    """Be the first to receive `task_prerun` and the last to receive `task_postrun`.

    The other receivers then log with the ID, and those that make something current for the run
    restore it before we restore our context. Only the receivers of OpenTelemetry's instrumentation
    run outside ours: their span then stands for the run, and the unit adds none. Celery calls the
    receivers of both signals in the order in which they were connected.

    Returns:
        Whether a receiver of OpenTelemetry's came after ours until now, and still does in the
        current call of the receivers.
    """
    global _last  # noqa: PLW0603 - each run compares it
    before = [receiver for _, receiver in signals.task_prerun.receivers]
    _sort(signals.task_prerun, (_is_opentelemetrys, _is_ours, _is_another))
    _sort(signals.task_postrun, (_is_another, _is_ours, _is_opentelemetrys))
    _last = signals.task_postrun.receivers[-1][1]
    return on_task_prerun in before and any(
        map(_is_opentelemetrys, before[before.index(on_task_prerun) :])
    )


_last: Any = None  # the last to receive `task_postrun`


def _sort(signal: Any, kinds: tuple[Callable[[Any], bool], ...]) -> None:
    with signal.lock:
        entries = list(signal.receivers)
        signal.receivers[:] = [each for kind in kinds for each in entries if kind(each[1])]
        signal.sender_receivers_cache.clear()


def _is_ours(receiver: Any) -> bool:
    return receiver is on_task_prerun or receiver is on_task_postrun


def _is_opentelemetrys(receiver: Any) -> bool:
    module: str = getattr(receiver, "__module__", None) or ""
    return module.startswith("opentelemetry.instrumentation.")


def _is_another(receiver: Any) -> bool:
    return not _is_ours(receiver) and not _is_opentelemetrys(receiver)


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
