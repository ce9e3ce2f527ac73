"""Where Celery's messages carry the envelope: in one header, ``headrace``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.integration.messages import HEADER, Envelope, parse_envelope

MAX_NESTING = 3
"""Levels of headers: the message, its ``headers``, and any that other SDKs nest there."""

_ABSENT = object()


def read(fields: Any) -> Envelope | None:
    """Return the envelope in a message's headers, or None if there is none.

    It may be at the top level of `fields`, in ``headers``, or nested deeper: Celery and other SDKs
    move a message's headers, depending on how it was published.

    Raises:
        MalformedEnvelopeError: as `parse_envelope`.
    """
    raw = _find(fields)
    return None if raw is _ABSENT else parse_envelope(raw)


def is_in(fields: Any) -> bool:
    """Return whether a message's headers contain an envelope, readable or not."""
    return _find(fields) is not _ABSENT


def _find(fields: Any) -> Any:
    for _ in range(MAX_NESTING):
        if not isinstance(fields, Mapping):
            break
        raw = fields.get(HEADER, _ABSENT)
        if raw is not _ABSENT:
            return raw
        fields = fields.get("headers")
    return _ABSENT
