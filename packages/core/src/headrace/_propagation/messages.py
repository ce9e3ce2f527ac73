"""The headers of a queue's messages: written by the publisher, read by the worker."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headrace._context.attachments import add_facts
from headrace._context.detached import is_detached
from headrace._context.model import FlowContext
from headrace._context.opening import transport_context
from headrace._context.remote import RemoteContext
from headrace._context.units import Unit
from headrace._context.variables import get_unit
from headrace._logger import log
from headrace._messages.text import plain_text
from headrace._state import units_are_watched
from headrace._tracing.w3c import TRACEPARENT, TRACESTATE

from .carriers import extract, inject_trace, remove_trace
from .envelope import (
    HEADER,
    MAX_NAME,
    Envelope,
    MalformedEnvelopeError,
    parse_envelope,
    write_envelope,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from headrace._tracing.w3c import TraceContext

# --- Publishing -----------------------------------------------------------------------------------


def write_headers(headers: MutableMapping[str, Any]) -> None:
    """Write the envelope and the trace of the current unit into the headers of a message.

    An earlier envelope, such as that of a retried message, is overwritten, or removed inside
    `detached`. Outside any unit, nothing changes.

    Args:
        headers: the message's own headers, which no other message shares.
    """
    context = get_unit()
    if context is not None:
        headers[HEADER] = envelope = write_envelope(context)
        if inject_trace(headers, context):
            envelope["link"] = 1
    elif is_detached():
        headers.pop(HEADER, None)
        remove_trace(headers)


# --- Running --------------------------------------------------------------------------------------


def begin_run(name: str | None, headers: Mapping[str, Any], **facts: Any) -> Unit:
    """Open the unit of a run of a task, whatever the headers of its message contain.

    A malformed envelope is ignored with one log line. `end_run` ends the unit.

    Args:
        name: the task's name.
        headers: the message's headers.
        facts: facts about the task, as for `headrace.integration.add_facts`, except `queue_ms`,
            which the envelope tells.
    """
    envelope, problem = read_headers(headers)
    metadata = None if envelope is None else envelope.metadata
    context = task_context(name, headers, envelope, metadata=metadata)
    if units_are_watched():
        queue_ms = None if envelope is None else envelope.queue_ms()
        add_facts(context, queue_ms=queue_ms, **facts)
    unit = Unit(context, encloses=True)
    unit.__enter__()
    if problem:
        report_ignored(problem, name, facts.get("task_id"))
    return unit


def end_run(unit: Unit, exc: BaseException | None) -> None:
    """End a unit that `begin_run` has opened.

    Args:
        unit: the unit.
        exc: the exception that the run raised, or None.
    """
    if exc is None:
        unit.__exit__(None, None, None)
    else:
        unit.__exit__(type(exc), exc, exc.__traceback__)


def read_headers(headers: Mapping[str, Any]) -> tuple[Envelope | None, str]:
    """Return the envelope in the headers of a message; never raises.

    Args:
        headers: the message's headers.

    Returns:
        The envelope, or None if there is none or it is malformed; and the reason for ignoring it,
        ``""`` unless it is malformed.
    """
    try:
        raw = headers.get(HEADER, _ABSENT)
        return (None if raw is _ABSENT else parse_envelope(raw)), ""
    except Exception as error:  # a header must never fail a task, whatever it contains
        return None, reason_to_ignore(error)


def task_context(
    name: str | None,
    headers: Mapping[str, Any],
    envelope: Envelope | None,
    *,
    correlation_id: str | None = None,
    deadline: float | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> FlowContext:
    """Create the context of a run of a task from the headers of its message.

    Args:
        name: the task's name.
        headers: the message's headers, with a W3C Trace Context that any library may have written.
        envelope: the envelope in `headers`, or None.
        correlation_id: a valid ID that replaces the message's, or None.
        deadline: a reading of `time.monotonic` (seconds), or None.
        metadata: the unit's initial metadata; the caller includes that of `envelope`.
    """
    is_link = correlation_id is not None or (envelope is not None and envelope.is_link)
    trace = trace_in(headers, is_link=is_link) if TRACEPARENT in headers else None
    if envelope is None:
        remote = RemoteContext(correlation_id, trace=trace)
        return transport_context("task", name, remote, metadata)
    correlation_id, cause = correlation_id or envelope.correlation_id, envelope.causation_id
    if trace is None:
        return FlowContext(correlation_id, cause, "task", name, deadline, metadata)
    remote = RemoteContext(correlation_id, cause, deadline, trace=trace)
    return transport_context("task", name, remote, metadata)


def trace_in(headers: Mapping[str, Any], *, is_link: bool = False) -> TraceContext | None:
    """Return the W3C Trace Context in the headers of a message, or None.

    Args:
        headers: the headers.
        is_link: whether the receiver links to the trace instead of continuing it.
    """
    remote = extract({name: headers.get(name) or "" for name in (TRACEPARENT, TRACESTATE)})
    return remote.trace and replace(remote.trace, is_link=is_link)


def reason_to_ignore(error: Exception) -> str:
    """Return why an envelope is ignored, without its content, which is untrusted.

    Args:
        error: what `parse_envelope` raised.
    """
    return str(error) if isinstance(error, MalformedEnvelopeError) else "it cannot be read"


def report_ignored(problem: str, name: object, task_id: object) -> None:
    """Log that a message's envelope is ignored, with the reason but without its content.

    Args:
        problem: the reason, from `read_headers`.
        name: the task's name.
        task_id: the queue's ID of the task.
    """
    log.warning(
        "ignored the headrace header of task %s[%s]: %s; the task does not continue its "
        "publisher's operation",
        plain_text(name)[:MAX_NAME],
        plain_text(task_id)[:MAX_NAME],
        problem,
    )


_ABSENT = object()
