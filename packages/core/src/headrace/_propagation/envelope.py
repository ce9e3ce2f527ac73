"""The envelope: the single header of a queue's message, ``headrace``.

It is a small JSON mapping. Readers ignore unknown keys; a change that they must not ignore gets a
new version.

============  ================================================================================
``v``         version
``id``        correlation ID
``cause``     causation ID: the unit that publishes the message
``flow``      flow that publishes the message
``step``      step that publishes the message
``at``        time of publishing, in milliseconds since the epoch
``deadline``  end of the publisher's time budget, in milliseconds since the epoch
``meta``      metadata that ``configure(propagate_metadata=...)`` names
``link``      1 if the run's span is linked to the publisher's instead of being its child
============  ================================================================================
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from headrace._context.deadlines import remaining
from headrace._ids import valid_id
from headrace._logger import log
from headrace._process import clock

from .metadata import accepted_metadata, propagated_metadata

if TYPE_CHECKING:
    from headrace._context.model import FlowContext

HEADER = "headrace"
VERSION = 1
MAX_NAMES = 120
"""Maximum total size of the correlation ID, flow and step, in bytes of JSON."""
MAX_METADATA = 8192
"""Maximum size of the metadata, in bytes of JSON."""
MAX_NAME = 200
"""Maximum length of a name, in characters, in an envelope and in a log line."""

_MAX_KEYS = 32
_MAX_SHOWN, _MAX_SHOWN_KEYS = 40, 5
_MAX_MILLISECONDS = 2**53
_MAX_DEPTH = 8
_INT64 = range(-(2**63), 2**63)
# Control characters, line separators and bidirectional controls can distort a log or a terminal,
# and UTF-8 cannot encode lone surrogates.
_has_control = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
).search


class MalformedEnvelopeError(ValueError):
    """A header's value is not an envelope, or its version is not supported."""


class Envelope(NamedTuple):
    """A parsed and validated envelope.

    Args:
        correlation_id: a valid correlation ID.
        causation_id: the unit that published the message, or None.
        flow: the flow that published it, or None.
        step: the step that published it, or None.
        published_ms: the time of publishing, in milliseconds since the epoch, or None.
        deadline_ms: the end of the publisher's time budget, in milliseconds since the epoch, or
            None.
        metadata: the publisher's metadata that this process accepts.
        is_link: whether the run's span is linked to the publisher's instead of being its child.
    """

    correlation_id: str
    causation_id: str | None
    flow: str | None
    step: str | None
    published_ms: int | None
    deadline_ms: int | None
    metadata: Mapping[str, Any]
    is_link: bool

    def queue_ms(self) -> float | None:
        """Return the milliseconds since the message was published, or None if that is unknown."""
        if self.published_ms is None:
            return None
        # The clocks of two machines may differ.
        return max(0.0, clock.wall() * 1000.0 - self.published_ms)


def seconds_until(deadline_ms: int) -> float:
    """Return the seconds from now until a deadline in an envelope.

    Args:
        deadline_ms: the deadline, in milliseconds since the epoch.
    """
    return deadline_ms / 1000.0 - clock.wall()


# --- Writing --------------------------------------------------------------------------------------


def write_envelope(context: FlowContext) -> dict[str, Any]:
    """Return the envelope of a message that the current unit, `context`, publishes now."""
    now = clock.wall()
    envelope: dict[str, Any] = {
        "v": VERSION,
        "id": context.correlation_id,
        "cause": context.unit_id,
        "at": int(now * 1000.0),
    }
    flow, step = context.flow, context.step
    if flow is not None and _size_of_names(flow, step) + len(context.correlation_id) <= MAX_NAMES:
        envelope["flow"] = flow
        if step is not None:
            envelope["step"] = step
    left = remaining()
    if left is not None:
        envelope["deadline"] = int((now + left) * 1000.0)
    metadata = _sendable(propagated_metadata(context))
    if metadata:
        envelope["meta"] = metadata
    return envelope


@lru_cache(maxsize=1024)
def _size_of_names(flow: str, step: str | None) -> float:
    if _has_control(flow) or _has_control(step or ""):
        return math.inf  # valid in a flow, but readers would reject it
    return len(json.dumps(flow)) + len(json.dumps(step or ""))


