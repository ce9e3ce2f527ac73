"""Reading and writing of W3C Trace Context, level 2 (https://www.w3.org/TR/trace-context-2/)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TRACEPARENT = "traceparent"
TRACESTATE = "tracestate"

_OURS = "headrace"
_OWS = " \t"
_MAX_MEMBERS = 32
_MAX_LENGTH = 512
_LONG_MEMBER = 128
# Sampled and random; other flags must not be passed on (section 3.2.2.3).
_KNOWN_FLAGS = 0b11

is_trace_id = re.compile(r"(?!0{32})[0-9a-f]{32}").fullmatch
"""Match a trace ID: 32 lower-case hex digits, not all zero."""

_is_unit_id = re.compile(r"(?!0{16})[0-9a-f]{16}").fullmatch
_parse_parent = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})"
    r"-(?P<span>(?!0{16})[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<future>-[ -~]*)?"
).fullmatch
_parse_member = re.compile(
    r"(?P<key>[a-z0-9][a-z0-9_*/@-]{0,255})=(?P<value>[ -+\--<>-~]{0,255}[!-+\--<>-~])"
).fullmatch


@dataclass(frozen=True, slots=True)
class TraceContext:
    """The trace that a message belongs to.

    Attributes:
        trace_id: 32 lower-case hex digits, not all zero.
        flags: 2 hex digits.
        members: the list-members of ``tracestate`` that are not headrace's.
        cause: the ID of the unit of work that sent the message, if headrace sent it.
        span_id: the sender's span, 16 lower-case hex digits; None if no message names one.
        is_link: whether the receiver's spans start their own trace, with a link to this one.
    """

    trace_id: str
    flags: str = "01"
    members: tuple[str, ...] = ()
    cause: str | None = None
    span_id: str | None = None
    is_link: bool = False


def parse(parents: Sequence[str], states: Iterable[str]) -> TraceContext | None:
    """Return the trace in a message's headers, or None without exactly one valid ``traceparent``.

    A ``tracestate`` that violates the grammar is dropped entirely. If members have the same key,
    the first and most recent one is kept.

    Args:
        parents: the values of all ``traceparent`` headers.
        states: the values of all ``tracestate`` headers, in order.
    """
    match = _parse_parent(parents[0].strip(_OWS)) if len(parents) == 1 else None
    if match is None or (match["version"] == "00" and match["future"]):
        return None
    flags = int(match["flags"], 16) & _KNOWN_FLAGS
    members = _members(states)
    cause = members.pop(_OURS, "").removeprefix(f"{_OURS}=")
    return TraceContext(
        match["trace"],
        f"{flags:02x}",
        tuple(members.values()),
        cause if _is_unit_id(cause) else None,
        match["span"],
    )


def _members(states: Iterable[str]) -> dict[str, str]:
    listed = [member.strip(_OWS) for state in states for member in state.split(",")]
    listed = [member for member in listed if member]
    if len(listed) > _MAX_MEMBERS:
        return {}
    found: dict[str, str] = {}
    for member in listed:
        match = _parse_member(member)
        if match is None:
            return {}
        found.setdefault(match["key"], member)
    return found


def render(trace: TraceContext, unit_id: str, span_id: str) -> tuple[str, str]:
    """Return ``traceparent`` and ``tracestate`` for a message that a unit of work sends.

    Args:
        trace: the trace that the unit belongs to.
        unit_id: the unit's ID, for the receiver's `causation_id`.
        span_id: the message's own ID, 16 lower-case hex digits, not all zero.
    """
    members = [f"{_OURS}={unit_id}", *trace.members[: _MAX_MEMBERS - 1]]
    if _length(members) > _MAX_LENGTH:
        members = [member for member in members if len(member) <= _LONG_MEMBER]
    while _length(members) > _MAX_LENGTH:
        members.pop()
    return f"00-{trace.trace_id}-{span_id}-{trace.flags}", ",".join(members)


def trace_of(correlation_id: str) -> TraceContext:
    """Return the trace of an operation that arrived without a ``traceparent``.

    Its ID is the correlation ID if that is a valid trace ID, and otherwise a hash of it, so that
    every process of the operation uses the same ID.
    """
    if is_trace_id(correlation_id):
        return TraceContext(correlation_id)
    from hashlib import sha256

    return TraceContext(sha256(correlation_id.encode()).hexdigest()[:32])


def _length(members: Sequence[str]) -> int:
    return sum(map(len, members)) + len(members) - 1
