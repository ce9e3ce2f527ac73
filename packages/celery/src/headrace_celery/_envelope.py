"""The one message header, `headrace`: how it is written, found and read.

It is a small JSON mapping: ``v`` (its version), ``id`` (the correlation ID), ``cause`` (the unit
that published the message), ``flow`` and ``step`` (where it did so), ``at`` (when, in milliseconds
since the epoch), ``deadline`` (wall time, likewise) and ``meta`` (allowed metadata). Readers
ignore keys that they do not know; a change that they could not ignore would be another version.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from headrace import FlowContext, remaining
from headrace.integration import accepted_metadata, clock, propagated_metadata, valid_id

from ._log import log, warn_once

HEADER = "headrace"
VERSION = 1
MAX_NAMES = 120
"""Most bytes of JSON that the correlation ID and the flow's and step's names may take together."""
MAX_METADATA = 8192
"""Most bytes of JSON that the metadata may take."""

MAX_NESTING = 3
"""Levels of headers: the message, its ``headers``, and the headers that other SDKs nest there."""

_ABSENT = object()
MAX_NAME = 200
"""Maximum length of a name, in characters, in a header and in a log line."""
_MAX_KEYS = 32
_MAX_SHOWN, _MAX_SHOWN_KEYS = 40, 5
_MAX_MILLISECONDS = 2**53
_MAX_DEPTH = 8
_INT64 = range(-(2**63), 2**63)
# Control characters, line separators and bidirectional controls, which distort a log or terminal;
# and lone surrogates, which UTF-8 cannot encode.
_has_control = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
).search


class MalformedHeaderError(ValueError):
    """A header that is not ours, or not one that this version reads."""


class Envelope(NamedTuple):
    """What the header of a message says of the unit of work that published it."""

    correlation_id: str
    causation_id: str | None
    flow: str | None
    step: str | None
    published_ms: int | None
    deadline_ms: int | None
    metadata: Mapping[str, Any]
    is_link: bool

    def seconds_left(self) -> float:
        """Return the seconds until the deadline; infinity where there is none."""
        if self.deadline_ms is None:
            return math.inf
        return self.deadline_ms / 1000.0 - clock.wall()


# --- Writing --------------------------------------------------------------------------------------


def write(context: FlowContext) -> dict[str, Any]:
    """Return the header of a message that `context`, the current unit, publishes now."""
    now = clock.wall()
    header: dict[str, Any] = {
        "v": VERSION,
        "id": context.correlation_id,
        "cause": context.unit_id,
        "at": int(now * 1000.0),
    }
    flow, step = context.flow, context.step
    if flow is not None and _size_of_names(flow, step) + len(context.correlation_id) <= MAX_NAMES:
        header["flow"] = flow
        if step is not None:
            header["step"] = step
    left = remaining()
    if left is not None:
        header["deadline"] = int((now + left) * 1000.0)
    metadata = _sendable(propagated_metadata(context))
    if metadata:
        header["meta"] = metadata
    return header


@lru_cache(maxsize=1024)
def _size_of_names(flow: str, step: str | None) -> float:
    if _has_control(flow) or _has_control(step or ""):
        return math.inf  # allowed in a drawing, but never sent
    return len(json.dumps(flow)) + len(json.dumps(step or ""))


def _sendable(metadata: dict[str, Any]) -> dict[str, Any]:
    """Leave out what not every broker's serialiser takes: it must not fail the publishing."""
    refused = [key for key, value in metadata.items() if not _is_plain({key: value})]
    kept = {key: value for key, value in metadata.items() if key not in refused}
    if kept and len(json.dumps(kept)) > MAX_METADATA:
        refused, kept = list(metadata), {}
    if refused:
        log.warning(
            "left the metadata %s out of a message: it takes None, booleans, 64-bit integers, "
            "finite floats, strings without control characters, and lists and dicts of these, "
            "%d bytes of JSON in all",
            ", ".join(map(repr, refused)),
            MAX_METADATA,
        )
    return kept


def _is_plain(value: Any) -> bool:
    """Tell whether `value` is small, shallow data that every serialiser and log takes."""
    left = MAX_METADATA  # each value takes at least one byte of JSON
    waiting = [(value, 0)]
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


def find(fields: Any) -> tuple[bool, Any]:
    """Look for the header in a message's `fields`: at the top, in ``headers``, nested in these.

    Returns:
        Whether there is one, and its value.
    """
    for _ in range(MAX_NESTING):
        if not isinstance(fields, Mapping):
            break
        value = fields.get(HEADER, _ABSENT)
        if value is not _ABSENT:
            return True, value
        fields = fields.get("headers")
    return False, None


def parse(raw: Any) -> Envelope:
    """Return the envelope in the value of a header, with the metadata that this process accepts.

    Raises:
        MalformedHeaderError: it is not a header that this version reads; the message says why
            without quoting it.
    """
    if not isinstance(raw, Mapping):
        raise MalformedHeaderError("it is not a mapping")
    if len(raw) > _MAX_KEYS:
        raise MalformedHeaderError("it has too many keys")
    if type(raw.get("v")) is not int or raw["v"] != VERSION:
        raise MalformedHeaderError("its version is not known here")
    correlation_id = valid_id(raw.get("id"))
    if correlation_id is None:
        raise MalformedHeaderError("its correlation ID is invalid")
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
    raise MalformedHeaderError("its causation ID is invalid")


def _name(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and len(value) <= MAX_NAME and not _has_control(value):
        return value
    raise MalformedHeaderError("its flow or step is not a name")


def _milliseconds(value: Any) -> int | None:
    if value is None or (type(value) is int and 0 <= value <= _MAX_MILLISECONDS):
        return value
    raise MalformedHeaderError("one of its times is not a number of milliseconds")


def _metadata(value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not _is_plain(value) or len(json.dumps(value)) > MAX_METADATA:
        raise MalformedHeaderError("its metadata is not a small mapping of plain values")
    accepted = accepted_metadata(value)
    if len(accepted) < len(value):
        _report_dropped(sorted(value.keys() - accepted.keys()))
    return accepted


def _report_dropped(keys: list[str]) -> None:
    warn_once(
        "metadata",
        "dropped metadata of a message: %s; to accept it, name it in "
        "configure(propagate_metadata=...); further drops are not logged",
        ", ".join(key[:_MAX_SHOWN] for key in keys[:_MAX_SHOWN_KEYS]),
    )
