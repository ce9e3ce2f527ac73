"""The one message header, `headrace`: how it is written, found and read.

It is a small JSON mapping: ``v`` (its version), ``id`` (the correlation ID), ``cause`` (the unit
that published the message), ``flow`` and ``step`` (where it did so), ``at`` (when, in milliseconds
since the epoch), ``deadline`` (wall time, likewise) and ``meta`` (allowed metadata). Readers
ignore keys that they do not know; a change that they could not ignore would be another version.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from headrace import FlowContext, remaining
from headrace.integration import propagated_metadata, valid_id

HEADER = "headrace"
VERSION = 1
MAX_NAMES = 120
"""Most bytes of JSON that the correlation ID and the flow's and step's names may take together."""
MAX_METADATA = 8192
"""Most bytes of JSON that the metadata may take."""

log = logging.getLogger("headrace.celery")

_ABSENT = object()
_MAX_NAME = 200
_MAX_MILLISECONDS = 2**53
_MAX_NESTING = 3  # the message, its `headers`, and what other SDKs nest in those
_INT64 = range(-(2**63), 2**63)


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

    def seconds_left(self) -> float:
        """Return the seconds until the deadline; infinity where there is none."""
        if self.deadline_ms is None:
            return math.inf
        return self.deadline_ms / 1000.0 - time.time()


# --- Writing --------------------------------------------------------------------------------------


def write(context: FlowContext) -> dict[str, Any]:
    """Return the header of a message that `context`, the current unit, publishes now."""
    now = time.time()
    header: dict[str, Any] = {
        "v": VERSION,
        "id": context.correlation_id,
        "cause": context.unit_id,
        "at": int(now * 1000.0),
    }
    flow, step = context.flow, context.step
    if flow is not None and _json_size(flow, step) + len(context.correlation_id) <= MAX_NAMES:
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
def _json_size(flow: str, step: str | None) -> int:
    return len(json.dumps(flow)) + len(json.dumps(step or ""))


def _sendable(metadata: dict[str, Any]) -> dict[str, Any]:
    """Leave out what not every broker's serialiser takes: it must not fail the publishing."""
    refused = [key for key, value in metadata.items() if not _is_plain(value)]
    kept = {key: value for key, value in metadata.items() if key not in refused}
    if kept and len(json.dumps(kept)) > MAX_METADATA:
        refused, kept = list(metadata), {}
    if refused:
        log.warning(
            "left the metadata %s out of a message: it takes None, booleans, 64-bit integers, "
            "finite floats, strings, and lists and dicts of these, %d bytes of JSON in all",
            ", ".join(map(repr, refused)),
            MAX_METADATA,
        )
    return kept


def _is_plain(value: Any, depth: int = 8) -> bool:
    if value is None or isinstance(value, str | bool):
        return True
    if isinstance(value, int):
        return value in _INT64
    if isinstance(value, float):
        return math.isfinite(value)
    if depth and isinstance(value, list | tuple):
        return all(_is_plain(item, depth - 1) for item in value)
    if depth and isinstance(value, dict):
        return all(isinstance(k, str) and _is_plain(v, depth - 1) for k, v in value.items())
    return False


# --- Reading --------------------------------------------------------------------------------------


def find(fields: Any) -> tuple[bool, Any]:
    """Look for the header in a message's `fields`: at the top, in ``headers``, nested in these.

    Returns:
        Whether there is one, and its value.
    """
    for _ in range(_MAX_NESTING):
        if not isinstance(fields, Mapping):
            break
        value = fields.get(HEADER, _ABSENT)
        if value is not _ABSENT:
            return True, value
        fields = fields.get("headers")
    return False, None


def parse(raw: Any) -> Envelope:
    """Return what the value of a header says.

    Raises:
        MalformedHeaderError: it is not a header that this version reads; the message says why
            without quoting it.
    """
    if not isinstance(raw, Mapping):
        raise MalformedHeaderError("it is not a mapping")
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
    )


def _cause(value: Any) -> str | None:
    cause = valid_id(value)
    if value is None or cause is not None:
        return cause
    raise MalformedHeaderError("its causation ID is invalid")


def _name(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and len(value) <= _MAX_NAME):
        return value
    raise MalformedHeaderError("its flow or step is not a name")


def _milliseconds(value: Any) -> int | None:
    if value is None or (type(value) is int and 0 <= value <= _MAX_MILLISECONDS):
        return value
    raise MalformedHeaderError("one of its times is not a number of milliseconds")


def _metadata(value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if isinstance(value, dict) and _is_plain(value) and len(json.dumps(value)) <= MAX_METADATA:
        return value
    raise MalformedHeaderError("its metadata is not a small mapping")
