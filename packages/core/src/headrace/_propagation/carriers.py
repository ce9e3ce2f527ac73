"""`inject` and `extract`, for the correlation, trace and deadline headers of a carrier."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from headrace import _state
from headrace._context.attachments import get_trace
from headrace._context.deadlines import remaining
from headrace._context.remote import NOTHING, RemoteContext
from headrace._context.spans import should_link
from headrace._context.variables import get_unit
from headrace._ids import ID_RULE, match_id, new_unit_id, valid_id
from headrace._logger import log
from headrace._process import clock
from headrace._tracing import active_span
from headrace._tracing.w3c import TRACEPARENT, TRACESTATE, parse, render, trace_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, MutableMapping

    from headrace._context.model import FlowContext
    from headrace._tracing.w3c import TraceContext


_MAX_MILLISECONDS = 10.0**15 - 1
_is_milliseconds = re.compile(r"[0-9]{1,15}").fullmatch

DEADLINE_HEADER = "X-Deadline-Ms"
"""The header that carries the milliseconds left until a deadline."""


def inject(carrier: MutableMapping[str, str]) -> None:
    """Write the headers of the current context into `carrier`.

    In a unit of work, these are the correlation header, named by ``configure(header=...)``, and
    ``traceparent`` and ``tracestate`` of W3C Trace Context, which OpenTelemetry's own propagator
    writes if one of its spans is active. While a deadline is active, ``X-Deadline-Ms`` gives the
    milliseconds left. A header of the same name in another case is replaced.

    Args:
        carrier: the headers of an outgoing message, as a mutable mapping of names to values.
    """
    context, left = get_unit(), remaining()
    header = _state.settings.header
    names = () if context is None else (header, TRACEPARENT, TRACESTATE)
    _remove(carrier, names if left is None else (*names, DEADLINE_HEADER))
    correlation_id = None if context is None else context.correlation_id
    if type(correlation_id) is not str or match_id(correlation_id) is None:
        correlation_id = None if context is None else _sendable_id(context)
    if context is not None and correlation_id is not None:
        carrier[header] = correlation_id
        if not active_span.trace_is_active() or not active_span.write_headers(carrier):
            _write_trace(_continued(context) or trace_of(correlation_id), context, carrier)
    if left is not None:
        milliseconds = min(max(0.0, left * 1000.0), _MAX_MILLISECONDS)
        carrier[DEADLINE_HEADER] = str(math.floor(milliseconds))


def _sendable_id(context: FlowContext) -> str | None:
    """Return the unit's correlation ID, or None if it has been set to an invalid value."""
    correlation_id = valid_id(context.correlation_id)
    if correlation_id is None:
        log.warning(
            "sending a message without its context: the unit's correlation_id is not %s",
            ID_RULE,
        )
    return correlation_id


def inject_trace(carrier: MutableMapping[str, Any], context: FlowContext) -> bool:
    """Write only ``traceparent`` and ``tracestate``, without the correlation header.

    Without an inbound trace or OpenTelemetry, nothing is written: the receiver derives the same
    trace from the correlation ID.

    Args:
        carrier: the headers of a message.
        context: the current unit, which sends it.

    Returns:
        Whether the receiver should link to the written span instead of continuing its trace,
        because that span has ended or has been open for too long.
    """
    if active_span.trace_is_active():
        state = carrier.pop(TRACESTATE, None)
        if active_span.write_headers(carrier):
            return should_link(context)
        if state is not None:
            carrier[TRACESTATE] = state
    trace = _continued(context)
    if trace is not None:
        _write_trace(trace, context, carrier)
    return False


def remove_trace(carrier: MutableMapping[str, Any]) -> None:
    """Remove the ``traceparent`` and ``tracestate`` of an earlier message from `carrier`.

    Headers that an OpenTelemetry instrumentation has just written for the current span stay.
    """
    if TRACEPARENT in carrier:
        written: dict[str, str] = {}
        if active_span.trace_is_active() and not active_span.is_ours():
            active_span.write_headers(written)
        if written.get(TRACEPARENT) != carrier[TRACEPARENT]:
            del carrier[TRACEPARENT]
            carrier.pop(TRACESTATE, None)


def _continued(context: FlowContext) -> TraceContext | None:
    trace = get_trace(context)
    return None if trace is None or trace.is_link else trace


def _write_trace(
    trace: TraceContext, context: FlowContext, carrier: MutableMapping[str, Any]
) -> None:
    parent, state = render(trace, context.unit_id, new_unit_id())
    carrier[TRACEPARENT], carrier[TRACESTATE] = parent, state


def extract(carrier: Mapping[Any, Any] | Iterable[tuple[Any, Any]]) -> RemoteContext:
    """Read the correlation header and W3C Trace Context of a message; never raises.

    A malformed header is ignored, and so is a repeated one, even if its values are equal.

    Args:
        carrier: a mapping or an iterable of pairs, of `str` or `bytes`: WSGI's environ (with its
            ``HTTP_`` names), ASGI's header list, Kafka's, gRPC's.
    """
    wanted = {**_names_of(_state.settings.header), **_TRACE_NAMES}
    found: dict[str, list[str]] = {}
    try:
        for name, value in _pairs(carrier):
            header = wanted.get(text(name).lower())
            if header is not None:
                found.setdefault(header, []).append(text(value))
    except Exception:  # a carrier from outside may be anything
        return NOTHING
    return _remote(found)


def _remote(found: Mapping[str, list[str]]) -> RemoteContext:
    values = found.get(_state.settings.header, ())
    trace = parse(found.get(TRACEPARENT, ()), found.get(TRACESTATE, ()))
    return RemoteContext(
        valid_id(values[0]) if len(values) == 1 else None,
        None if trace is None else trace.cause,
        trace=trace,
    )


def text(raw: object) -> str:
    """Return a header's name or value as `str`: ``""`` if it is neither text nor bytes."""
    if type(raw) is str:
        return raw
    if isinstance(raw, bytes):
        return bytes.decode(raw, "latin-1")
    # In a log, a subclass may render differently from the text that was checked.
    return str.__str__(raw) if isinstance(raw, str) else ""


def deadline_from_header(found: Iterable[tuple[str, str]]) -> float | None:
    """Return the deadline in headers as a reading of `time.monotonic`, or None.

    Args:
        found: lower-case names and values; a repeated or malformed deadline is ignored.
    """
    values = [value for name, value in found if name == DEADLINE_HEADER.lower()]
    if len(values) != 1 or not _is_milliseconds(values[0]):
        return None
    return clock.monotonic() + int(values[0]) / 1000.0


def _remove(carrier: MutableMapping[str, str], headers: Iterable[str]) -> None:
    lowered = {header.lower() for header in headers}
    for name in [name for name in carrier if text(name).lower() in lowered]:
        if name in carrier:  # in a case-insensitive mapping, deleting one may delete others
            del carrier[name]


def _names_of(header: str) -> dict[str, str]:
    """Map the lower-case names that `header` may have in a carrier to `header`."""
    return {header.lower(): header, "http_" + header.lower().replace("-", "_"): header}


_TRACE_NAMES = {**_names_of(TRACEPARENT), **_names_of(TRACESTATE)}


def _pairs(carrier: Any) -> Iterator[tuple[Any, Any]]:
    pairs = carrier.items() if hasattr(carrier, "items") else carrier
    for pair in pairs:
        name, value = pair
        for single in value if isinstance(value, list | tuple) else (value,):
            yield name, single