def _sendable(metadata: dict[str, Any]) -> dict[str, Any]:
    """Drop values that some serializer rejects: metadata must not make publishing fail."""
    refused = [key for key, value in metadata.items() if not _is_plain({key: value})]
    kept = {key: value for key, value in metadata.items() if key not in refused}
    if kept and len(json.dumps(kept)) > MAX_METADATA:
        refused, kept = list(metadata), {}
    if refused:
        log.warning(
            "metadata omitted from a message: %s; allowed are None, booleans, 64-bit integers, "
            "finite floats, strings without control characters, and lists and dicts of these, "
            "at most %d bytes of JSON in total",
            ", ".join(map(repr, refused)),
            MAX_METADATA,
        )
    return kept


def _is_plain(value: Any) -> bool:
    """Return whether `value` is small, shallow data that every serializer and log accepts."""
    left = MAX_METADATA  # each value takes at least one byte of JSON
    waiting = [(value, 0)]  # no recursion, since deep external data would exhaust the stack
    while waiting:
        item, depth = waiting.pop()
        left -= 1
        if isinstance(item, dict):
            if not all(type(key) is str and not _has_control(key) for key in item):
                return False
            item = [*item.values()]
        if isinstance(item, list | tuple):
            left -= len(item)
            if depth == _MAX_DEPTH or left < 0:
                return False
            waiting.extend([(each, depth + 1) for each in item])
        elif not _is_scalar(item):
            return False
    return True


def _is_scalar(value: Any) -> bool:
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, str):
        return len(value) <= MAX_METADATA and not _has_control(value)
    if isinstance(value, int):
        return value in _INT64
    return isinstance(value, float) and math.isfinite(value)


# --- Reading --------------------------------------------------------------------------------------


def parse_envelope(raw: Any) -> Envelope:
    """Return the envelope in the value of a header, with the metadata that this process accepts.

    Raises:
        MalformedEnvelopeError: `raw` is not an envelope, or its version is not supported. The
            message gives the reason without quoting the value, which is untrusted.
    """
    if not isinstance(raw, Mapping):
        raise MalformedEnvelopeError("it is not a mapping")
    if len(raw) > _MAX_KEYS:
        raise MalformedEnvelopeError("it has too many keys")
    if type(raw.get("v")) is not int or raw["v"] != VERSION:
        raise MalformedEnvelopeError("its version is unknown")
    correlation_id = valid_id(raw.get("id"))
    if correlation_id is None:
        raise MalformedEnvelopeError("its correlation ID is invalid")
    return Envelope(
        correlation_id,
        _cause(raw.get("cause")),
        _name(raw.get("flow")),
        _name(raw.get("step")),
        _milliseconds(raw.get("at")),
        _milliseconds(raw.get("deadline")),
        _metadata(raw.get("meta")),
        raw.get("link") == 1,
    )


def _cause(value: Any) -> str | None:
    cause = valid_id(value)
    if value is None or cause is not None:
        return cause
    raise MalformedEnvelopeError("its causation ID is invalid")


def _name(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and len(value) <= MAX_NAME and not _has_control(value):
        return value
    raise MalformedEnvelopeError("its flow or step is not a valid name")


def _milliseconds(value: Any) -> int | None:
    if value is None or (type(value) is int and 0 <= value <= _MAX_MILLISECONDS):
        return value
    raise MalformedEnvelopeError("one of its timestamps is not a valid number of milliseconds")


def _metadata(value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not _is_plain(value) or len(json.dumps(value)) > MAX_METADATA:
        raise MalformedEnvelopeError("its metadata is not a small mapping of plain values")
    accepted = accepted_metadata(value)
    if len(accepted) < len(value):
        _report_dropped(sorted(value.keys() - accepted.keys()))
    return accepted


_reported: set[str] = set()


def _report_dropped(keys: list[str]) -> None:
    if _reported:
        return
    _reported.update(keys)
    log.warning(
        "dropped metadata of a message: %s; to accept it, name it in "
        "headrace.configure(propagate_metadata=...); further drops are not logged",
        ", ".join(key[:_MAX_SHOWN] for key in keys[:_MAX_SHOWN_KEYS]),
    )
