"""Which context the run of a task gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from celery import Celery
from celery.app import app_or_default

from headrace import FlowContext, RemoteContext, extract
from headrace.integration import (
    add_facts,
    clock,
    make_id,
    nested_context,
    plain_text,
    propagated_metadata,
    transport_context,
    units_are_watched,
)

from ._envelope import MAX_NAME, Envelope, MalformedHeaderError, find, parse
from ._log import log

if TYPE_CHECKING:
    from collections.abc import Iterator

TRACE_HEADER = "traceparent"

accepting_deadlines: WeakSet[Celery] = WeakSet()
"""The apps whose workers obey the deadline of a message."""


def worker_context(task: Any, fields: Mapping[str, Any]) -> tuple[FlowContext, str]:
    """Return the context of a run of `task`, and what is wrong with its message's header, or "".

    Args:
        task: the task.
        fields: the message's headers, as a request keeps them.
    """
    context, problem = _worker_context(task, fields)
    _add_facts(context, fields)
    return context, problem


def _worker_context(task: Any, fields: Mapping[str, Any]) -> tuple[FlowContext, str]:
    problem, trace = "", None
    try:
        present, raw = find(fields)
        if present:
            return _sent_context(task, parse(raw), fields), ""
        if TRACE_HEADER in fields:
            trace = _traced(fields, is_link=_is_new(task))
    except Exception as error:  # whatever it is made of, a header never fails a task
        problem = _problem(error)
    # Without an ID of its own it would open in a trace that happens to be active.
    remote = RemoteContext(make_id() if _is_new(task) else None, trace=trace)
    return transport_context("task", task.name, remote), problem


def _add_facts(context: FlowContext, fields: Mapping[str, Any]) -> None:
    if not units_are_watched():
        return
    info = fields.get("delivery_info")
    delivery = info if isinstance(info, Mapping) else {}
    add_facts(
        context,
        system="celery",
        task_id=fields.get("id"),
        queue=delivery.get("routing_key"),
        queue_ms=context.get_value("celery.queue_ms"),
        retries=fields.get("retries") or 0,
        redelivered=bool(delivery.get("redelivered")),
    )


def eager_context(task: Any, request: Any, caller: FlowContext) -> FlowContext:
    """Return the context of a run of `task` inside its `caller`, which wins over any header."""
    # An eager retry is run by the caller, but published, so to say, by the attempt before.
    remote = _attempt_before(request) if request.retries else None
    fresh_id = make_id() if _is_new(task) else None
    context = nested_context("task", task.name, fresh_id, remote, propagated_metadata(caller))
    _add_facts(context, vars(request))
    return context


def context_of(request: Any) -> RemoteContext:
    """Return the context of the unit of work that published the message of `request`.

    For code that runs several messages at once, such as a task of celery-batches: continue
    each message's operation with ``open_context(remote=context_of(request))``. Returns an empty
    `RemoteContext` if the message has no header or a malformed one; never raises.

    Args:
        request: a task's ``self.request``, the worker's own request, a ``SimpleRequest`` of
            celery-batches, or a mapping of a message's headers.
    """
    remote = RemoteContext()
    try:
        for fields in _fields_of(request):
            if TRACE_HEADER in fields:
                remote = RemoteContext(trace=_traced(fields))
            present, raw = find(fields)
            if present:
                return _remote(parse(raw), remote, getattr(request, "app", None))
    except Exception as error:  # whatever it is made of, a header never fails a task
        report(_problem(error), *_identity(request))
    return remote


def report(problem: str, name: object, task_id: object) -> None:
    """Log that the header of a message was ignored; its value never reaches the log."""
    log.warning(
        "ignored the headrace header of task %s[%s]: %s; its operation is not continued",
        plain_text(name)[:MAX_NAME],
        plain_text(task_id)[:MAX_NAME],
        problem,
    )


def _problem(error: Exception) -> str:
    return str(error) if isinstance(error, MalformedHeaderError) else "it cannot be read"


def _identity(request: Any) -> tuple[object, object]:
    try:
        return request.name, request.id
    except Exception:
        return f"of a {type(request).__name__}", None


def _fields_of(request: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(request, Mapping):
        yield request
        return
    # In this order: a worker's request and celery-batches', a running task's, a message's.
    for name in ("request_dict", "__dict__"):
        fields = getattr(request, name, None)
        if isinstance(fields, Mapping):
            yield fields
    yield {"headers": getattr(request, "headers", None)}


def _remote(envelope: Envelope, traced: RemoteContext, app: Any) -> RemoteContext:
    deadline = None
    if envelope.deadline_ms is not None:
        deadline = _deadline(envelope, app_or_default(app))  # celery-batches' requests name none
    return RemoteContext(
        envelope.correlation_id,
        envelope.causation_id,
        deadline,
        _metadata(envelope),
        traced.trace and replace(traced.trace, is_link=envelope.is_link),
    )


def _deadline(envelope: Envelope, app: Any) -> float | None:
    if envelope.deadline_ms is None or app not in accepting_deadlines:
        return None
    return clock.monotonic() + envelope.seconds_left()


def _sent_context(task: Any, envelope: Envelope, fields: Mapping[str, Any]) -> FlowContext:
    deadline = _deadline(envelope, task.app)
    correlation_id = make_id() if _is_new(task) else envelope.correlation_id
    metadata = _metadata(envelope)
    if TRACE_HEADER not in fields:
        return FlowContext(
            correlation_id, envelope.causation_id, "task", task.name, deadline, metadata
        )
    trace = _traced(fields, is_link=envelope.is_link or _is_new(task))
    remote = RemoteContext(correlation_id, envelope.causation_id, deadline, trace=trace)
    return transport_context("task", task.name, remote, metadata)


def _traced(fields: Mapping[str, Any], *, is_link: bool = False) -> Any:
    """Return the trace of the W3C Trace Context headers, whichever library wrote them."""
    read = extract({name: fields.get(name) or "" for name in (TRACE_HEADER, "tracestate")})
    return read.trace and replace(read.trace, is_link=is_link)


def _metadata(envelope: Envelope) -> dict[str, Any]:
    metadata = dict(envelope.metadata)
    if envelope.published_ms is not None:
        metadata["celery.queue_ms"] = max(0.0, clock.wall() * 1000.0 - envelope.published_ms)
    if envelope.flow is not None:
        metadata["celery.from_flow"] = envelope.flow
    if envelope.step is not None:
        metadata["celery.from_step"] = envelope.step
    return metadata


def _is_new(task: Any) -> bool:
    return bool(getattr(task, "headrace_new", False))


def _attempt_before(request: Any) -> RemoteContext | None:
    try:
        return RemoteContext(None, parse(find(vars(request))[1]).causation_id)
    except Exception:
        return None
