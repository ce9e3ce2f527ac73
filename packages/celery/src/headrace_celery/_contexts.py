"""The context of a run: from its message, from the caller of an eager run, or a new one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from celery.app import app_or_default

from headrace import FlowContext, RemoteContext
from headrace.integration import add_facts, nested_context, units_are_watched
from headrace.integration.messages import (
    Envelope,
    make_id,
    propagated_metadata,
    reason_to_ignore,
    report_ignored,
    task_context,
    trace_in,
)

from ._deadlines import deadline_of
from ._envelope import read

TRACE_HEADER = "traceparent"

# --- Runs in a worker -----------------------------------------------------------------------------


def worker_context(task: Any, fields: Mapping[str, Any]) -> tuple[FlowContext, str]:
    """Return the context of a run of `task` in a worker; never raises.

    Args:
        task: the task.
        fields: the message's headers, as Celery's requests hold them.

    Returns:
        The context, and the reason for ignoring the message's envelope ("" if it is used).
    """
    problem = ""
    try:
        context = _context_of_message(task, fields)
    except Exception as error:  # a header must never fail a task, whatever it contains
        context = task_context(task.name, {}, None, correlation_id=_new_id(task))
        problem = reason_to_ignore(error)
    _add_facts(context, fields)
    return context, problem


def _context_of_message(task: Any, fields: Mapping[str, Any]) -> FlowContext:
    envelope, new_id = read(fields), _new_id(task)
    if envelope is None:
        return task_context(task.name, fields, None, correlation_id=new_id)
    return task_context(
        task.name,
        fields,
        envelope,
        correlation_id=new_id,
        deadline=deadline_of(envelope, task.app),
        metadata=_metadata(envelope),
    )


# --- Eager runs -----------------------------------------------------------------------------------


def eager_context(task: Any, request: Any, caller: FlowContext) -> FlowContext:
    """Return the context of an eager run of `task` in the unit `caller`; headers have no effect."""
    # The caller runs an eager retry, but the cause of the retry is the previous attempt.
    remote = _previous_attempt(request) if request.retries else None
    correlation_id = _new_id(task)
    metadata = propagated_metadata(caller)
    context = nested_context("task", task.name, correlation_id, remote, metadata)
    _add_facts(context, vars(request))
    return context


def _previous_attempt(request: Any) -> RemoteContext | None:
    try:
        envelope = read(vars(request))
    except Exception:  # a header must never fail a task, whatever it contains
        return None
    return envelope and RemoteContext(None, envelope.causation_id)


# --- Messages for user code -----------------------------------------------------------------------


def context_of(request: Any) -> RemoteContext:
    """Return the context of the unit of work that published the message of `request`.

    Use it in code that handles several messages at once, such as a task of celery-batches: continue
    each message's operation with ``open_context(remote=context_of(request))``. The result is an
    empty `RemoteContext` if the message has no header or a malformed one; never raises.

    Args:
        request: a task's ``self.request``, the worker's own request, a ``SimpleRequest`` of
            celery-batches, or a mapping of a message's headers.
    """
    remote = RemoteContext()
    try:
        for fields in _fields_of(request):
            if TRACE_HEADER in fields:
                remote = RemoteContext(trace=trace_in(fields))
            envelope = read(fields)
            if envelope is not None:
                return _remote(envelope, remote, getattr(request, "app", None))
    except Exception as error:  # whatever `request` is
        report_ignored(reason_to_ignore(error), *_identity(request))
    return remote


def _fields_of(request: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(request, Mapping):
        yield request
        return
    # The request of a worker or of celery-batches, then of a running task, then a message.
    for name in ("request_dict", "__dict__"):
        fields = getattr(request, name, None)
        if isinstance(fields, Mapping):
            yield fields
    yield {"headers": getattr(request, "headers", None)}


def _remote(envelope: Envelope, traced: RemoteContext, app: Any) -> RemoteContext:
    deadline = None
    if envelope.deadline_ms is not None:
        # Requests of celery-batches have no app; looking up the default app may create it.
        deadline = deadline_of(envelope, app_or_default(app))
    return RemoteContext(
        envelope.correlation_id,
        envelope.causation_id,
        deadline,
        _metadata(envelope),
        traced.trace and replace(traced.trace, is_link=envelope.is_link),
    )


def _identity(request: Any) -> tuple[object, object]:
    try:
        return request.name, request.id
    except Exception:
        return f"of a {type(request).__name__}", None


# --- Both -----------------------------------------------------------------------------------------


def _metadata(envelope: Envelope) -> dict[str, Any]:
    metadata = dict(envelope.metadata)
    queue_ms = envelope.queue_ms()
    if queue_ms is not None:
        metadata["celery.queue_ms"] = queue_ms
    if envelope.flow is not None:
        metadata["celery.from_flow"] = envelope.flow
    if envelope.step is not None:
        metadata["celery.from_step"] = envelope.step
    return metadata


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


def _new_id(task: Any) -> str | None:
    """Return the correlation ID of a run that continues no operation; None for any other run."""
    return make_id() if getattr(task, "headrace_new", False) else None
