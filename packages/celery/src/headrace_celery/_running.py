"""The worker's side and the eager one: a unit of work around each run of a task."""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from celery import Celery
from celery.exceptions import Retry

from headrace import FlowContext, RemoteContext, get_flow_context
from headrace.integration import Unit, nested_context, propagated_metadata, transport_context

from ._envelope import HEADER, Envelope, MalformedHeaderError, find, log, parse, write

if TYPE_CHECKING:
    from collections.abc import Mapping

accepting_deadlines: WeakSet[Celery] = WeakSet()
"""The apps whose workers heed the deadline of a message."""

# The units of the runs under way, by the identity of the request: `task_postrun` gets the same
# request as `task_prerun` did, and nothing is added to it that Celery would copy or show.
_open: dict[int, Unit] = {}


def begin(task: Any, **_: Any) -> None:
    """Receive `task_prerun`: open the unit of the run."""
    request = task.request
    context, problem = _context_of(task, request)
    unit = Unit(context)
    unit.__enter__()
    _open[id(request)] = unit
    if problem:
        report(problem, task.name, request.id)
    if log.isEnabledFor(logging.DEBUG):
        fields = {"task": task.name, "task_id": request.id, "queue_ms": queue_ms(context)}
        log.debug("task.start", extra=fields)


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


def worker_context(
    app: Any, name: str, fields: Mapping[str, Any], *, fresh: bool = False
) -> tuple[FlowContext, str]:
    """Return the context of a run of task `name`, and what is wrong with its message's header.

    Args:
        app: the task's app.
        name: the task's name.
        fields: the message's headers, as a request keeps them.
        fresh: whether the run gets a correlation ID of its own.
    """
    try:
        present, raw = find(fields)
        if not present:
            return transport_context("task", name), ""
        envelope = parse(raw)
        remote = envelope.remote(accept_deadline=app in accepting_deadlines)
        if fresh:
            remote = RemoteContext(None, remote.causation_id, remote.deadline)
        return transport_context("task", name, remote, _metadata(envelope)), ""
    except MalformedHeaderError as error:
        return transport_context("task", name), str(error)
    except Exception:  # whatever it is made of, a header never fails a task
        return transport_context("task", name), "it cannot be read"


def report(problem: str, name: str, task_id: str | None) -> None:
    """Log that the header of a message was ignored; its value never reaches the log."""
    log.warning(
        "ignored the headrace header of task %s[%s]: %s; a fresh unit of work was opened",
        name,
        task_id,
        problem,
    )


def queue_ms(context: FlowContext) -> float | None:
    """Return how long the message of this run was on its way, in milliseconds, if that is known."""
    value: float | None = context.get_value("celery.queue_ms")
    return value


def _context_of(task: Any, request: Any) -> tuple[FlowContext, str]:
    fresh = bool(getattr(task, "headrace_new", False))
    caller = get_flow_context() if request.is_eager else None
    if caller is None:
        return worker_context(task.app, task.name, vars(request), fresh=fresh)
    cause = _attempt_before(request)
    metadata = propagated_metadata(caller)
    if fresh:
        remote = RemoteContext(None, cause or caller.unit_id, caller.deadline)
        return transport_context("task", task.name, remote, metadata), ""
    remote = RemoteContext(None, cause)
    return nested_context("task", task.name, None, remote, metadata), ""


def _metadata(envelope: Envelope) -> dict[str, Any]:
    metadata = dict(envelope.metadata)
    if envelope.published_ms is not None:
        metadata["celery.queue_ms"] = max(0.0, time.time() * 1000.0 - envelope.published_ms)
    if envelope.flow is not None:
        metadata["celery.from_flow"] = envelope.flow
    if envelope.step is not None:
        metadata["celery.from_step"] = envelope.step
    return metadata


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


def _attempt_before(request: Any) -> str | None:
    if not request.retries:
        return None
    try:
        return parse(find(vars(request))[1]).causation_id
    except Exception:
        return None
